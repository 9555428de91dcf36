"""Luma loss: the distance of two pictures in brightness alone, in which super-resolution is scored."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.luma import WEIGHTS
from zoo.training import distribution


@keras.saving.register_keras_serializable(package="densezoo")
class LumaCharbonnier(keras.losses.Loss):
    """The mean of √(d² + ε²) − ε over all pixels, d the difference in BT.601's luma in shares of the range 0–255.

    Errors well below ε count by their square, as in PSNR; those well above by their size, so that a few edges do not outweigh
    all else. Targets are RGB; answers RGB, or luma itself.

    Args:
        epsilon: ε > 0.

    Raises:
        zoo.errors.InputError: an epsilon that is not above 0.
    """

    def __init__(self, epsilon: float = 1e-3, name: str | None = "luma_charbonnier") -> None:
        super().__init__(name=name, dtype="float32")
        if not epsilon > 0:
            raise InputError(f"epsilon={epsilon}; expected a number above 0, as 0.001")
        self.epsilon = float(epsilon)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        difference = _luma(y_pred) - _luma(ops.cast(y_true, "float32"))
        distance = ops.sqrt(ops.square(difference / 255) + self.epsilon**2) - self.epsilon
        return ops.mean(distance) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "epsilon": self.epsilon}


def _luma(picture: Any) -> Any:
    """N×H×W×1 of RGB or of luma."""
    return picture if picture.shape[-1] == 1 else ops.sum(picture * ops.array(WEIGHTS, "float32"), axis=-1, keepdims=True)
