"""Metrics of classes: the one confusion matrix, contours and objects, behind the interface that every task scores by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Grid, Metric, Score
from zoo.metrics.confusion_matrix import BoundaryScores, ConfusionMatrix
from zoo.metrics.instances import ObjectScores

_ERRORS = ("rand_error", "info_error", "warping_error", "pixel_error")  # of objects: less is better


class ClassAgreement(Metric):
    """Scores of one confusion matrix, of class maps or of classes of whole pictures.

    Args:
        classes: names.
        ignore: the target value that is not scored, or None.
        scores: which of `ConfusionMatrix`'s numbers to give, the most telling first, as {"accuracy": "pixel_accuracy"}.
    """

    def __init__(self, classes: Sequence[str], ignore: int | None, scores: dict[str, str]) -> None:
        self.matrix = ConfusionMatrix(classes, ignore)
        self._scores = scores

    def update(self, target: Any, answer: np.ndarray) -> None:
        """A class map H×W of integers, or probabilities (classes,) of a whole picture."""
        values, answer = np.asarray(target), np.asarray(answer)
        if answer.dtype.kind == "f" and answer.ndim == values.ndim + 1 == 1:
            answer = np.asarray(answer.argmax())
        if answer.dtype.kind not in "iu":
            raise InputError(
                f"a segmenter answered {answer.dtype} of shape {answer.shape}; a class map H×W of integers is expected"
            )
        self.matrix.update(values, answer)

    def merge(self, other: Metric) -> ClassAgreement:
        self.matrix.merge(other.matrix)
        return self

    def scores(self) -> list[Score]:
        return [Score(name, float(getattr(self.matrix, source))) for name, source in self._scores.items()]

    def grids(self) -> list[Grid]:
        note = "Each row is a class of the truth, in per cent; each column what was answered. The diagonal is right."
        shares = self.matrix.normalised()
        return [Grid("Where each class went", note, self.matrix.classes, shares, "{row} answered as {column}")]

    def rows(self) -> list[dict[str, Any]]:
        return self.matrix.rows()


class Contours(Metric):
    """The scores of contours: the mean boundary F-score, and each class's; see `BoundaryScores`."""

    def __init__(self, classes: Sequence[str], ignore: int | None, tolerance: float) -> None:
        self.boundary = BoundaryScores(classes, ignore, tolerance)

    def update(self, target: Any, answer: np.ndarray) -> None:
        self.boundary.update(np.asarray(target), answer)

    def merge(self, other: Metric) -> Contours:
        self.boundary.merge(other.boundary)
        return self

    def scores(self) -> list[Score]:
        return [Score("boundary_f_score", self.boundary.mean_f_score)]

    def settings(self) -> dict[str, Any]:
        return {"boundary_tolerance": self.boundary.tolerance}

    def rows(self) -> list[dict[str, Any]]:
        return [{"boundary_f_score": value} for value in self.boundary.f_score.tolist()]


class Objects(Metric):
    """The scores of how well objects side by side are told apart; see `ObjectScores`."""

    def __init__(self, instances: int, ignore: int | None) -> None:
        self.objects = ObjectScores(instances, ignore)

    def update(self, target: Any, answer: np.ndarray) -> None:
        self.objects.update(np.asarray(target), answer)

    def merge(self, other: Metric) -> Objects:
        self.objects.merge(other.objects)
        return self

    def scores(self) -> list[Score]:
        return [Score(name, value, higher_is_better=name not in _ERRORS) for name, value in self.objects.scores.items()]
