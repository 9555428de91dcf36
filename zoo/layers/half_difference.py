"""Half difference: two scores of a thing, for and against, as the one number that their softmax depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class HalfDifference(keras.layers.Layer):
    """The second half of the channels less the first: N×H×W×2C → N×H×W×C.

    A softmax over two scores is the logistic function of their difference; Faster R-CNN's network has two for each anchor.

    Raises:
        zoo.errors.InputError: for an odd number of channels.
    """

    quantization, carries = "rounds", 0

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] % 2:
            raise InputError(f"{self.name}: {input_shape[-1]} channels are no two halves")
        self.built = True

    def call(self, x: Any) -> Any:
        half = x.shape[-1] // 2
        return x[..., half:] - x[..., :half]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it subtracts."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's."""
        return united(fields)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], x.shape[-1] // 2), dtype=self.compute_dtype)
