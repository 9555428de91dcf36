"""The demo app's joints: read from a network's numbers as Python's kind reads them; drawn, listed, compared and saved."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_models import constant, raw_outputs, write_network
from app_visit import AXE, GPU, NEEDS, Open, check_accessible
from PIL import Image

from zoo import outputs
from zoo.outputs import OutputSpec
from zoo.outputs.joints import COLOURS, joint_output

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

KIND = outputs.get("joints")
LABELS = ("nose", "left shoulder", "right shoulder", 'left "elbow"', "right elbow")
SIZE = (180, 260)
PLACES = ((30, 16), (12, 9), (40, 5), (20, 40), (63, 47))  # column and row of each hill, on 64×48 cells


def spec(name: str, decode: str = "quarter") -> OutputSpec:
    return replace(joint_output(LABELS, decode=decode), name=name)


def hills(noise: float, tied: bool = False, seed: int = 0) -> np.ndarray:
    """Maps of a hill each, the later the lower; with ties, in few different numbers."""
    rows, columns = np.indices((48, 64))
    maps = [
        (1 - 0.16 * index) * np.exp(-((columns - x - 0.3) ** 2 + (rows - y + 0.2) ** 2) / 8)
        for index, (x, y) in enumerate(PLACES)
    ]
    values = np.stack(maps, axis=-1)[None] + np.random.default_rng(seed).normal(0, noise, (1, 48, 64, len(PLACES)))
    return (np.rint(4 * values) / 4 if tied else values).astype(np.float32)


CASES = {
    "quarter": (hills(0.02, seed=1), "quarter"),  # of constants that are equal a file keeps one output
    "argmax": (hills(0.02, seed=2), "argmax"),
    "soft": (hills(0.02, seed=3), "soft_argmax"),
    "tied": (hills(0.05, tied=True), "quarter"),
    "places": (np.random.default_rng(1).uniform(-0.5, 0.5, (1, 10)).astype(np.float32), "quarter"),
}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(path)
    return path


def test_every_decoding_is_pythons(visit: Open, picture: Path, tmp_path: Path) -> None:
    networks = {name: constant(values) for name, (values, _) in CASES.items()}
    specs = [spec(name, decode) for name, (_, decode) in CASES.items()]
    specs[-1] = replace(specs[-1], scale=None)
    model = write_network(tmp_path / "decodings.tflite", networks, specs)
    opened = visit().ready().bring(model)
    opened.open(picture)
    move = "least => { least.value = 0; least.dispatchEvent(new Event('input')) }"
    raw = raw_outputs(model, [np.full((*SIZE, 3), 90, np.uint8)])
    for index, one in enumerate(specs):
        opened.output(index)
        opened.page.evaluate(move, opened.page.query_selector("#least"))
        rows = opened.field("rows", np.float32).reshape(-1, 3)
        expected = KIND.decode(raw[one.name], one, SIZE)
        shown = expected[:, 2] >= float(opened.page.get_attribute("#least", "min")) / 100
        np.testing.assert_allclose(rows[shown], expected[shown], rtol=3e-7 if one.name == "soft" else 0, err_msg=one.name)
        assert shown.sum() >= 4 and np.isnan(rows[~shown]).all()


def test_joints_are_drawn_listed_and_saved(visit: Open, picture: Path, tmp_path: Path) -> None:
    """And the slider, the keyboard and the other language choose what is shown."""
    model = write_network(tmp_path / "joints.tflite", {"joints": constant(hills(0))}, [spec("joints")])
    opened = visit().ready().bring(model)
    opened.open(picture)
    page = opened.page
    expected = KIND.decode(raw_outputs(model, [np.full((*SIZE, 3), 90, np.uint8)])["joints"], spec("joints"), SIZE)
    assert page.inner_text("#legend-title") == "Joints" and page.is_visible("#least-row")
    labels = page.locator("#legend li .label")
    assert labels.all_inner_texts() == list(LABELS)
    spoken = page.inner_text("#spoken")
    assert spoken.startswith("Picture with 5 of 5 joints found. nose 98%, 125 from the left, 61 from the top; left shoulder")
    assert page.locator("#legend button").first.get_attribute("aria-pressed") == "true"
    drawn = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    python = KIND.draw(np.full((*SIZE, 3), 90, np.uint8), expected, spec("joints")).astype(int)
    (x, y), (left, right) = expected[0, :2], expected[1:3, :2]
    middle = np.rint((left + right) / 2).astype(int)
    for image in (drawn, python):
        assert np.abs(image[int(y), int(x)] - COLOURS[""]).max() < 12
        assert np.abs(image[middle[1] - 1 : middle[1] + 2, middle[0]] - COLOURS["right"]).max(axis=-1).min() < 40
        assert (image[5, 5] == 90).all()
    saved = opened.saved("#save-mask")
    assert saved.name == "densezoo-joints.csv"
    table = list(csv.reader(saved.read_text().splitlines()))
    written = list(csv.reader(KIND.write(expected, spec("joints"), tmp_path / "expected").read_text().splitlines()))
    assert [row[0] for row in table] == [row[0] for row in written]
    np.testing.assert_allclose(*(np.array([row[1:] for row in each[1:]], float) for each in (table, written)), atol=0.011)
    page.locator("#legend button").first.focus()
    page.keyboard.press("Enter")
    after = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    assert (after[int(y), int(x)] == 90).all(), "its joint, and the bones from it, are gone"
    page.focus("#least")
    page.keyboard.press("End")
    assert labels.count() < 5
    page.click("#language")
    assert page.inner_text("#legend-title") == "Gelenke"
    if AXE.is_file():
        check_accessible(opened)


def test_two_networks_are_compared_and_the_camera_is_answered(visit: Open, picture: Path, tmp_path: Path) -> None:
    moved = np.roll(hills(0), (0, 20), (1, 2)) * np.array([1, 0, 0, 0, 0], np.float32)
    both = {"near": hills(0), "far": hills(0) * np.array([0, 1, 1, 1, 1], np.float32) + moved}
    paths = [
        write_network(tmp_path / f"{name}.tflite", {"joints": constant(values)}, [spec("joints")], name=name)
        for name, values in both.items()
    ]
    opened = visit(*GPU).ready()
    for path in paths:
        opened.bring(path)
    opened.open(picture)
    opened.choose("near")
    opened.page.select_option("#beside", label="far · float32 · 128 × 96")
    opened.page.wait_for_function("() => document.querySelector('#agreement').textContent")
    opened.ready()
    assert opened.page.inner_text("#agreement") == "Both models place 80% of the joints alike."
    opened.page.click("#camera")
    opened.frames(beyond=opened.frames() + 2)
    assert opened.page.locator("#legend li").count() > 0
