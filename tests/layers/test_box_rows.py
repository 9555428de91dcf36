"""Levels laid after another, and what the answer's kind is told of them, whatever size a network is built or converted for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from edge.tflite_file import read_card
from zoo import outputs
from zoo.errors import InputError
from zoo.layers import BoxRows, ModelOutput
from zoo.outputs.boxes import box_output

ANCHORS = [[[0.1, 0.1], [0.2, 0.1]], [[0.4, 0.4], [0.6, 0.6]]]
OPTIONS = {"coding": "anchors", "scores": "softmax", "anchors": ANCHORS, "variances": [0.1, 0.1, 0.2, 0.2]}
SIZE, GRIDS = (64, 96), [[8, 12], [4, 6]]


def detector(size: tuple[int | None, int | None]) -> keras.Model:
    """Two levels with two anchors each, of three classes and the background."""
    image = keras.Input((*size, 3), name="image")
    maps = [keras.layers.Conv2D(2 * 8, stride, stride, name=f"s{stride}")(image) for stride in (8, 16)]
    rows = BoxRows(8, OPTIONS, name="rows")(maps)
    spec = box_output(("a", "b", "c"), (), {"coding": "points"})
    return keras.Model(image, ModelOutput("detection", spec, name="answer")(rows))


def test_the_answer_knows_its_grids(tmp_path: Path) -> None:
    fixed, free = detector(SIZE), detector((None, None))
    spec = zoo.output_spec(fixed)
    assert spec.options == {**OPTIONS, "grids": GRIDS} and spec.channels == 8
    assert zoo.output_spec(free).options == OPTIONS
    fixed.save(tmp_path / "model.keras")
    again = zoo.load(tmp_path / "model.keras")
    assert zoo.output_spec(again) == spec
    free.set_weights(fixed.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3)).astype("float32")
    raw = fixed(images).numpy()
    assert raw.shape == (2, 2 * (8 * 12 + 4 * 6), 8)
    for other in (again, free):
        np.testing.assert_allclose(other(images).numpy(), raw, rtol=1e-5, atol=1e-4)
    maps = keras.Model(fixed.inputs, [fixed.get_layer(f"s{stride}").output for stride in (8, 16)])(images)
    np.testing.assert_allclose(raw[:, 2 * (2 * 12 + 5) + 1], maps[0].numpy()[:, 2, 5, 8:], rtol=1e-5, atol=1e-4)
    with pytest.raises(InputError, match="fixed input_shape"):
        outputs.kind(spec).decode(raw[0], zoo.output_spec(free), SIZE)


def test_a_file_of_a_network_of_any_size_knows_the_size_it_was_made_for(tmp_path: Path) -> None:
    model = detector((None, None))
    path = converters.to_tflite(model, tmp_path / "model.tflite", input_size=SIZE).path
    assert read_card(path).spec.options == {**OPTIONS, "grids": GRIDS}
    with edge.Runner(path) as runner:
        assert runner(np.zeros((50, 70, 3), np.uint8)).shape[1] == 6
