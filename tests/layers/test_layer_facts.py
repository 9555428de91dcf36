"""What a layer is, it says itself: products, receptive field, rounding; one that says nothing is refused, not counted as 0."""

from __future__ import annotations

import math

import keras
import pytest

import zoo
from zoo import layers
from zoo.analysis.macs import COUNTERS, FREE
from zoo.analysis.receptive_field import RULES, receptive_field
from zoo.errors import InputError
from zoo.layers.field import windowed

L = keras.layers
OWN = layers.load_all()


@keras.saving.register_keras_serializable(package="test_layer_facts")
class Correlation(L.Layer):
    """A toy that nobody has a table for: products of 5×5 neighbours in two maps."""

    quantization, carries = "rounds", 0

    def call(self, inputs):
        return keras.ops.tile(inputs[0] * inputs[1], (1, 1, 1, 25))

    def macs(self, input_shapes, output_shape):
        return math.prod(output_shape) * input_shapes[0][-1]

    def receptive_field(self, fields, input_shapes, output_shape):
        return windowed(fields[1], input_shapes[1], output_shape, (5, 5), (1, 1), padding="same")


class Silent(L.Layer):
    """A foreign layer without a word about itself."""

    def call(self, x):
        return x


def correlated() -> keras.Model:
    image = keras.Input((8, 6, 2))
    maps = [L.Conv2D(4, 3, padding="same", use_bias=False)(image) for _ in range(2)]
    return keras.Model(image, Correlation()(maps))


def test_a_toy_layer_is_counted_by_what_it_says() -> None:
    model = correlated()
    assert zoo.macs(model) == 8 * 6 * (2 * 9 * 2 * 4 + 100 * 4)
    assert receptive_field(model) == (7, 7)


@pytest.mark.parametrize("count", [zoo.macs, receptive_field])
def test_a_layer_that_says_nothing_is_refused_by_name(count) -> None:
    image = keras.Input((8, 6, 2))
    with pytest.raises(InputError, match="'quiet' of type Silent"):
        count(keras.Model(image, Silent(name="quiet")(image)))


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_every_layer_of_the_zoo_says_what_it_is(kind: type) -> None:
    assert callable(kind.macs) and callable(kind.receptive_field)
    assert kind.carries in (0, 1)
    assert isinstance(kind.quantization, property) or kind.quantization in ("passthrough", "rounds", "integers", "floating")


def test_tables_are_of_keras_alone() -> None:
    assert not [kind for kind in {*FREE, *COUNTERS, *RULES} if not kind.__module__.startswith("keras.")]


def test_layers_are_found_by_file() -> None:
    assert {kind.__name__ for kind in OWN} < set(dir(layers))
    assert layers.ResizeLike in OWN and callable(layers.inference)
    with pytest.raises(AttributeError, match="Field"):
        layers.Field  # noqa: B018 (of a file that registers nothing)
