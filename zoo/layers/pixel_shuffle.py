"""Sub-pixel rearrangement: channels become pixels (Shi et al., ESPCN, 2016, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, resized
from zoo.layers.primitives import Primitives


@keras.saving.register_keras_serializable(package="densezoo")
class PixelShuffle(keras.layers.Layer):
    """Makes of N×h×w×s²C a map of N×sh×sw×C, in the order of TensorFlow's `depth_to_space`.

    The s² values that lie side by side in one block come from channels C apart, row by row of the block. (PyTorch's
    `PixelShuffle` takes them from neighbouring channels; of one channel of output both are the same.)

    Args:
        scale: s, pixels of the output per pixel of the input along a side.

    Raises:
        InputError: for channels that do not divide by s².
    """

    quantization, carries = "passthrough", 0

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[-1] % self.scale**2:
            raise InputError(f"{self.name}: {input_shape[-1]} channels do not divide into {self.scale}×{self.scale} pixels")
        self.built = True

    def call(self, x: Any) -> Any:
        _, height, width, channels = ops.shape(x)
        s, left = self.scale, channels // self.scale**2
        x = ops.reshape(x, (-1, height, width, s, s * left))
        x = ops.transpose(x, (0, 1, 3, 2, 4))
        return ops.reshape(x, (-1, height * s, width * s, left))

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """Files have one operation for it; five axes the GPU accelerator refuses."""
        return primitives.depth_to_space(x, self.scale)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it moves values."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's, on a finer grid."""
        return resized(fields[0], input_shapes[0], output_shape, "nearest")

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        batch, *sides, channels = x.shape
        sides = [side if side is None else side * self.scale for side in sides]
        return keras.KerasTensor((batch, *sides, channels // self.scale**2), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
