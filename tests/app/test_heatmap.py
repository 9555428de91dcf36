"""The demo app's heat maps: what it shows, says, compares and saves is what Python's kind decodes."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_models import raw_outputs, write_network
from app_visit import GPU, NEEDS, Open
from PIL import Image

from zoo import outputs
from zoo.outputs.heatmap import RAMP, heat_colours, heat_output

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

KIND = outputs.get("heatmap")
ONE = replace(heat_output(), name="heat")
JOINTS = replace(heat_output(("red", 'green "joint"'), ((255, 80, 0), (0, 80, 255))), name="heat")


def redness(image: Any) -> Any:
    """Log-odds that grow with the red of a pixel."""
    return image[..., :1] / 32 - 5


def red_and_green(image: Any) -> Any:
    return image[..., :2] / 32 - 5


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A red hill and a green one on blue."""
    rows, columns = np.indices((192, 256))
    red, green = (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2000) for x, y in ((60, 50), (190, 120)))
    path = tmp_path / "hills.png"
    Image.fromarray(np.dstack([red, 0.8 * green, np.full(red.shape, 90)]).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_one_map_is_drawn_told_and_saved(visit: Open, picture: Path, tmp_path: Path, accelerator: str) -> None:
    model = write_network(tmp_path / "warm.tflite", {"heat": redness}, [ONE])
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready().bring(model)
    page = opened.page
    opened.open(picture)
    original = read(picture)
    heat = KIND.decode(raw_outputs(model, [original])["heat"], ONE, original.shape[:2])
    np.testing.assert_allclose(opened.field("heat", np.float32).reshape(heat.shape), heat, atol=2e-3)
    assert page.locator("input[name=view] + span:visible").all_inner_texts() == ["Overlay", "Compare", "Heat"]
    assert page.inner_text("#legend-title") == "Heat" and page.is_visible("#figure")
    y, x = np.unravel_index(heat.argmax(), heat.shape[:2])
    words = re.findall(r"\d+", page.inner_text("#figure-text"))
    assert np.hypot(int(words[0]) - x, int(words[1]) - y) < 4 and "Hottest" in page.inner_text("#spoken")
    page.locator("#view-mask").check(force=True)
    colours, _ = heat_colours(heat, ONE)
    drawn = read(opened.saved("#save-view")).astype(float)
    assert np.abs(drawn - colours).max() <= 3
    assert np.abs(drawn[y, x] - RAMP[-1]).max() <= 3 and np.abs(drawn[-1, 0] - colours[-1, 0]).max() <= 3
    saved = opened.saved("#save-mask")
    assert saved.name == "densezoo-heat.png"
    expected = read(KIND.write(heat, ONE, tmp_path / "expected")).astype(int)
    assert np.abs(read(saved).astype(int) - expected).max() <= 1


def test_named_maps_have_rows_and_places(visit: Open, picture: Path, tmp_path: Path) -> None:
    model = write_network(tmp_path / "joints.tflite", {"heat": red_and_green}, [JOINTS])
    opened = visit().ready().bring(model)
    opened.open(picture)
    original = read(picture)
    heat = KIND.decode(raw_outputs(model, [original])["heat"], JOINTS, original.shape[:2])
    assert opened.page.locator("#legend li .label").all_inner_texts() == list(JOINTS.labels)
    assert opened.page.inner_text("#save-mask") == "Save places"
    rows = list(csv.reader(opened.saved("#save-mask").read_text().splitlines()))
    expected = list(csv.reader(KIND.write(heat, JOINTS, tmp_path / "expected").read_text().splitlines()))
    assert [row[:3] for row in rows] == [row[:3] for row in expected]
    np.testing.assert_allclose([float(row[3]) for row in rows[1:]], [float(row[3]) for row in expected[1:]], atol=1e-3)
    opened.page.locator("#view-mask").check(force=True)
    drawn = read(opened.saved("#save-view")).astype(float)
    assert np.abs(drawn - heat_colours(heat, JOINTS)[0]).max(axis=-1).mean() < 1


def test_two_networks_correlate(visit: Open, picture: Path, tmp_path: Path) -> None:
    networks = {"near": redness, "far": lambda image: image[..., 1:2] / 48 - 3}
    paths = {
        name: write_network(tmp_path / f"{name}.tflite", {"heat": network}, [ONE], name=name)
        for name, network in networks.items()
    }
    opened = visit().ready()
    for path in paths.values():
        opened.bring(path)
    opened.open(picture)
    original = read(picture)
    opened.choose("near")
    opened.page.select_option("#beside", label="far · float32 · 128 × 96")
    opened.page.wait_for_function("() => document.querySelector('#agreement').textContent")
    opened.ready()
    text = opened.page.inner_text("#agreement")
    maps = [KIND.decode(raw_outputs(path, [original])["heat"], ONE, original.shape[:2]).ravel() for path in paths.values()]
    assert float(re.search(r"-?\d+\.\d+", text).group()) == pytest.approx(np.corrcoef(*maps)[0, 1], abs=2e-3)
