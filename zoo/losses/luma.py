"""Luma loss: the distance of two pictures in brightness alone, in which super-resolution is scored."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.luma import WEIGHTS
from zoo.losses.charbonnier import Charbonnier


@keras.saving.register_keras_serializable(package="densezoo")
class LumaCharbonnier(Charbonnier):
    """The mean of √(d² + ε²) − ε over all pixels, d the difference in BT.601's luma in shares of the range 0–255.

    Errors well below ε count by their square, as in PSNR; those well above by their size, so that a few edges do not outweigh
    all else. Targets are RGB; answers RGB, or luma itself.

    Args:
        epsilon: ε > 0.

    Raises:
        zoo.errors.InputError: an epsilon that is not above 0.
    """

    def __init__(self, epsilon: float = 1e-3, name: str | None = "luma_charbonnier") -> None:
        super().__init__(epsilon, name)

    def difference(self, truth: Any, answer: Any) -> Any:
        return _luma(answer) - _luma(truth)


def _luma(picture: Any) -> Any:
    """N×H×W×1 of RGB or of luma."""
    return picture if picture.shape[-1] == 1 else ops.sum(picture * ops.array(WEIGHTS, "float32"), axis=-1, keepdims=True)
