"""Angular error: the angle between vectors of a flow field and where they should point, in space and time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score


class AngularError(Metric):
    """The mean angle, in degrees, between (dx, dy, 1) as it is and as it should be, over all valid pixels of all pictures.

    Barron, Fleet & Beauchemin, "Performance of Optical Flow Techniques", 1994, as Baker et al., "A Database and Evaluation
    Methodology for Optical Flow", 2011, equation 17, have it: the 1 of a frame's time lets it be told of no movement too, and
    makes a small error of a large movement count little.
    """

    def __init__(self) -> None:
        self._degrees, self._pixels = 0.0, 0

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one field: float H×W×2; of a target that has it, only where it is `valid`.

        Raises:
            InputError: shapes differ.
        """
        truth, field = np.asarray(target, np.float64), np.asarray(answer, np.float64)
        if truth.shape != field.shape or truth.shape[-1] != 2:
            raise InputError(f"the target is of shape {truth.shape}, the answer of {field.shape}; both are H×W×2")
        valid = getattr(target, "valid", None)
        valid = np.ones(truth.shape[:2], bool) if valid is None else np.asarray(valid)
        truth, field = truth[valid], field[valid]
        # By the tangent: an arc cosine near 1 loses half of the digits.
        crossed = np.hypot(field[:, 0] * truth[:, 1] - field[:, 1] * truth[:, 0], np.hypot(*(field - truth).T))
        degrees = np.degrees(np.arctan2(crossed, 1 + (field * truth).sum(axis=-1)))
        self._degrees += float(degrees.sum())
        self._pixels += degrees.size

    def merge(self, other: Metric) -> AngularError:
        self._degrees += other._degrees
        self._pixels += other._pixels
        return self

    def scores(self) -> list[Score]:
        return [Score("angular_error", self._degrees / (self._pixels or math.nan), "°", higher_is_better=False)]
