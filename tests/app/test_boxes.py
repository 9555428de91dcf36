"""The demo app's boxes: what it chooses is to the last bit what Python's kind chooses, ties included; and how it shows them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_models import constant, raw_outputs, write_network
from app_visit import AXE, GPU, NEEDS, Open, check_accessible, set_least
from PIL import Image

from zoo import outputs
from zoo.outputs import OutputSpec
from zoo.outputs.boxes import box_output

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

KIND = outputs.get("boxes")
LABELS, PALETTE = ("cat", 'a "dog"', "bird"), ((255, 80, 0), (0, 80, 255), (0, 200, 0))
ANCHORS, VARIANCES = [[[0.2, 0.3], [0.5, 0.4]], [[0.9, 0.8]]], [0.1, 0.1, 0.2, 0.2]
LOW = 0.05  # the slider's least
SIZE = (180, 260)


def rows(*shape: int, seed: int, ties: bool = False) -> np.ndarray:
    """Numbers such as networks give; with ties, few different ones."""
    values = np.random.default_rng(seed).normal(0, 1.3, shape)
    return (np.rint(2 * values) / 2 if ties else values).astype(np.float32)


CASES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "points": (rows(1, 12, 16, 7, seed=0), {"coding": "points"}),
    "tied": (rows(1, 12, 16, 7, seed=1, ties=True), {"coding": "points", "overlap": 0.5, "most": 100}),
    "levels": (rows(1, 60, 7, seed=2), {"coding": "points", "grids": [[6, 8], [3, 4]], "soft": 0.5}),
    "anchors": (
        rows(1, 108, 8, seed=3),
        {"coding": "anchors", "scores": "softmax", "grids": [[6, 8], [3, 4]], "anchors": ANCHORS, "variances": VARIANCES},
    ),
    "cells": (
        np.abs(rows(1, 7, 7, 13, seed=4)) / 2,
        {"coding": "cells", "boxes": 2, "grids": [[7, 7]]},
    ),
    "corners": (rows(1, 50, 7, seed=5, ties=True) / 4 + 0.5, {"coding": "corners", "scores": "shares"}),
}


def spec(name: str, options: dict[str, Any]) -> OutputSpec:
    return replace(box_output(LABELS, PALETTE, options), name=name)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(path)
    return path


def test_every_coding_is_chosen_from_as_in_python(visit: Open, picture: Path, tmp_path: Path) -> None:
    networks = {name: constant(values) for name, (values, _) in CASES.items()}
    specs = [spec(name, options) for name, (_, options) in CASES.items()]
    model = write_network(tmp_path / "codings.tflite", networks, specs)
    opened = visit().ready().bring(model)
    opened.open(picture)
    raw = raw_outputs(model, [np.full((*SIZE, 3), 90, np.uint8)])
    for index, one in enumerate(specs):
        opened.output(index)
        set_least(opened, int(100 * LOW))
        expected = KIND.decode(raw[one.name], one, SIZE)
        assert len(expected) > 20, one.name
        np.testing.assert_array_equal(opened.field("rows", np.float32).reshape(-1, 6), expected, err_msg=one.name)


def things(image: Any) -> Any:
    """Three things at fixed places, as sure as the picture is bright: a cat, a dog and a bird less so."""
    import tensorflow as tf

    values = np.full((1, 12, 16, 7), -9, np.float32)
    for (row, column), label, score in (((3, 4), 0, 0.0), ((8, 11), 1, -1.0), ((3, 12), 2, -3.0)):
        values[0, row, column, :4], values[0, row, column, 4 + label] = np.log(2), score
    scores = np.zeros((1, 1, 1, 7), np.float32)
    scores[..., 4:] = 1
    return tf.constant(values) + tf.constant(scores) * tf.reduce_mean(image) / 64


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_boxes_are_drawn_listed_and_saved(visit: Open, picture: Path, tmp_path: Path, accelerator: str) -> None:
    model = write_network(tmp_path / "things.tflite", {"boxes": things}, [spec("boxes", {"coding": "points"})])
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready().bring(model)
    opened.open(picture)
    page = opened.page
    expected = KIND.decode(raw_outputs(model, [np.full((*SIZE, 3), 90, np.uint8)])["boxes"], spec("boxes", {}), SIZE)
    sure = expected[expected[:, 5] >= 0.3]
    np.testing.assert_allclose(opened.field("rows", np.float32).reshape(-1, 6), sure, atol=2e-3)
    assert page.inner_text("#legend-title") == "Things" and page.inner_text("#save-mask") == "Save boxes"
    assert page.locator("#legend li .label").all_inner_texts() == [LABELS[int(row[4])] for row in sure]
    spoken = page.inner_text("#spoken")
    assert spoken.startswith(f"Picture with {len(sure)} things found. cat 80%, 41 from the left") and 'a "dog"' in spoken
    drawn = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    x0, y0, x1, y1 = sure[0, :4]
    assert np.abs(drawn[round((y0 + y1) / 2), round(x0) + 1] - PALETTE[0]).max() < 12
    assert np.abs(drawn[round((y0 + y1) / 2), round((x0 + x1) / 2)] - 90).max() < 12, "inside, the picture shows"
    saved = opened.saved("#save-mask")
    assert saved.name == "densezoo-boxes.csv"
    table = list(csv.reader(saved.read_text().splitlines()))
    written = list(csv.reader(KIND.write(sure, spec("boxes", {}), tmp_path / "expected").read_text().splitlines()))
    assert [row[0] for row in table] == [row[0] for row in written]
    np.testing.assert_allclose(*(np.array([row[1:] for row in each[1:]], float) for each in (table, written)), atol=0.02)


def test_the_slider_and_the_keyboard_choose_what_is_shown(visit: Open, picture: Path, tmp_path: Path) -> None:
    model = write_network(tmp_path / "things.tflite", {"boxes": things}, [spec("boxes", {"coding": "points"})])
    opened = visit().ready().bring(model)
    opened.open(picture)
    page = opened.page
    assert page.is_visible("#least-row") and not page.is_visible("#opacity-row")
    labels = page.locator("#legend li .label")
    assert labels.all_inner_texts() == list(LABELS[:2])
    page.focus("#least")
    page.keyboard.press("End")
    assert labels.count() == 0 and page.inner_text("#spoken") == "Nothing is found."
    page.keyboard.press("Home")
    assert labels.all_inner_texts() == list(LABELS)
    before = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    page.locator("#legend button").first.focus()
    page.keyboard.press("Enter")
    after = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")).astype(int)
    assert page.locator("#legend button").first.get_attribute("aria-pressed") == "false" and (before != after).any()
    page.click("#language")
    assert page.inner_text("#legend-title") == "Dinge" and "von links" in page.inner_text("#spoken")
    if AXE.is_file():
        check_accessible(opened)


def test_the_camera_is_answered_live(visit: Open, tmp_path: Path) -> None:
    model = write_network(tmp_path / "things.tflite", {"boxes": things}, [spec("boxes", {"coding": "points"})])
    opened = visit().ready().bring(model)
    opened.page.click("#camera")
    opened.frames(beyond=opened.frames() + 2)
    assert opened.field("rows", np.float32).size >= 6 and opened.page.locator("#legend li").count() > 0
