"""Frame: one of several pictures that lie along the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class Frame(keras.layers.Layer):
    """Takes from N×H×W×kC, k pictures along the channels, one of them, N×H×W×C.

    Args:
        number: which, counted from 0.
        frames: k.

    Raises:
        InputError: for a number that is none of them, or channels that do not divide.
    """

    quantization, carries = "passthrough", 0

    def __init__(self, number: int, frames: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= number < frames:
            raise InputError(f"frame {number} of {frames}; they are counted from 0 to {frames - 1}")
        self.number, self.frames = number, frames

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[-1] % self.frames:
            raise InputError(f"{self.name}: {input_shape[-1]} channels are not {self.frames} frames of as many each")
        self.built = True

    def call(self, x: Any) -> Any:
        count = x.shape[-1] // self.frames
        return x[..., self.number * count : (self.number + 1) * count]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it cuts."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's."""
        return united(fields)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], x.shape[-1] // self.frames), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "number": self.number, "frames": self.frames}
