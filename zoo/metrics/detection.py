"""Detection scores: average precision, as COCO and as PASCAL VOC count it.

Boxes of one class, the best first, are held against the truth one after the other. Each takes the box of the truth that it
overlaps most among those still free, if the intersection over union reaches the threshold; it is right then, and wrong
otherwise. What takes an ignored box (difficult, a crowd) is neither. Precision at each recall, made monotonous from the right,
is averaged over recalls, and over the classes that the truth has.

- ap: COCO's, the mean over the thresholds 0.50, 0.55, … 0.95, at 101 recalls, of the 100 best boxes a picture and class. An
  ignored box is taken only where no other is to be had, by any number of boxes, and overlaps by its share of the answer's box.
- ap50, ap75: of one threshold each.
- ap_small, ap_medium, ap_large: of things of less than 32², of up to 96², and of more square pixels; nan where there are none.
- ar: the greatest recall, the mean over the thresholds and classes.
- voc_ap, voc_ap_11: VOC's at 0.5, the area under the precision of every recall (2010 on), and the mean at 11 recalls (2007).
  There, a box of the answer is held against the one that it overlaps most, free or not.

COCO's are those of pycocotools 2 to the last digit (tests/metrics/test_detection.py holds them to it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.data.targets import Boxes
from zoo.errors import InputError
from zoo.metrics.average_precision import Row, average, coco_row, curves, mean
from zoo.metrics.base import Metric, Score
from zoo.outputs.box_selection import area, shared_area

AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MOST = 100  # boxes a picture and class, of COCO's
_COLUMNS = 6


@dataclass
class _Class:
    """What was counted of one class, by range of areas; and by VOC's rules."""

    coco: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in AREAS})
    voc: list[Row] = field(default_factory=list)


class DetectionScores(Metric):
    """Average precision over all classes.

    Args:
        classes: their names.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._counts = [_Class() for _ in self.classes]

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts one picture: `zoo.data.targets.Boxes`, and an answer n×6 of the kind `zoo.outputs.boxes`.

        Raises:
            InputError: for another target or answer.
        """
        answer = np.asarray(answer, np.float64)
        if not isinstance(target, Boxes) or answer.ndim != 2 or answer.shape[1] != _COLUMNS:
            raise InputError(
                f"a {type(target).__name__} and an answer of shape {answer.shape}; detection is scored against Boxes, by "
                "n×6: x0, y0, x1, y1, class, score"
            )
        for label, counts in enumerate(self._counts):
            own, theirs = target.labels == label, answer[:, 4] == label
            truth, crowd = target.values[own].astype(np.float64), target.ignored[own]
            chosen = answer[theirs]
            chosen = chosen[np.argsort(-chosen[:, 5], kind="stable")]
            if not len(truth) and not len(chosen):
                continue
            counts.voc.append(_voc_row(truth, crowd, chosen))
            best = chosen[:MOST]
            shares = _overlaps(best[:, :4], truth, crowd)
            for name, bounds in AREAS.items():
                row = coco_row(area(truth), crowd, area(best[:, :4]), best[:, 5], shares, bounds)
                counts.coco[name].append(row)

    def merge(self, other: Metric) -> DetectionScores:
        if not isinstance(other, DetectionScores) or other.classes != self.classes:
            raise InputError("cannot merge scores of other classes")
        for own, more in zip(self._counts, other._counts, strict=True):
            own.voc += more.voc
            for name in AREAS:
                own.coco[name] += more.coco[name]
        return self

    def scores(self) -> list[Score]:
        precision = {name: [average(counts.coco[name]) for counts in self._counts] for name in AREAS}
        whole = np.array([row[0] for row in precision["all"]])  # classes × thresholds
        recall = np.array([row[1] for row in precision["all"]])
        voc = np.array([_voc_average(counts.voc) for counts in self._counts])
        values = {
            "ap50": mean(whole[:, 0]),
            "ap": mean(whole),
            "ap75": mean(whole[:, 5]),
            **{f"ap_{name}": mean(np.array([row[0] for row in precision[name]])) for name in list(AREAS)[1:]},
            "ar": mean(recall),
            "voc_ap": mean(voc[:, 0]),
            "voc_ap_11": mean(voc[:, 1]),
        }
        return [Score(name, value) for name, value in values.items()]

    def rows(self) -> list[dict[str, Any]]:
        """A row a class."""
        rows = []
        for label, counts in zip(self.classes, self._counts, strict=True):
            precision, recall = average(counts.coco["all"])
            truth = sum(row.truth for row in counts.coco["all"])
            rows.append(
                {"class": label, "ap50": float(precision[0]), "ap": mean(precision), "ar": mean(recall), "boxes": truth}
            )
        return rows


def _overlaps(answer: np.ndarray, truth: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """Answer × truth: the intersection over union, and over the answer's box where the truth is a crowd."""
    shared = shared_area(answer[:, None], truth[None])
    own, theirs = area(answer), area(truth)
    union = np.where(crowd[None], own[:, None], own[:, None] + theirs[None] - shared)
    return shared / np.where(union > 0, union, 1.0)


def _voc_row(truth: np.ndarray, difficult: np.ndarray, answer: np.ndarray) -> Row:
    """One class in one picture by VOC's rules at 0.5: a box is held against the one that it overlaps most."""
    shares = _overlaps(answer[:, :4], truth, np.zeros(len(truth), bool))
    taken, right, counted = np.zeros(len(truth), bool), np.zeros((1, len(answer)), bool), np.ones((1, len(answer)), bool)
    for place, row in enumerate(shares):
        best = int(row.argmax()) if row.size else -1
        if best < 0 or row[best] < 0.5:
            continue
        if difficult[best]:
            counted[0, place] = False
        elif not taken[best]:
            right[0, place] = taken[best] = True
    return Row(answer[:, 5], right, counted, int((~difficult).sum()))


def _voc_average(rows: list[Row]) -> tuple[float, float]:
    """VOC's average precision over all recalls, and over eleven."""
    recalls, precisions, truth = curves(rows)
    if not truth:
        return math.nan, math.nan
    recall, precision = np.concatenate([[0.0], recalls[0], [1.0]]), np.concatenate([[0.0], precisions[0], [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    every = float(((recall[steps + 1] - recall[steps]) * envelope[steps + 1]).sum())
    eleven = [precision[recall >= tenth / 10].max(initial=0.0) for tenth in range(11)]
    return every, float(np.mean(eleven))
