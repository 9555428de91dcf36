"""Average precision: how COCO counts answers that are each held against one thing of the truth, whatever their overlap is.

Boxes are counted so by their intersection over union, masks likewise, and joints by their similarity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
RECALLS = np.linspace(0, 1, 101)
_EPSILON = np.spacing(1.0)


@dataclass
class Row:
    """One class in one picture: the answer's scores, and whether each was right and whether it counts, by threshold."""

    scores: np.ndarray
    right: np.ndarray
    counted: np.ndarray
    truth: int


def coco_row(
    truth: np.ndarray,
    crowd: np.ndarray,
    answer: np.ndarray,
    scores: np.ndarray,
    shares: np.ndarray,
    bounds: tuple[float, float],
    ignored: np.ndarray | None = None,
) -> Row:
    """One class in one picture by COCO's rules, for things of an area within bounds, whatever shape they have.

    Args:
        truth: areas of its things, m.
        crowd: bool m, those that any number of answers may take.
        answer: areas of what was answered, n, the best first.
        scores: n.
        shares: n×m, the overlap of each with each.
        bounds: of areas.
        ignored: bool m, those whose finding is neither right nor wrong; by default the crowds.
    """
    aside = (crowd if ignored is None else ignored) | (truth < bounds[0]) | (truth > bounds[1])
    order = np.argsort(aside, kind="stable")  # what counts comes first
    aside, crowd, shares = aside[order], crowd[order], shares[:, order]
    size = (len(THRESHOLDS), len(answer))
    right, left_out = np.zeros(size, bool), np.zeros(size, bool)
    most = shares.max(axis=1, initial=0.0)
    for step, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(truth), bool)
        for place in np.flatnonzero(most >= min(threshold, 1 - 1e-10)):  # most answers overlap nothing
            match = _match(shares[place], free | crowd, aside, threshold)
            if match >= 0:
                right[step, place], left_out[step, place] = True, aside[match]
                free[match] = False
    left_out |= ~right & ((answer < bounds[0]) | (answer > bounds[1]))
    return Row(scores, right & ~left_out, ~left_out, int((~aside).sum()))


def _match(shares: np.ndarray, free: np.ndarray, aside: np.ndarray, threshold: float) -> int:
    """The place of the truth that a box of the answer takes, −1 for none: of those that count the last of the most overlap,
    or else likewise of those that are ignored."""
    for group in (~aside, aside):
        places = np.flatnonzero(group & free & (shares >= min(threshold, 1 - 1e-10)))
        if places.size:
            most = shares[places].max()
            return int(places[np.flatnonzero(shares[places] == most)[-1]])
    return -1


def curves(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, int]:
    """Recall and precision after each box, the best first, a row a threshold; and how many boxes the truth has."""
    truth = sum(row.truth for row in rows)
    if not rows:
        return np.zeros((len(THRESHOLDS), 0)), np.zeros((len(THRESHOLDS), 0)), truth
    order = np.argsort(-np.concatenate([row.scores for row in rows]), kind="mergesort")
    right, counted = (np.concatenate([getattr(row, name) for row in rows], axis=1) for name in ("right", "counted"))
    right, counted = right[:, order], counted[:, order]
    hits, misses = np.cumsum(right & counted, axis=1), np.cumsum(~right & counted, axis=1)
    return hits / max(truth, 1), hits / (hits + misses + _EPSILON), truth


def average(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """COCO's average precision and greatest recall, by threshold; nan where the truth has no box."""
    recalls, precisions, truth = curves(rows)
    if not truth:
        return np.full(len(THRESHOLDS), math.nan), np.full(len(THRESHOLDS), math.nan)
    averages = []
    for recall, precision in zip(recalls, precisions, strict=True):
        envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)  # 0 at recalls that are not reached
        averages.append(envelope[np.searchsorted(recall, RECALLS, side="left")].mean())
    return np.array(averages), recalls.max(axis=1, initial=0.0)


def mean(values: np.ndarray) -> float:
    """Of what was counted; nan where nothing was."""
    values = np.asarray(values)[~np.isnan(values)]
    return float(values.mean()) if values.size else math.nan
