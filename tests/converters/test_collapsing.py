"""Wide linear blocks become plain convolutions in every file, and a layer that lies about itself is found out."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import zoo
from converters.tflite.inspection import operators
from zoo.analysis.macs import parameters
from zoo.analysis.tiny_models import tiny_model
from zoo.errors import InputError
from zoo.layers import CollapsibleConv2D

SIZE = (16, 24)


@pytest.fixture(scope="module")
def wide() -> keras.Model:
    return tiny_model("pocket_sr", SIZE)


def test_the_network_collapses_to_the_one_that_is_built_plain(wide: keras.Model) -> None:
    plain = converters.collapse(wide)
    built = tiny_model("pocket_sr", SIZE, expansion=None)
    assert [(layer.name, type(layer)) for layer in plain.layers] == [(layer.name, type(layer)) for layer in built.layers]
    assert parameters(plain) == parameters(built) < parameters(wide)
    assert zoo.output_spec(plain) == zoo.output_spec(wide) and zoo.macs(plain) == zoo.macs(wide)
    assert converters.collapse(plain) is plain


def test_the_promise_is_kept_at_full_size() -> None:
    """Under 60,000 parameters on the phone, whatever it learns with."""
    assert parameters(zoo.build("pocket_sr", expansion=None)) < 60_000 < parameters(zoo.build("pocket_sr"))


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_files_hold_plain_convolutions(wide: keras.Model, recipe: str, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (8, *SIZE, 3)).astype("float32")
    path = tmp_path / f"{recipe}.tflite"
    converters.to_tflite(wide, path, recipe, calibration=images if recipe == "int8" else None)
    names = [operator.name for operator in operators(path)]
    assert names.count("CONV_2D") == 5 and not {"BATCH_MATMUL", "FULLY_CONNECTED"} & set(names)  # luma, and four of its own
    assert converters.parity(wide, path, images[:2]).passed


def test_a_layer_that_collapses_to_something_else_is_refused() -> None:
    class Liar(CollapsibleConv2D):
        def collapsed(self) -> keras.layers.Conv2D:
            layer = super().collapsed()
            layer.bias.assign(layer.bias + 0.1)
            return layer

    image = keras.Input((*SIZE, 3))
    with pytest.raises(InputError, match="answers otherwise once collapsed"):
        converters.collapse(keras.Model(image, Liar(4, 3, 8)(image)))
