"""The demo app's instances: to the last pixel what Python's kind tells apart, ties included; shown, hidden and saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_models import constant, raw_outputs, write_network
from app_visit import AXE, NEEDS, Open, check_accessible, set_least
from colour_model import SIZE
from PIL import Image
from scipy.ndimage import gaussian_filter

from zoo import outputs
from zoo.outputs import OutputSpec
from zoo.outputs.instances import Instances, instance_output
from zoo.outputs.run_lengths import decoded

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

KIND = outputs.get("instances")
LABELS, PALETTE = ("cell", 'a "nucleus"'), ((255, 80, 0), (0, 80, 255))
PICTURE = (180, 260)  # of other proportions than the network's map


def fields(seed: int, step: float = 0.0) -> np.ndarray:
    """Smooth scores 1×h×w×4; in steps, as of an int8 file, many tie."""
    noise = np.random.default_rng(seed).normal(size=(4, *SIZE))
    values = np.stack([gaussian_filter(one, 2.5) for one in noise], axis=-1)[None].astype(np.float32) * 30
    return (np.rint(values / step) * step).astype(np.float32) if step else values


def broken() -> np.ndarray:
    values = fields(7)
    values[0, 20:24] = np.nan
    values[0, 40:42, :, 1] = np.inf
    return values


MASK = (8, 9)


def regions() -> np.ndarray:
    """Boxes 1×60×(4 + 2 + 8·9) of either class, some over others, and a smooth mask in each."""
    random = np.random.default_rng(4)
    low = random.uniform(0, 0.85, (60, 2))
    rows = np.zeros((60, 6), np.float32)
    rows[:, :2], rows[:, 2:4] = low, low + random.uniform(0.05, 0.2, low.shape)
    rows[np.arange(60), 4 + np.arange(60) % 2] = random.uniform(0.2, 1, 60).round(2)
    masks = np.stack([gaussian_filter(random.normal(size=MASK) + 0.3, 1.5).ravel() for _ in rows])
    return np.concatenate([rows, masks], axis=1)[None].astype(np.float32)


CASES: dict[str, tuple[np.ndarray, dict[str, Any], str]] = {
    "smooth": (fields(0), {}, "linear"),
    "tied": (fields(1, 1.0), {"least": 1}, "linear"),
    "sure": (fields(2), {"least": 4, "threshold": 0.6}, "linear"),
    "shares": (np.exp(fields(3)) / np.exp(fields(3)).sum(axis=-1, keepdims=True), {"least": 2}, "softmax"),
    "broken": (broken(), {}, "linear"),
    "regions": (regions(), {"coding": "regions", "scores": "shares", "mask": [*MASK], "picture": [*SIZE]}, "linear"),
}


def spec(name: str, options: dict[str, Any], activation: str = "linear") -> OutputSpec:
    return replace(instance_output(LABELS, PALETTE, options), name=name, activation=activation)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((*PICTURE, 3), 90, np.uint8)).save(path)
    return path


def test_every_map_is_told_apart_as_in_python(visit: Open, picture: Path, tmp_path: Path) -> None:
    networks = {name: constant(values) for name, (values, _, _) in CASES.items()}
    specs = [spec(name, options, activation) for name, (_, options, activation) in CASES.items()]
    model = write_network(tmp_path / "maps.tflite", networks, specs)
    opened = visit().ready().bring(model)
    opened.open(picture)
    set_least(opened, 5)
    raw = raw_outputs(model, [np.full((*PICTURE, 3), 90, np.uint8)])
    for index, one in enumerate(specs):
        opened.output(index)
        expected = KIND.decode(raw[one.name], one, PICTURE)
        assert len(expected) > 20 and set(expected.labels) == {0, 1}, one.name
        np.testing.assert_array_equal(opened.field("labels", np.int32), expected.labels, err_msg=one.name)
        np.testing.assert_array_equal(opened.field("scores", np.float32), expected.scores, err_msg=one.name)
        shown = opened.field("numbers", np.int32).reshape(PICTURE)
        np.testing.assert_array_equal(shown, expected.numbers, err_msg=one.name)


def cells(image: Any) -> Any:
    """Two cells that touch and a nucleus less sure than they, the surer the brighter the picture is."""
    import tensorflow as tf

    classes = np.zeros(SIZE, int)
    classes[10:50, 10:40], classes[10:50, 44:80], classes[60:90, 20:60] = 1, 1, 2
    classes[10:50, 40:44] = 3
    scale = np.where(classes == 2, 1.0, 3.0)[..., None]
    values = (scale * np.eye(4)[classes])[None].astype(np.float32)
    return tf.constant(values) * tf.reduce_mean(image) / 64


def test_objects_are_drawn_listed_hidden_and_saved(visit: Open, picture: Path, tmp_path: Path) -> None:
    one = spec("cells", {})
    model = write_network(tmp_path / "cells.tflite", {"cells": cells}, [one])
    opened = visit().ready().bring(model)
    opened.open(picture)
    page, grey = opened.page, np.full((*PICTURE, 3), 90, np.uint8)
    expected: Instances = KIND.decode(raw_outputs(model, [grey])["cells"], one, PICTURE)
    assert expected.labels.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(opened.field("numbers", np.int32).reshape(PICTURE), expected.numbers)
    assert page.inner_text("#legend-title") == "Objects" and page.inner_text("#save-mask") == "Save objects"
    assert page.locator("#legend li .label").all_inner_texts() == list(LABELS)
    assert page.inner_text("#spoken") == 'Picture with 3 objects. 2 cell, 1 a "nucleus".'
    drawn = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    assert np.abs(drawn - KIND.draw(grey, expected, one)).max() <= 2
    saved = opened.saved("#save-mask")
    assert saved.name == "densezoo-instances.json"
    table = json.loads(saved.read_text())
    written = json.loads(KIND.write(expected, one, tmp_path / "picture").with_suffix(".json").read_text())
    for ours, theirs in zip(table["annotations"], written["annotations"], strict=True):
        assert ours.pop("score") == pytest.approx(theirs.pop("score"), abs=1e-4)
    assert table == written
    np.testing.assert_array_equal(decoded(table["annotations"][0]["segmentation"]), expected.numbers == 1)

    page.locator("#legend button").first.focus()
    page.keyboard.press("Enter")
    hidden = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    assert np.abs(hidden - 90)[np.isin(expected.numbers, (1, 2))].max() <= 2 < np.abs(hidden - 90)[expected.numbers == 3].min()
    page.focus("#least")
    page.keyboard.press("End")
    assert page.inner_text("#spoken") == "Picture with 2 objects. 2 cell."
    page.click("#language")
    assert page.inner_text("#legend-title") == "Gegenstände"
    if AXE.is_file():
        check_accessible(opened)
