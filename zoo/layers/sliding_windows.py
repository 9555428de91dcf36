"""Sliding windows: boxes of some sizes all over a picture, for a second stage to look at where nobody proposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united
from zoo.layers.primitives import Primitives

_SIDES = 4


@keras.saving.register_keras_serializable(package="densezoo")
class SlidingWindows(keras.layers.Layer):
    """A map N×h×w×C, of which only the number of pictures counts → the same boxes of each, N×R×4 in pixels.

    Of each scale its windows' middles lie on a grid; what reaches beyond the picture is clipped.

    Args:
        sides: of each scale, (width, height) of the windows at a place, in pixels.
        steps: of each scale, pixels from place to place.
        picture: (H, W) in pixels.

    Raises:
        zoo.errors.InputError: for numbers out of range, or as many steps as there are not scales.
    """

    quantization, carries = "floating", 0

    def __init__(
        self,
        sides: Sequence[Sequence[Sequence[float]]],
        steps: Sequence[float],
        picture: tuple[int, int],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(sides) != len(steps) or not sides or min(*steps, *picture) < 1:
            raise InputError(
                f"SlidingWindows(steps={steps}, picture={picture}) of {len(sides)} scales; expected a step of a pixel or more "
                "a scale"
            )
        self.sides = [[[float(width), float(height)] for width, height in scale] for scale in sides]
        self.steps, self.picture = [float(step) for step in steps], (int(picture[0]), int(picture[1]))
        self.windows = np.concatenate([self._grid(*scale) for scale in zip(self.sides, self.steps, strict=True)])

    def _grid(self, sides: Sequence[Sequence[float]], step: float) -> np.ndarray:
        """Windows of one scale, float32 n×4, row by row."""
        height, width = self.picture
        y, x = (np.arange(step / 2, max(side, step / 2 + 1), step) for side in (height, width))
        middles, half = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2), np.asarray(sides)[None] / 2
        corners = np.concatenate([middles - half, middles + half], axis=-1).reshape(-1, _SIDES)
        return np.clip(corners, 0, [width, height, width, height]).astype(np.float32)

    def call(self, x: Any) -> Any:
        return ops.zeros_like(self._one(x)) + ops.convert_to_tensor(self.windows[None])

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """Not as a constant, of which the GPU accelerator refuses to take the magnitude, as regions do."""
        return self._one(x) * 0.0 + ops.convert_to_tensor(self.windows[None])

    def _one(self, x: Any) -> Any:
        """A number of each picture, N×1×1."""
        return ops.cast(ops.reshape(x[:, :1, :1, :1], (-1, 1, 1)), "float32")

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: nothing is computed."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The map's, though what it holds does not count."""
        return united(fields)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((x.shape[0], *self.windows.shape), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sides": self.sides, "steps": self.steps, "picture": list(self.picture)}
