"""Keras' layers and activations in every conversion, many of them in one network with an output each, compared by numbers.

The whole table, one network a layer, is docs/results/layer_conversions.csv, made by benchmarks/layer_conversions.py.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

import converters
from converters import layer_matrix
from converters.file_runs import Onnx, Tflite
from converters.graph import distance, evaluate, trace
from converters.layer_cases import CHANNELS, SIDE, Case, cases

PICTURE = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, CHANNELS)).astype("float32")
MAPS = (
    "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D",
    "GlobalAveragePooling2D", "GlobalMaxPooling2D", "UpSampling2D", "ZeroPadding2D", "Cropping2D", "BatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization", "Normalization", "Rescaling",
    "ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "Flatten", "Reshape", "Permute", "Dense", "Add", "Subtract", "Multiply",
    "Average", "Maximum", "Minimum", "Concatenate", "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D",
)  # fmt: skip


def together(chosen: list[Case]) -> keras.Model:
    """One network with an output for each case."""
    image = keras.Input((SIDE, SIDE, CHANNELS), name="image")
    models = [case.model() for case in chosen]
    parts = [keras.Model(model.inputs, model.outputs, name=f"case{index}") for index, model in enumerate(models)]
    return keras.Model(image, [part(image) for part in parts])


@pytest.fixture(scope="module")
def maps() -> tuple[list[Case], keras.Model]:
    chosen = [case for name in MAPS for case in cases(name)]
    return chosen, together(chosen)


def compare(chosen: list[Case], model: keras.Model, outputs) -> None:
    graph = trace(model)
    expected = evaluate(graph, PICTURE)
    for case, value, answer in zip(chosen, graph.outputs, outputs, strict=True):
        own = np.asarray(expected[value])
        assert own.shape == answer.shape and distance(own, np.asarray(answer)) < 1e-3, case


def test_every_activation_becomes_onnx(tmp_path) -> None:
    chosen = list(cases("activation"))
    model = together(chosen)
    file = converters.to_onnx(model, tmp_path / "a.onnx")
    compare(chosen, model, Onnx(file.path)(PICTURE).values())


def test_every_layer_of_maps_becomes_onnx(maps, tmp_path) -> None:
    file = converters.to_onnx(maps[1], tmp_path / "a.onnx")
    compare(*maps, Onnx(file.path)(PICTURE).values())


def test_every_layer_of_maps_becomes_tflite(maps, tmp_path) -> None:
    file = converters.to_tflite(maps[1], tmp_path / "a.tflite")
    compare(*maps, Tflite(file.path)(PICTURE).values())


def test_every_layer_of_maps_folds(maps) -> None:
    compare(*maps, converters.fold(maps[1])(PICTURE, training=False))


@pytest.mark.parametrize("pattern", ["Equalization", "RandomCrop"])
def test_what_does_not_go_is_refused_by_name(pattern) -> None:
    """Not with a traceback, and never with wrong numbers."""
    for row in layer_matrix.rows(pattern, ("fold", "bridge", "float32")):
        assert row.verdict in layer_matrix.FINE, row


def test_what_eight_bits_cannot_say_is_said(tmp_path) -> None:
    """A softmax over all positions has values below the step of its fixed scale."""
    case = next(case for case in cases("Softmax") if "axis" in case.setting)
    pictures = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    with pytest.warns(UserWarning, match=r"int8 file of 'softmax' is off by .* of the answer's spread on calibration pictures"):
        converters.to_tflite(case.model(), tmp_path / "a.tflite", "int8", calibration=pictures, engine="tensorflow")
