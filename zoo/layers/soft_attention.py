"""Soft attention: what a state asks of many places, answered by a mean of them that it weighs itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united

# By which places that are none are worth less: as good as no share. With 1e4, as attention is often masked, all that eight bits
# can tell apart lies between places and no places, and none of it between places: a translation was right in 7 of 100.
_BEYOND = 20.0


@keras.saving.register_keras_serializable(package="densezoo")
class SoftAttention(keras.layers.Layer):
    """Weighs places by what a state asks for (Bahdanau et al. 2015, equation 6), and gives their mean by these weights.

    Takes [state N×U, values N×P×C, keys N×P×K] and gives the mean N×C and the weights N×P, which sum to 1. A key is what is
    looked for in a place, a value what is fetched from it; keys are made once, outside, where many states ask. What a place
    is worth is v·tanh(key + W·state + b).

    With `empty` places, N×P of 1 where there is none (padding of a sentence), as a fourth input, those weigh nothing.
    """

    quantization, carries = "rounds", 0

    def build(self, input_shapes: Sequence[tuple[int | None, ...]]) -> None:
        state, _, keys = input_shapes[:3]
        self.query_kernel = self.add_weight((state[-1], keys[-1]), "glorot_uniform", name="query_kernel")
        self.bias = self.add_weight((keys[-1],), "zeros", name="bias")
        self.energy = self.add_weight((keys[-1], 1), "glorot_uniform", name="energy")
        self.built = True

    def call(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        state, values, keys, *empty = inputs
        query = ops.expand_dims(ops.matmul(state, self.query_kernel) + self.bias, 1)
        worth = ops.squeeze(ops.matmul(ops.tanh(keys + query), self.energy), -1)
        for places in empty:
            worth = worth - _BEYOND * ops.cast(places, worth.dtype)
        shares = ops.softmax(worth, axis=-1)
        return ops.squeeze(ops.matmul(ops.expand_dims(shares, 1), values), 1), shares

    def compute_output_spec(self, inputs: Sequence[Any]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        batch, places, channels = inputs[1].shape
        return (
            keras.KerasTensor((batch, channels), dtype=self.compute_dtype),
            keras.KerasTensor((batch, places), dtype=self.compute_dtype),
        )

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """The query, the worth of each place, and the mean."""
        (_, units), (_, places, channels), (_, _, keys) = input_shapes[:3]
        return units * keys + places * keys + places * channels

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """Every place."""
        return Field(united(fields).lines, True)
