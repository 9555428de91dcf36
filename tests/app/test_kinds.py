"""The demo app's kinds of output: what each shows, says, compares and saves is what Python's kind decodes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from app_models import (
    CLASSES,
    FLOW,
    GREY,
    NEGATIVE,
    TWICE,
    TWO,
    WHOLE,
    difference,
    enlarged,
    movement,
    negative,
    raw_outputs,
    scores,
    whole,
    write_network,
)
from app_visit import GPU, NEEDS, NEEDS_AXE, Open, Visit, check_accessible
from colour_model import COLOURS, LABELS
from PIL import Image

from zoo import outputs
from zoo.outputs import OutputSpec

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS


def decoded(path: Path, spec: OutputSpec, *pictures: np.ndarray) -> np.ndarray:
    """The answer by Python's kind, from what LiteRT's own interpreter gives."""
    return outputs.kind(spec).decode(raw_outputs(path, pictures)[spec.name], spec, pictures[0].shape[:2])


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def spoken(opened: Visit) -> str:
    return opened.page.inner_text("#spoken")


def views(opened: Visit) -> list[str]:
    return opened.page.locator("input[name=view] + span:visible").all_inner_texts()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Right at the right edge, left at the left one, down at the bottom: a colour wheel of its own for `movement`."""
    y, x = np.mgrid[0:192, 0:256]
    Image.fromarray(np.stack([x, y * 255 / 191, np.full_like(x, 90)], -1).astype(np.uint8)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def wheel(vectors: np.ndarray) -> np.ndarray:
    """H×W×2 vectors of length up to 1 as Middlebury's colours: the wheel's corners lie at these steps of 55."""
    u, v = vectors[..., 0], vectors[..., 1]
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * 54
    corners = [0, 15, 21, 25, 36, 49, 55]
    red, green, blue = [255, 255, 0, 0, 0, 255, 255], [0, 255, 255, 255, 0, 0, 0], [0, 0, 0, 255, 255, 255, 0]
    pure = np.stack([np.interp(position, corners, channel) for channel in (red, green, blue)], -1)
    return 255 - np.hypot(u, v)[..., None] * (255 - pure)


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_vectors_are_drawn_by_the_colour_wheel_and_saved_as_flo(
    visit: Open, film: Path, tmp_path: Path, accelerator: str
) -> None:
    model = write_network(tmp_path / "flow.tflite", {"flow": movement}, [FLOW])
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready().bring(model)
    page = opened.page
    opened.open(film)
    vectors = decoded(model, FLOW, read(film))
    shape = vectors.shape
    np.testing.assert_allclose(opened.field("vectors", np.float32).reshape(shape), vectors, atol=2e-3)
    longest = np.hypot(*vectors.transpose(2, 0, 1)).max()
    assert views(opened) == ["Overlay", "Compare", "Flow"]
    assert page.is_visible("#figure") and page.locator("#legend li").count() == 0
    assert page.inner_text("#legend-title") == "Movement"
    assert f"{longest:.1f} pixels" in page.inner_text("#figure-text") and f"{longest:.1f} pixels" in spoken(opened)
    page.locator("#view-mask").check(force=True)
    drawn = read(opened.saved("#save-view")).astype(float)
    assert np.abs(drawn - wheel(vectors / longest)).max() <= 4
    # Mirrored directions would not pass.
    assert np.abs(drawn - wheel(-vectors / longest)).mean() > 40
    right, down, left, up = (255, 0, 0), (255, 230, 0), (0, 209, 255), (88, 0, 255)
    for point, colour in {(96, 255): right, (191, 128): down, (96, 0): left, (0, 128): up}.items():
        strength = np.hypot(*vectors[point]) / longest
        assert np.abs(drawn[point] - (255 - strength * (255 - np.array(colour)))).max() < 40, point
    path = opened.saved("#save-mask")
    assert path.suffix == ".flo"
    outputs.kind(FLOW).write(vectors, FLOW, tmp_path / "expected")
    header = slice(0, 12)  # tag, width and height; the numbers behind them differ by rounding
    assert path.read_bytes()[header] == (tmp_path / "expected.flo").read_bytes()[header]
    np.testing.assert_array_equal(np.frombuffer(path.read_bytes()[12:], "<f4"), opened.field("vectors", np.float32))


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_picture_is_compared_with_its_original_and_saved(
    visit: Open, picture: Path, tmp_path: Path, accelerator: str
) -> None:
    model = write_network(tmp_path / "larger.tflite", {"enlarged": enlarged}, [TWICE])
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready().bring(model)
    page = opened.page
    opened.open(picture)
    original = read(picture)
    expected = decoded(model, TWICE, original).astype(int)
    height, width = expected.shape[:2]
    assert (height, width) == (2 * original.shape[0], 2 * original.shape[1])
    path = opened.saved("#save-mask")
    assert path.name == "densezoo-image.png"
    assert np.abs(read(path) - expected).max() <= 1
    assert views(opened) == ["Compare", "Side by side", "Result"]
    assert page.is_hidden("#opacity-row") and f"{width} × {height} pixels" in spoken(opened)
    split = read(opened.saved("#save-view")).astype(int)
    enlargement = np.asarray(Image.fromarray(original).resize((width, height), Image.Resampling.BILINEAR)).astype(int)
    middle = width // 2
    assert np.abs(split[:, middle + 2 :] - expected[:, middle + 2 :]).max() <= 1
    assert (
        np.abs(split - enlargement)[:, : middle - 2].mean() < 3 < np.abs(expected - enlargement)[:, : middle - 2].mean()
    )
    page.locator("#view-beside").check(force=True)
    assert page.is_visible("#canvas-beside")
    assert (page.inner_text("#caption"), page.inner_text("#caption-beside")) == ("Before", "After")
    both = read(opened.saved("#save-view")).astype(int)
    assert np.abs(both[:, -width:] - expected).max() <= 1
    assert np.abs(both[:, :width] - enlargement).mean() < 3
    page.locator("#view-mask").check(force=True)
    assert np.abs(read(opened.saved("#save-view")) - expected).max() <= 1
    assert page.is_hidden("#canvas-beside")
    # Back at a network of classes there is nothing of it left.
    opened.choose("colours as float32")
    opened.frames()
    assert page.is_checked("#view-mask") and views(opened) == ["Overlay", "Compare", "Mask", "Background"]


def test_grey_network_gets_pillows_grey(visit: Open, picture: Path, tmp_path: Path) -> None:
    model = write_network(tmp_path / "grey.tflite", {"negative": negative}, [NEGATIVE], inputs=GREY)
    opened = visit().ready().bring(model)
    opened.open(picture)
    original = read(picture)
    raw = raw_outputs(model, [original], "L")["negative"]
    expected = outputs.kind(NEGATIVE).decode(raw, NEGATIVE, original.shape[:2]).astype(int)
    assert np.abs(read(opened.saved("#save-mask")) - expected).max() <= 1
    opened.page.get_by_text("About this model").click()
    assert "128 × 96 · grey · float32" in opened.page.inner_text("#card")


def test_classes_of_a_picture_are_listed_and_saved(visit: Open, picture: Path, tmp_path: Path) -> None:
    model = write_network(tmp_path / "whole.tflite", {"colour": whole}, [WHOLE])
    opened = visit().ready().bring(model)
    opened.open(picture)
    expected = decoded(model, WHOLE, read(picture))
    assert opened.page.is_hidden("#view-row") and opened.page.inner_text("#legend-title") == "Most likely"
    best = LABELS[int(expected.argmax())]
    assert opened.page.inner_text("#legend li:first-child .label") == best
    assert opened.page.locator("#legend button[aria-pressed=false]").count() == 0, "no class of a picture is hidden"
    assert "ms" in opened.page.inner_text("#frame-ms")
    assert spoken(opened).startswith(f"Picture. Most likely {best} ")
    rows = list(csv.reader(opened.saved("#save-mask").read_text().splitlines()))
    assert rows[0] == ["class", "probability"] and [label for label, _ in rows[1:]] == list(LABELS)
    np.testing.assert_allclose([float(share) for _, share in rows[1:]], expected, atol=1e-4)


def test_two_networks_agree_in_their_kinds_own_measure(visit: Open, picture: Path, tmp_path: Path) -> None:
    files = {
        "slow": ({"flow": movement}, [FLOW]),
        "fast": ({"flow": lambda image: movement(image) * 1.5}, [FLOW]),
        "bright": ({"negative": negative}, [NEGATIVE]),
        "faint": ({"negative": lambda image: negative(image) * 0.5}, [NEGATIVE]),
    }
    paths = {name: write_network(tmp_path / f"{name}.tflite", *parts, name=name) for name, parts in files.items()}
    opened = visit().ready()
    for path in paths.values():
        opened.bring(path)
    opened.open(picture)
    original = read(picture)

    def agreement(one: str, other: str) -> float:
        opened.choose(one)
        opened.page.select_option("#beside", label=f"{other} · float32 · 128 × 96")
        opened.page.wait_for_function("() => document.querySelector('#agreement').textContent")
        opened.ready()
        text = opened.page.inner_text("#agreement")
        opened.page.select_option("#beside", label="No second model")
        opened.page.wait_for_function("() => !document.querySelector('#agreement').textContent")
        opened.ready()
        return float(re.search(r"\d+\.\d+", text).group())  # type: ignore[union-attr]

    one, other = (decoded(paths[name], FLOW, original) for name in ("slow", "fast"))
    assert agreement("slow", "fast") == pytest.approx(np.hypot(*(one - other).transpose(2, 0, 1)).mean(), abs=0.01)
    one, other = (decoded(paths[name], NEGATIVE, original).astype(float) for name in ("bright", "faint"))
    assert agreement("bright", "faint") == pytest.approx(10 * np.log10(255**2 / ((one - other) ** 2).mean()), abs=0.06)


def test_several_frames_are_two_pictures_opened_together_or_one_twice(visit: Open, tmp_path: Path) -> None:
    model = write_network(tmp_path / "pair.tflite", {"flow": difference}, [FLOW], inputs=TWO)
    frames = [tmp_path / "frame_9.png", tmp_path / "frame_10.png"]
    pictures = [np.full((96, 128, 3), 60, np.uint8), np.full((96, 128, 3), 60, np.uint8)]
    pictures[1][:, 64:, 0] = 92  # two pixels to the right, in the right half
    for path, pixels in zip(frames, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    opened = visit().ready().bring(model)
    note = opened.page.locator("#frames-note")
    opened.open(frames[0])
    assert "gets this one 2 times" in note.inner_text()
    assert not opened.field("vectors", np.float32).any()
    # By their names, film frames have an order: whoever opens them marks them in any.
    opened.open(*reversed(frames))
    assert "frame_9.png → frame_10.png" in note.inner_text()
    for shown, pixels in zip(opened.pictures(), pictures, strict=True):
        np.testing.assert_array_equal(shown, pixels)
    vectors = opened.field("vectors", np.float32).reshape(96, 128, 2)
    np.testing.assert_allclose(vectors, decoded(model, FLOW, *pictures), atol=1e-4)
    assert vectors[:, 66:, 0].min() == pytest.approx(2) and not vectors[:, :62].any()
    opened.page.get_by_text("About this model").click()
    assert "128 × 96 · 2 pictures" in opened.page.inner_text("#card")
    opened.page.click("#language")
    assert "frame_9.png → frame_10.png" in note.inner_text() and "zugleich" in note.inner_text()


def test_camera_gives_the_previous_frame_and_the_current_one(visit: Open, tmp_path: Path) -> None:
    model = write_network(tmp_path / "pair.tflite", {"flow": difference}, [FLOW], inputs=TWO)
    opened = visit().ready().bring(model)
    opened.page.click("#camera")
    differ = """() => {
      const frames = densezoo.inspect()?.frames ?? [];
      return frames.length === 2 && frames[0].rgba.some((value, at) => Math.abs(value - frames[1].rgba[at]) > 60);
    }"""
    for _ in range(60):  # the film has two frames, and on a busy machine a browser may leave out one of them
        before = opened.frames()
        opened.frames(beyond=before)
        opened.page.click("#freeze")
        opened.settled()
        if opened.page.evaluate(differ):
            break
        opened.page.click("#freeze")
    first, second = opened.pictures()
    vectors = opened.field("vectors", np.float32).reshape(*first.shape[:2], 2)
    off = np.abs(vectors - decoded(model, FLOW, first, second))
    # A byte of rounding in either frame is 2.5 / 16 pixels, where Pillow counts in whole numbers and the app does not.
    assert off.max() <= 2 * 2.5 / 16 and (off > 5e-3).mean() < 0.01
    assert np.abs(vectors - decoded(model, FLOW, second, first)).mean() > 0.1, "the order of the frames tells"
    assert "2 camera frames at once" in opened.page.inner_text("#frames-note")
    opened.page.click("#camera")


def test_outputs_are_found_by_name_and_switched(visit: Open, picture: Path, tmp_path: Path) -> None:
    # LiteRT sorts a signature's outputs by name, so the card's order is another one.
    networks = {"classes": scores, "negative": negative}
    model = write_network(tmp_path / "several.tflite", networks, [NEGATIVE, CLASSES])
    opened = visit().ready().bring(model)
    page = opened.page
    opened.open(picture)
    original = read(picture)
    shown = opened.field("rgba", np.uint8).reshape(*original.shape[:2], 4)[..., :3].astype(int)
    assert np.abs(shown - decoded(model, NEGATIVE, original)).max() <= 1
    assert page.locator("#outputs label").all_inner_texts() == ["negative", "classes"]
    page.locator("#outputs").get_by_label("classes").check(force=True)
    opened.settled()
    answer = opened.field("classes", np.uint8).reshape(original.shape[:2])
    assert (answer == decoded(model, CLASSES, original)).mean() > 0.999
    assert page.inner_text("#legend-title") == "Classes" and views(opened) == ["Overlay", "Compare", "Mask", "Background"]
    np.testing.assert_array_equal(read(opened.saved("#save-mask")), COLOURS.astype(np.uint8)[answer])
    page.get_by_text("About this model").click()
    assert "classes: A class for each pixel" in page.inner_text("#card")


@pytest.mark.parametrize(
    ("spec", "names", "said"),
    [
        (OutputSpec("smell", name="flow"), {"flow": movement}, "kind that this app does not know: smell"),
        (
            OutputSpec("vector_field", name="wind"),
            {"flow": movement, "negative": negative},
            "not those that it describes",
        ),
    ],
)
def test_outputs_that_are_not_known_are_refused_in_plain_words(
    visit: Open, tmp_path: Path, spec: OutputSpec, names: dict, said: str
) -> None:
    opened = visit().ready()
    opened.page.set_input_files("#model-file", write_network(tmp_path / "odd.tflite", names, [spec]))
    opened.page.wait_for_selector("html[data-state=failed]")
    assert said in opened.page.inner_text("#notice")
    opened.choose("colours as float32")


def test_scores_are_told_in_their_units(visit: Open, tmp_path: Path) -> None:
    def score(name: str, value: float, unit: str) -> dict[str, object]:
        return {"name": name, "value": value, "unit": unit, "higher_is_better": unit != "px"}

    results = {
        "chairs/test": {
            "images": 640,
            "size": [384, 512],
            "scores": [score("end_point_error", 2.5, "px"), score("outliers", 0.041, "share")],
        },
        "set5": {"images": 5, "scores": [score("psnr", 31.25, "dB"), score("ssim", 0.9, "")]},
    }
    facts = {"scores": results, "license": "free", "description": "Made for a test."}
    model = write_network(tmp_path / "scored.tflite", {"flow": movement}, [FLOW], **facts)
    opened = visit().ready().bring(model)
    opened.page.get_by_text("About this model").click()
    card = opened.page.inner_text("#card").splitlines()
    assert "end point error 2.50 px on chairs/test (512 × 384), 640 pictures" in card and "outliers 4.1%" in card
    assert "PSNR 31.25 dB on set5, 5 pictures" in card and "SSIM 0.900" in card
    assert {"free", "Made for a test.", "Made for tests", "A vector for each pixel"} <= set(card)


@NEEDS_AXE
@pytest.mark.parametrize(("scheme", "width", "locale"), [("dark", 390, "de-DE"), ("light", 1280, "en-GB")])
def test_other_kinds_are_accessible(
    visit: Open, picture: Path, tmp_path: Path, scheme: str, width: int, locale: str
) -> None:
    networks = {"flow": difference, "negative": lambda frames: 255 - frames[..., :3]}
    model = write_network(tmp_path / "both.tflite", networks, [FLOW, NEGATIVE], inputs=TWO)
    opened = visit(viewport={"width": width, "height": 844}, color_scheme=scheme, locale=locale).ready().bring(model)
    opened.open(picture)
    opened.page.locator(".about summary").click()
    check_accessible(opened)
    opened.page.locator("#outputs").get_by_label("negative").check(force=True)
    opened.settled()
    opened.page.locator("#view-beside").check(force=True)
    check_accessible(opened)
