"""Scores of masks: average precision of objects side by side, as COCO counts it, and the Data Science Bowl's.

By COCO's rules (`zoo.metrics.detection`) with the overlap of masks in place of boxes. Objects of one picture share no pixel,
neither in the truth nor in the answer. Pixels of which nothing is known belong to no object of the answer either.

- ap, ap50, ap75, ap_small, ap_medium, ap_large, ar: as of boxes, areas those of the masks.
- dsb: the score of the Data Science Bowl 2018: hits over hits, misses and false alarms, the mean over the thresholds 0.50,
  0.55, … 0.95 of the overlap, which has to be exceeded, and over the pictures; scores play no part. Pictures in which there is
  nothing and in which nothing was found are left out.

The first are those of pycocotools 2 (tests/metrics/test_masks.py holds them to it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.targets import UNKNOWN, InstanceMask
from zoo.errors import InputError
from zoo.metrics.average_precision import THRESHOLDS, Row, average, coco_row, mean
from zoo.metrics.base import Metric, Score
from zoo.metrics.confusion_matrix import mean_of_known
from zoo.metrics.detection import AREAS, MOST
from zoo.outputs.instances import Instances, shared_pixels


class MaskScores(Metric):
    """Average precision of masks over all classes, and the Data Science Bowl's score.

    Args:
        classes: their names.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._rows: list[dict[str, list[Row]]] = [{name: [] for name in AREAS} for _ in self.classes]
        self._bowl: list[float] = []

    def update(self, target: Any, answer: Any) -> None:
        """Counts one picture: `zoo.data.targets.InstanceMask`, and `zoo.outputs.instances.Instances` of its size.

        Raises:
            InputError: for another target or answer, and for sizes that differ.
        """
        if not isinstance(target, InstanceMask) or not isinstance(answer, Instances):
            raise InputError(
                f"a {type(target).__name__} and an answer {type(answer).__name__}; objects are scored against InstanceMask, by "
                "the Instances that zoo.outputs.instances decodes"
            )
        if target.values.shape != answer.numbers.shape:
            raise InputError(f"a target of {target.values.shape} and an answer of {answer.numbers.shape} (H, W)")
        known = target.values != UNKNOWN
        truth, numbers = np.where(known, target.values, 0), np.where(known, answer.numbers, 0)
        areas, own = (np.bincount(each.ravel(), minlength=n + 1)[1:] for each, n in
                      ((truth, len(target.labels)), (numbers, len(answer))))  # fmt: skip
        shared = shared_pixels(numbers, truth, len(answer), len(target.labels))
        there, seen = areas > 0, own > 0
        hits = np.zeros(len(THRESHOLDS))
        counted = there & ~target.ignored
        for label, rows in enumerate(self._rows):
            theirs = np.flatnonzero(there & (target.labels == label))
            ours = np.flatnonzero(seen & (answer.labels == label))
            ours = ours[np.argsort(-answer.scores[ours], kind="stable")]
            if not len(theirs) and not len(ours):
                continue
            crowd = target.ignored[theirs]
            union = own[ours][:, None] + np.where(crowd, 0, areas[theirs])[None]
            part = shared[np.ix_(ours, theirs)]
            shares = part / (union - np.where(crowd, 0, 1)[None] * part)
            hits += [(shares[:, ~crowd] > threshold).sum() for threshold in THRESHOLDS]
            best = ours[:MOST]
            for name, bounds in AREAS.items():
                facts = (own[best].astype(np.float64), answer.scores[best].astype(np.float64), shares[:MOST])
                rows[name].append(coco_row(areas[theirs].astype(np.float64), crowd, *facts, bounds))
        total = int(counted.sum()) + int((seen & ~_within_ignored(shared, own, target.ignored)).sum())
        self._bowl.append(float(np.mean(hits / (total - hits))) if total else float("nan"))

    def merge(self, other: Metric) -> MaskScores:
        if not isinstance(other, MaskScores) or other.classes != self.classes:
            raise InputError("cannot merge scores of other classes")
        for own, more in zip(self._rows, other._rows, strict=True):
            for name in AREAS:
                own[name] += more[name]
        self._bowl += other._bowl
        return self

    def scores(self) -> list[Score]:
        precision = {name: np.array([average(rows[name])[0] for rows in self._rows]) for name in AREAS}
        recall = np.array([average(rows["all"])[1] for rows in self._rows])
        values = {
            "ap50": mean(precision["all"][:, 0]),
            "ap": mean(precision["all"]),
            "ap75": mean(precision["all"][:, 5]),
            **{f"ap_{name}": mean(precision[name]) for name in list(AREAS)[1:]},
            "ar": mean(recall),
            "dsb": mean_of_known(np.array(self._bowl)),
        }
        return [Score(name, value) for name, value in values.items()]

    def rows(self) -> list[dict[str, Any]]:
        """A row a class."""
        table = []
        for label, rows in zip(self.classes, self._rows, strict=True):
            precision, recall = average(rows["all"])
            count = sum(row.truth for row in rows["all"])
            table.append(
                {"class": label, "ap50": float(precision[0]), "ap": mean(precision), "ar": mean(recall), "objects": count}
            )
        return table


def _within_ignored(shared: np.ndarray, areas: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """Which objects of the answer lie by more than half in what is ignored: no false alarms."""
    return shared[:, ignored].sum(axis=1) * 2 > areas
