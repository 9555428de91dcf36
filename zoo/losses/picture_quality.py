"""Picture quality: PSNR and SSIM as a loss, in which each picture counts as much as another, however noisy it was."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.metrics.psnr_ssim import K1, K2, PEAK, SIGMA, WINDOW
from zoo.training import distribution

_STABLE = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2


@keras.saving.register_keras_serializable(package="densezoo")
class PictureQualityLoss(keras.losses.Loss):
    """The mean over the pictures of 10·log₁₀(1 + MSE / floor²) + structure · (1 − SSIM).

    By differences or their squares the pictures with much noise lead; here a tenth less error is worth the same in each, as it
    is in a table of PSNR, which HINet (Chen et al., 2021) learns by. SSIM is that of `zoo.metrics.psnr_ssim`, channel by
    channel.

    Args:
        floor: levels of 0–255, above 0: of a mean error that is smaller, the first part is the square again.
        structure: decibels that an SSIM of 1 is worth against one of 0; 0 leaves it out.

    Raises:
        InputError: a floor that is not above 0, or a structure below 0.
    """

    def __init__(self, floor: float = 1.0, structure: float = 20.0, name: str | None = "picture_quality") -> None:
        super().__init__(name=name, dtype="float32")
        if not (floor > 0 and structure >= 0):
            raise InputError(f"floor={floor}, structure={structure}; expected levels above 0, and decibels of 0 or more")
        self.floor, self.structure = float(floor), float(structure)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        truth = ops.cast(y_true, "float32")
        error = ops.mean(ops.square(y_pred - truth), axis=(1, 2, 3))
        loss = ops.mean(ops.log1p(error / self.floor**2)) * (10 / math.log(10))
        if self.structure:
            loss = loss + self.structure * (1 - ops.mean(structural_similarity(truth, y_pred)))
        return loss / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "floor": self.floor, "structure": self.structure}


def structural_similarity(x: Any, y: Any) -> Any:
    """SSIM of two batches N×H×W×C of 0–255 at every place where its window lies inside."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    variances = _blurred(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + _STABLE[0]) * (2 * covariance + _STABLE[1])
    return above / ((mean_x**2 + mean_y**2 + _STABLE[0]) * (variances + _STABLE[1]))


def _blurred(values: Any) -> Any:
    """Through the Gaussian window, along one axis after the other."""
    weights = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
    weights = np.tile((weights / weights.sum()).astype("float32")[:, None, None, None], (1, 1, values.shape[-1], 1))
    for kernel in (weights, weights.transpose(1, 0, 2, 3)):
        values = ops.depthwise_conv(values, kernel, padding="valid")
    return values
