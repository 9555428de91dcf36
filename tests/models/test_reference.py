"""Parameters and multiply-accumulates against published implementations (tests/reference.csv, counted by others).

Of networks that tests/analysis/test_model_card.py counts anew, it also holds the result against these rows.
"""

from __future__ import annotations

import csv
from pathlib import Path

import keras
import pytest
from lightest import LIGHTEST, in_table

import zoo
from zoo.analysis.macs import parameters
from zoo.analysis.weightless import weightless

with open(Path(__file__).parents[1] / "reference.csv", newline="", encoding="utf-8") as file:
    ROWS = [row for row in csv.DictReader(file) if row["name"] not in LIGHTEST or not in_table(row)]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_counts_equal_the_reference(row: dict[str, str]) -> None:
    height, _, width = row["input"].partition("x")  # one number for a square
    shape = (int(height), int(width or height), int(row["channels"]))
    options = dict([row["options"].split("=")]) if row["options"] else {}
    options = {key: value or False for key, value in options.items()}
    classes = int(row["classes"]) if row["classes"] else None  # of tasks that tell none apart
    with weightless():
        model = zoo.build(row["name"], classes=classes, input_shape=shape, **options)
        assert parameters(model) == int(row["trainable"])
        if row["gmacs"]:
            assert zoo.macs(model) / 1e9 == pytest.approx(float(row["gmacs"]), rel=0.01)


def test_the_count_of_a_model_of_any_size_needs_a_size() -> None:
    model = zoo.build("unet", width=0.0625)
    with pytest.raises(ValueError, match="input_size"):
        zoo.macs(model)
    assert zoo.macs(model, (64, 64)) * 4 == zoo.macs(model, (128, 128))


def test_every_kind_of_layer_is_counted_by_hand() -> None:
    image = keras.Input((8, 6, 4))
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", groups=2)(image)  # 4×3×6 outputs of 3·3·2
    x = keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)  # 4×3×12 of 9
    x = keras.layers.SeparableConv2D(5, 3, padding="same")(x)  # 4×3 × 12 × (9 + 5)
    x = keras.layers.Conv2DTranspose(2, 4, 2, padding="same")(x)  # 4×3×5 inputs × 16 × 2
    x = keras.layers.Dense(3)(keras.layers.Flatten()(x))  # 8×6×2 × 3
    expected = 4 * 3 * 6 * 18 + 4 * 3 * 12 * 9 + 4 * 3 * 12 * 14 + 60 * 32 + 96 * 3
    assert zoo.macs(keras.Model(image, x)) == expected


def test_shared_and_nested_layers_count_each_time() -> None:
    inner_image = keras.Input((4, 4, 2))
    shared = keras.layers.Conv2D(2, 3, padding="same", use_bias=False)
    inner = keras.Model(inner_image, shared(shared(inner_image)))
    image = keras.Input((4, 4, 2))
    once = 4 * 4 * 2 * 9 * 2
    assert zoo.macs(inner) == 2 * once
    assert zoo.macs(keras.Model(image, inner(inner(image)))) == 4 * once


def test_an_unknown_layer_is_an_error_that_names_it() -> None:
    class Mystery(keras.layers.Layer):
        def call(self, x):
            return x

    image = keras.Input((4, 4, 2))
    with pytest.raises(ValueError, match="Mystery"):
        zoo.macs(keras.Model(image, Mystery()(image)))
