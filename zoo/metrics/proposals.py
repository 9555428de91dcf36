"""Recall of proposals: how much of what there is a number of boxes would find, if somebody could tell which of them is right.

Boxes are held against all things of a picture, whatever their classes, in their order. Each takes the thing that it overlaps
most (intersection over union) among those still free, if it reaches the threshold; so two things in one box are found once.

- ar: COCO's average recall without classes, the mean of the recalls at the thresholds 0.50, 0.55, … 0.95, of all proposals
  (Hosang, Benenson, Dollár & Schiele, "What makes for effective detection proposals?", 2016, show that it goes with what a
  detector makes of them); ar_10, ar_100, ar_1000 of the first so many.
- recall_50, recall_70: of all proposals at one threshold.
- overlap: the mean over the things of the greatest overlap that any proposal has with them (Uijlings et al. 2013 take its mean
  by class, MABO).
- proposals: how many a picture has, in the mean.

Ignored things count neither way. The numbers of `ar_…` are pycocotools' (`useCats = 0`), which tests hold them to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.targets import Boxes
from zoo.errors import InputError
from zoo.metrics.average_precision import THRESHOLDS
from zoo.metrics.base import Metric, Score
from zoo.outputs.box_selection import intersection_over_union

COUNTS = (10, 30, 100, 300, 1000, 3000)  # of a table's rows
_AT = {"recall_50": 0.5, "recall_70": 0.7}
_NAMED = (10, 100, 1000)
_COLUMNS = 6
_NEVER = np.iinfo(np.int64).max  # the rank of what no proposal takes


class ProposalRecall(Metric):
    """Recall by the number of proposals.

    Args:
        counts: numbers of proposals that `rows` tells the recall of.
    """

    def __init__(self, counts: Sequence[int] = COUNTS) -> None:
        self.counts = tuple(counts)
        self._ranks: list[np.ndarray] = []  # thresholds × things, of each picture
        self._overlaps: list[np.ndarray] = []  # things, of each picture
        self._proposals: list[int] = []

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts one picture: `zoo.data.targets.Boxes`, and proposals n×6 of the kind `zoo.outputs.boxes`, the best first.

        Raises:
            InputError: for another target or answer.
        """
        answer = np.asarray(answer, np.float64)
        if not isinstance(target, Boxes) or answer.ndim != 2 or answer.shape[1] != _COLUMNS:
            raise InputError(
                f"a {type(target).__name__} and an answer of shape {answer.shape}; proposals are scored against Boxes, by "
                "n×6: x0, y0, x1, y1, class, score"
            )
        things = target.values[~target.ignored].astype(np.float64)
        shares = intersection_over_union(answer[:, None, :4], things[None])
        self._ranks.append(np.stack([_ranks(shares, threshold) for threshold in THRESHOLDS]))
        self._overlaps.append(shares.max(axis=0, initial=0.0))
        self._proposals.append(len(answer))

    def merge(self, other: Metric) -> ProposalRecall:
        if not isinstance(other, ProposalRecall) or other.counts != self.counts:
            raise InputError("cannot merge scores of other numbers of proposals")
        self._ranks += other._ranks
        self._overlaps += other._overlaps
        self._proposals += other._proposals
        return self

    def recall(self, count: int | None = None) -> np.ndarray:
        """The recall at each of `THRESHOLDS` of the first `count` proposals of each picture, by default of all; nan where the
        truth has nothing."""
        if not self._ranks or not (ranks := np.concatenate(self._ranks, axis=1)).size:
            return np.full(len(THRESHOLDS), math.nan)
        return (ranks < (_NEVER if count is None else count)).mean(axis=1)

    def scores(self) -> list[Score]:
        recall = self.recall()
        values = {"ar": float(recall.mean())}
        values |= {name: float(recall[_step(threshold)]) for name, threshold in _AT.items()}
        values |= {f"ar_{count}": float(self.recall(count).mean()) for count in _NAMED}
        overlaps = np.concatenate(self._overlaps) if self._overlaps else np.zeros(0)
        values["overlap"] = float(overlaps.mean()) if overlaps.size else math.nan
        proposals = float(np.mean(self._proposals)) if self._proposals else math.nan
        return [*(Score(name, value) for name, value in values.items()), Score("proposals", proposals, "", True)]

    def settings(self) -> dict[str, Any]:
        return {"counts": list(self.counts)}

    def rows(self) -> list[dict[str, Any]]:
        """A row a number of proposals."""
        rows = []
        for count in self.counts:
            recall = self.recall(count)
            at = {name: float(recall[_step(threshold)]) for name, threshold in _AT.items()}
            rows.append({"proposals": count, "ar": float(recall.mean()), **at})
        return rows


def _step(threshold: float) -> int:
    return int(np.argmin(np.abs(np.array(THRESHOLDS) - threshold)))


def _ranks(shares: np.ndarray, threshold: float) -> np.ndarray:
    """The rank of the proposal that takes each thing, from shares proposals × things."""
    least = min(threshold, 1 - 1e-10)
    ranks = np.full(shares.shape[1], _NEVER)
    for rank in np.flatnonzero(shares.max(axis=1, initial=0.0) >= least):
        free = np.where(ranks == _NEVER, shares[rank], -1.0)
        if (most := free.max()) >= least:
            ranks[np.flatnonzero(free == most)[-1]] = rank  # the last of equals, as COCO's
    return ranks
