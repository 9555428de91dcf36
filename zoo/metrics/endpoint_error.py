"""End-point error: how far the vectors of a flow field end from where they should."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score

OUTLIER_PIXELS, OUTLIER_SHARE = 3.0, 0.05  # KITTI 2015: off by more than both is wrong


class EndpointError(Metric):
    """The mean distance of vectors in pixels, and the share that is off by more than 3 pixels and by more than 5 %.

    Both are means over all valid pixels of all pictures together (Baker et al., "A Database and Evaluation Methodology for
    Optical Flow", 2011; the share is KITTI 2015's, Menze & Geiger).
    """

    def __init__(self) -> None:
        self._distance, self._outliers, self._pixels = 0.0, 0, 0

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one field: float H×W×2; of a target that has it, only where it is `valid`.

        Raises:
            InputError: shapes differ.
        """
        truth, field = np.asarray(target, np.float64), np.asarray(answer)
        if truth.shape != field.shape or truth.shape[-1] != 2:
            raise InputError(f"the target is of shape {truth.shape}, the answer of {field.shape}; both are H×W×2")
        valid = getattr(target, "valid", None)
        valid = np.ones(truth.shape[:2], bool) if valid is None else np.asarray(valid)
        distance = np.hypot(*np.moveaxis(field - truth, -1, 0))[valid]
        length = np.hypot(*np.moveaxis(truth, -1, 0))[valid]
        self._distance += float(distance.sum())
        self._outliers += int(((distance > OUTLIER_PIXELS) & (distance > OUTLIER_SHARE * length)).sum())
        self._pixels += distance.size

    def merge(self, other: Metric) -> EndpointError:
        self._distance += other._distance
        self._outliers += other._outliers
        self._pixels += other._pixels
        return self

    def scores(self) -> list[Score]:
        pixels = self._pixels or math.nan
        return [
            Score("end_point_error", self._distance / pixels, "px", higher_is_better=False),
            Score("outliers", self._outliers / pixels, higher_is_better=False),
        ]
