"""Bicubic enlargement, as papers of super-resolution begin with it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape
from zoo.layers.primitives import Primitives

_REACH = 2  # pixels that the kernel reaches to either side


@keras.saving.register_keras_serializable(package="densezoo")
class BicubicEnlarge(keras.layers.Layer):
    """Enlarges N×H×W×C by a whole number, bicubically → N×sH×sW×C.

    Keys' kernel with a = −0.5 and half-pixel centres, the picture mirrored beyond its edges: MATLAB's `imresize`, but for its
    rounding. It is a 5×5 convolution of each channel to s² and a rearrangement of these, so that files need no bicubic
    operation.

    Args:
        scale: s, 2 or more.

    Raises:
        InputError: for a scale below 2.
    """

    quantization, carries = "rounds", 1

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if scale < 2:
            raise InputError(f"scale={scale} of a bicubic enlargement; expected 2 or more")
        self.scale = scale

    def call(self, x: Any) -> Any:
        return self._rearranged(self._phases(x))

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """The rearrangement is one operation in files; five axes the GPU accelerator refuses."""
        return primitives.depth_to_space(self._phases(x), self.scale)

    def _phases(self, x: Any) -> Any:
        """N×H×W×s²C: the s² pixels that each one becomes."""
        for axis in (1, 2):
            x = _mirrored(x, axis)
        return ops.conv(x, ops.cast(ops.array(_kernels(self.scale, x.shape[-1])), x.dtype), padding="valid")

    def _rearranged(self, x: Any) -> Any:
        _, height, width, channels = ops.shape(x)
        s, left = self.scale, channels // self.scale**2
        x = ops.transpose(ops.reshape(x, (-1, height, width, s, s * left)), (0, 1, 3, 2, 4))
        return ops.reshape(x, (-1, height * s, width * s, left))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: interpolation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """Four positions along each axis."""
        lines = []
        for axis, line in enumerate(fields[0].lines, start=1):
            ratio = Fraction(input_shapes[0][axis], output_shape[axis])
            lines.append(line.scale(ratio, 2 * _REACH, (ratio - 1) / 2))
        return Field((lines[0], lines[1]), fields[0].whole)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        batch, *sides, channels = x.shape
        sides = [side if side is None else side * self.scale for side in sides]
        return keras.KerasTensor((batch, *sides, channels), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _mirrored(x: Any, axis: int) -> Any:
    """Two positions more at both ends of an axis, mirrored; a mode of padding would be another on other backends."""

    def cut(start: int, stop: int | None) -> Any:
        return x[:, start:stop] if axis == 1 else x[:, :, start:stop]

    return ops.concatenate([cut(1, 2), cut(0, 1), x, cut(-1, None), cut(-2, -1)], axis=axis)


def _kernels(scale: int, channels: int) -> np.ndarray:
    """5×5×C×s²C: each channel by itself to its s² sub-pixels, in the order of `depth_to_space`."""
    taps = np.arange(-_REACH, _REACH + 1)
    shifts = (np.arange(scale) + 0.5) / scale - 0.5
    distance = np.abs(shifts[:, None] - taps)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    lines = np.where(distance <= 1, near, np.where(distance <= 2, far, 0.0))  # s×5
    kernels = np.zeros((len(taps), len(taps), channels, scale * scale, channels), "float32")
    for number, (row, column) in enumerate(np.ndindex(scale, scale)):
        for channel in range(channels):
            kernels[:, :, channel, number, channel] = np.outer(lines[row], lines[column])
    return kernels.reshape(len(taps), len(taps), channels, scale * scale * channels)
