"""PSNR and SSIM: how near a picture comes to the one that it should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score

WINDOW, SIGMA = 11, 1.5  # pixels: the side and the standard deviation of the Gaussian window
K1, K2 = 0.01, 0.03
PEAK = 255.0


class PictureQuality(Metric):
    """PSNR (decibels) and SSIM of pictures uint8 H×W×3, each the mean over the pictures.

    PSNR is 10·log₁₀(255² / mean squared error over all pixels and channels); a picture without any error, whose PSNR is
    infinite, counts as 100 dB, which no rounded picture with an error reaches.

    SSIM has the settings of its paper (Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", 2004): a Gaussian window of 11×11 pixels with σ = 1.5, K₁ = 0.01, K₂ = 0.03, moments over the
    population, the mean over the places where the window lies inside the picture; channel by channel, then their mean. The
    paper's own are grey pictures.
    """

    def __init__(self) -> None:
        self._psnr: list[float] = []
        self._ssim: list[float] = []

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one picture.

        Raises:
            InputError: shapes differ, or a side is shorter than SSIM's window.
        """
        truth, picture = np.asarray(target), np.asarray(answer)
        if truth.shape != picture.shape or truth.ndim != 3:
            raise InputError(f"the target is of shape {truth.shape}, the answer of {picture.shape}; both are H×W×C")
        self._psnr.append(psnr(truth, picture))
        self._ssim.append(ssim(truth, picture))

    def merge(self, other: Metric) -> PictureQuality:
        self._psnr += other._psnr
        self._ssim += other._ssim
        return self

    def scores(self) -> list[Score]:
        return [Score("psnr", _mean(self._psnr), "dB"), Score("ssim", _mean(self._ssim), "")]


def psnr(target: np.ndarray, picture: np.ndarray) -> float:
    """Of two pictures of one shape, 0–255, in decibels; 100 where they are the same."""
    error = float(np.mean((target.astype(np.float64) - picture) ** 2))
    return 10 * math.log10(PEAK**2 / error) if error else 100.0


def ssim(target: np.ndarray, picture: np.ndarray) -> float:
    """Of two pictures H×W×C, 0–255; see `PictureQuality`.

    Raises:
        InputError: a side is shorter than the window.
    """
    if min(target.shape[:2]) < WINDOW:
        raise InputError(f"SSIM looks through a window of {WINDOW}×{WINDOW} pixels; a picture has {target.shape[:2]}")
    x, y = target.astype(np.float64), picture.astype(np.float64)
    mean_x, mean_y = _blurred(x), _blurred(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    variances = _blurred(x * x + y * y) - squares  # the sum of both is all that is asked for
    covariance = _blurred(x * y) - product
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    above = (2 * product + c1) * (2 * covariance + c2)
    below = (squares + c1) * (variances + c2)
    return float((above / below).mean())


def _blurred(values: np.ndarray) -> np.ndarray:
    """H×W×C through the window, where it lies inside."""
    from scipy.ndimage import correlate1d

    half = WINDOW // 2
    weights = np.exp(-0.5 * ((np.arange(WINDOW) - half) / SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        values = correlate1d(values, weights, axis)
    return values[half:-half, half:-half]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan
