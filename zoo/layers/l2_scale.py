"""L2 scale: every place's vector of channels at length 1, times a learnt factor a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united

_TINY = 1e-10  # under the root, as in the authors' Caffe


@keras.saving.register_keras_serializable(package="densezoo")
class L2Scale(keras.layers.Layer):
    """Divides N×H×W×C by the length of each place's vector and multiplies each channel by its factor.

    Liu, Rabinovich & Berg, "ParseNet", 2015, section 3.2: features of another scale than their neighbours' can be joined with
    them; SSD has it on conv4_3.

    Args:
        length: where the factors start.
    """

    quantization, carries = "rounds", 0

    def __init__(self, length: float = 20.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = float(length)

    def build(self, input_shape: Shape) -> None:
        start = keras.initializers.Constant(self.length)
        self.factors = self.add_weight((input_shape[-1],), initializer=start, name="factors")

    def call(self, x: Any) -> Any:
        length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + _TINY)
        return x / length * self.factors

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: normalisation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's: neighbours are channels."""
        return united(fields)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "length": self.length}
