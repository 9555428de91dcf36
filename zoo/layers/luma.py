"""Luma: the brightness of a picture, on which papers of super-resolution work and by which they are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, united

WEIGHTS = (0.299, 0.587, 0.114)  # of R, G and B in ITU-R BT.601


@keras.saving.register_keras_serializable(package="densezoo")
class Luma(keras.layers.Layer):
    """Makes of RGB, N×H×W×3, its luma by BT.601, N×H×W×1, in the same range; what has one channel stays as it is.

    The weights add up to 1. So what is added to each of R, G and B alike is added to the luma, and the colours (the differences
    of R, G and B from it) stay as they were.
    """

    quantization, carries = "rounds", 0

    def call(self, x: Any) -> Any:
        if x.shape[-1] == 1:
            return x
        return ops.conv(x, ops.reshape(ops.cast(ops.array(WEIGHTS), x.dtype), (1, 1, 3, 1)), padding="same")

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """One product a channel, as of a 1×1 convolution."""
        return 0 if input_shapes[0][-1] == 1 else math.prod(output_shape) * input_shapes[0][-1]

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's."""
        return united(fields)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], 1), dtype=self.compute_dtype)
