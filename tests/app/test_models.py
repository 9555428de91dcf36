"""The demo app's choice of models: switches between a network's files, two networks side by side, views by task."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_visit import FLOAT_IOU, GPU, INT8_IOU, NEEDS, NEEDS_AXE, Open, Visit, check_accessible, check_masks
from colour_model import COLOURS, SIZE, scene, write_model
from PIL import Image

import edge
from converters.tflite import file as tflite_file
from edge.hosting.server import Server, serve
from zoo.pretrained import catalog

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

FILES = {"float32": ("float32", SIZE), "int8": ("int8", SIZE), "small": ("float32", (48, 64))}
BESIDE = """() => {
  const classes = densezoo.inspect().beside.classes;
  let out = '';
  for (let at = 0; at < classes.length; at += 32768) out += String.fromCharCode(...classes.subarray(at, at + 32768));
  return btoa(out);
}"""


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("variants")
    return {
        key: write_model(folder / f"colours_{key}.tflite", recipe, name="colours", size=size)
        for key, (recipe, size) in FILES.items()
    }


@pytest.fixture(scope="module")
def several(variants: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three files of one network, one file of another."""
    other = write_model(tmp_path_factory.mktemp("other") / "other.tflite", name="something else")
    with serve([*variants.values(), other]) as running:
        yield running


def switch(opened: Visit, name: str, value: str) -> None:
    opened.page.locator(f"input[name={name}]").and_(opened.page.get_by_label(value, exact=True)).check(force=True)
    opened.ready()


def saved(opened: Visit) -> np.ndarray:
    with opened.page.expect_download() as download:
        opened.page.click("#save-view")
    return np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)


def test_files_of_one_network_are_one_choice_with_switches(
    visit: Open, several: Server, variants: dict[str, Path], picture: Path
) -> None:
    opened = visit(url=several.url).ready()
    page = opened.page
    assert page.locator("input[name=model]").count() == 2
    switches = page.locator(".switch").all_inner_texts()
    assert [text.split("\n") for text in switches] == [["Recipe", "float32", "int8"], ["Resolution", "64 × 48", "128 × 96"]]
    original = np.asarray(Image.open(picture))
    opened.show(picture)
    switch(opened, "recipe", "int8")
    opened.settled()
    assert page.locator("input[name=recipe]:checked").evaluate("input => document.activeElement === input"), "focus stays"
    _, answer = opened.answer()
    check_masks(answer, edge.Runner(variants["int8"])(original), INT8_IOU)
    switch(opened, "resolution", "64 × 48")
    opened.settled()
    _, answer = opened.answer()
    check_masks(answer, edge.Runner(variants["small"])(original), FLOAT_IOU)
    # There is no int8 file of that size: the switch shows what runs.
    assert page.locator("input[name=recipe]").and_(page.get_by_label("float32")).is_checked()
    opened.choose("something else")
    assert page.locator(".switch").count() == 0


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_two_networks_side_by_side(
    visit: Open, several: Server, variants: dict[str, Path], picture: Path, accelerator: str
) -> None:
    opened = visit(*(GPU if accelerator == "webgpu" else ()), url=several.url).ready()
    page = opened.page
    assert page.get_attribute("html", "data-accelerator") == accelerator
    opened.show(picture)
    page.select_option("#beside", label="colours · int8 · 128 × 96")
    opened.ready()
    page.wait_for_function("() => densezoo.inspect()?.beside")
    _, answer = opened.answer()
    beside = np.frombuffer(base64.b64decode(page.evaluate(BESIDE)), np.uint8).reshape(answer.shape)
    original = np.asarray(Image.open(picture))
    check_masks(answer, edge.Runner(variants["float32"])(original), FLOAT_IOU)
    check_masks(beside, edge.Runner(variants["int8"])(original), INT8_IOU)
    share = float(re.search(r"([\d.]+)%", page.inner_text("#agreement")).group(1)) / 100  # type: ignore[union-attr]
    assert share == pytest.approx((answer == beside).mean(), abs=0.0006)
    assert page.is_visible("#canvas") and page.is_visible("#canvas-beside")
    assert "int8" in page.inner_text("#caption-beside") and "ms" in page.inner_text("#caption-beside")
    assert " | " in page.inner_text("#legend li:first-child .share")

    width = answer.shape[1]
    page.click("#show-all")
    page.fill("#opacity", "100")
    both, colours = saved(opened), COLOURS.astype(int)
    np.testing.assert_array_equal(both[:, :width], colours[answer])
    np.testing.assert_array_equal(both[:, -width:], colours[beside])
    page.click("#view-split-item")
    wiped, middle = saved(opened), width // 2
    assert wiped.shape[1] == width and page.is_hidden("#canvas-beside")
    np.testing.assert_array_equal(wiped[:, : middle - 1], colours[answer][:, : middle - 1])
    np.testing.assert_array_equal(wiped[:, middle + 2 :], colours[beside][:, middle + 2 :])

    page.click("#view-overlay-item")
    page.select_option("#beside", label="No second model")
    opened.ready()
    page.wait_for_selector("#canvas-beside", state="hidden")
    assert page.inner_text("#agreement") == ""


CHOOSE_IN_MID_FLIGHT = """control => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    post.call(this, message, ...rest);
    if (message.type !== 'frame') return;
    Worker.prototype.postMessage = post;
    const chosen = document.querySelector(control);
    if (chosen.type === 'radio') chosen.checked = true;
    else chosen.selectedIndex = [...chosen.options].findIndex((one) => /int8|wasm/.test(one.label + one.value));
    chosen.dispatchEvent(new Event('change', { bubbles: true }));
    window.chosenInMidFlight = true;
  };
}"""


@pytest.mark.parametrize("control", ["#beside", "input[name=recipe]:not(:checked)", "#accelerator-choice"])
def test_picture_outlives_a_choice_made_before_its_answer(
    visit: Open, several: Server, variants: dict[str, Path], picture: Path, tmp_path: Path, control: str
) -> None:
    """The choice is made while the worker has the picture; it then starts with another model, or anew."""
    opened = visit(url=several.url).ready()
    page = opened.page
    opened.show(picture)
    newer = tmp_path / "newer.png"
    Image.fromarray(scene(160, 240, 5)).save(newer)
    page.evaluate(CHOOSE_IN_MID_FLIGHT, control)
    page.set_input_files("#open-file", newer)
    page.wait_for_function("() => window.chosenInMidFlight")
    opened.ready().settled()
    shown, answer = opened.answer()
    original = np.asarray(Image.open(newer))
    np.testing.assert_array_equal(shown, original)
    recipe = "int8" if "recipe" in control else "float32"
    check_masks(answer, edge.Runner(variants[recipe])(original), INT8_IOU if recipe == "int8" else FLOAT_IOU)
    assert page.is_hidden("#notice")


def test_second_network_that_the_gpu_does_not_know_runs_all_the_same(
    visit: Open, variants: dict[str, Path], picture: Path, tmp_path: Path
) -> None:
    """Partly on the processor where the browser can pause WebAssembly, else both networks wholly there."""
    awkward = write_model(tmp_path / "awkward.tflite", name="awkward", awkward=True)
    with serve([variants["float32"], awkward]) as running:
        opened = visit(*GPU, url=running.url).ready()
        opened.show(picture)
        opened.page.select_option("#beside", label="awkward · float32 · 128 × 96")
        opened.ready()
        opened.page.wait_for_function("() => densezoo.inspect()?.beside")
        _, answer = opened.answer()
        beside = np.frombuffer(base64.b64decode(opened.page.evaluate(BESIDE)), np.uint8).reshape(answer.shape)
    original = np.asarray(Image.open(picture))
    check_masks(answer, edge.Runner(variants["float32"])(original), FLOAT_IOU)
    check_masks(beside, edge.Runner(awkward)(original), FLOAT_IOU)


@NEEDS_AXE
@pytest.mark.parametrize(("scheme", "width", "locale"), [("dark", 390, "de-DE"), ("light", 1280, "en-GB")])
def test_pair_is_accessible(visit: Open, several: Server, picture: Path, scheme: str, width: int, locale: str) -> None:
    opened = visit(url=several.url, viewport={"width": width, "height": 844}, color_scheme=scheme, locale=locale).ready()
    opened.show(picture)
    opened.page.select_option("#beside", label="colours · int8 · 128 × 96")
    opened.ready()
    opened.page.wait_for_selector("#canvas-beside")
    check_accessible(opened)
    one, other = (opened.page.locator(name).bounding_box() for name in ("#canvas", "#canvas-beside"))
    assert (one["y"] < other["y"]) == (width < 600), "one above the other on a phone, side by side on a desktop"
    assert min(one["width"], other["width"]) > 250


def test_page_without_models_asks_for_one(visit: Open, variants: dict[str, Path], picture: Path) -> None:
    with serve([]) as running:
        opened = visit(url=running.url)
        opened.page.wait_for_selector("#notice:not([hidden])")
        assert "Drop a .tflite file" in opened.page.inner_text("#notice")
        opened.page.set_input_files("#model-file", variants["float32"])
        opened.ready().show(picture)
        assert opened.page.is_hidden("#notice")


def test_damaged_second_network_leaves_the_first_one_working(
    visit: Open, several: Server, picture: Path, tmp_path: Path
) -> None:
    opened = visit(url=several.url).ready()
    (tmp_path / "broken.tflite").write_bytes(b"not a model at all" * 9)
    opened.page.set_input_files("#model-file", tmp_path / "broken.tflite")
    opened.page.wait_for_selector("html[data-state=failed]")
    opened.choose("something else")
    opened.page.select_option("#beside", label="broken")
    opened.page.wait_for_selector("#notice:not([hidden])")
    opened.ready()
    assert "broken is not a TensorFlow Lite file" in opened.page.inner_text("#notice")
    assert opened.page.locator("#beside").input_value() == "-1"
    opened.show(picture)


def test_the_card_tells_scores_and_licence(visit: Open, tmp_path: Path) -> None:
    path = write_model(tmp_path / "scored.tflite", name="scored")
    scores = {"ccp/test": {"images": 1100, "miou": 0.94763, "dice": 0.5}, "ours": 3}
    tflite_file.amend(path, {"scores": scores, "licence": "free"})
    with serve([path]) as server:
        opened = visit(url=server.url).ready()
        opened.page.get_by_text("About this model").click()
        card = opened.page.inner_text("#card").splitlines()
        assert "mIoU 94.8% on ccp/test, 1,100 pictures" in card and "free" in card and "3" in card
        opened.page.click("#language")
        card = opened.page.inner_text("#card")
        assert "mIoU 94,8" in card and "auf ccp/test, 1.100 Bilder" in card


PRETRAINED = [catalog.get(name).path("int8") for name in catalog.names()]
SHIPPED = sorted(path for path in PRETRAINED if tflite_file.read(path)["format"] == 1)
LEGACY = sorted((Path(__file__).parents[1] / "legacy").glob("*.tflite"))


def test_every_file_of_format_1_is_read(visit: Open, picture: Path) -> None:
    """All that was shipped, and what was kept from before format 2: each runs and says what the runner says."""
    assert len(SHIPPED) >= 6 and len(LEGACY) >= 2
    with serve([*SHIPPED, *LEGACY]) as running:
        opened = visit(url=running.url).ready()
        original, page = np.asarray(Image.open(picture)), opened.page
        for path in SHIPPED[-2:] + LEGACY:
            opened.bring(path)
            _, answer = opened.show(picture)
            # Whole numbers are rounded otherwise in the browser, and on a picture unlike all that was learnt scores lie close.
            least = 0.95 if "int8" in path.name else 0.99
            assert (answer == edge.Runner(path)(original)).mean() > least, path
        for title in page.locator("input[name=model] ~ .model-name").all_inner_texts():
            page.locator("label.model").filter(has_text=title).first.click()
            opened.ready()
            assert page.inner_text("#legend-title") == "Classes"
