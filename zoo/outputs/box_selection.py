"""Box selection: which of a network's candidates are its answer, by the best scores and non-maximum suppression.

An `OutputSpec` of boxes says in its `options`

    threshold   the least score, 0.05 by default
    candidates  how many pairs of box and class are looked at, the best ones, 1,000 by default
    overlap     intersection over union above which, of two boxes of a class, the one of the lower score goes; 0.5 by default
    soft        None; or Soft-NMS's deviation (Bodla et al. 2017): the score falls by exp(−iou² / soft), and only what falls
                below the threshold goes
    most        how many boxes are answered with at most, 300 by default

Where scores are equal, the pair that comes first in the network's output wins: rows in their order, in a row the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.outputs.box_codings import exponential

DEFAULTS = {"threshold": 0.05, "candidates": 1000, "overlap": 0.5, "soft": None, "most": 300}


@dataclass(frozen=True)
class Selection:
    """Boxes that were chosen, the best first.

    Attributes:
        boxes: float64 n×4, x0, y0, x1, y1.
        labels: int64 n, classes.
        scores: float64 n.
        rows: int64 n, the candidates that they were.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    rows: np.ndarray

    def __getitem__(self, which: Any) -> Selection:
        return Selection(self.boxes[which], self.labels[which], self.scores[which], self.rows[which])

    def __len__(self) -> int:
        return len(self.scores)


def select(boxes: np.ndarray, scores: np.ndarray, options: Mapping[str, Any]) -> Selection:
    """The answer among candidates.

    Args:
        boxes: float64 P×4, x0, y0, x1, y1.
        scores: float64 P×K.
        options: of the output's spec.
    """
    pairs = best(boxes, scores, options)
    soft, most = _option(options, "soft"), int(_option(options, "most"))
    if soft is None:
        return pairs[suppressed(pairs, float(_option(options, "overlap")), most)]
    return softly(pairs, float(soft), float(_option(options, "threshold")), most)


def best(boxes: np.ndarray, scores: np.ndarray, options: Mapping[str, Any]) -> Selection:
    """The pairs of box and class of the best scores, before any suppression; boxes without an area are none."""
    area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    flat = np.where(area[:, None], scores, 0.0).reshape(-1)
    places = np.flatnonzero(flat >= max(float(_option(options, "threshold")), np.finfo(np.float64).tiny))
    places = places[np.argsort(-flat[places], kind="stable")][: int(_option(options, "candidates"))]
    rows, labels = np.divmod(places, scores.shape[1])
    return Selection(boxes[rows], labels, flat[places], rows)


def suppressed(pairs: Selection, overlap: float, most: int) -> np.ndarray:
    """The places of the pairs that stay: from the best on, each takes those of its class away that overlap it more."""
    alive, chosen = np.ones(len(pairs), bool), []
    for place in range(len(pairs)):
        if not alive[place]:
            continue
        chosen.append(place)
        if len(chosen) == most:
            break
        rest = slice(place + 1, None)
        close = intersection_over_union(pairs.boxes[place], pairs.boxes[rest]) > overlap
        alive[rest] &= ~(close & (pairs.labels[rest] == pairs.labels[place]))
    return np.array(chosen, np.int64)


def softly(pairs: Selection, deviation: float, threshold: float, most: int) -> Selection:
    """The pairs in the order of scores that fall with the overlap of better ones of their class."""
    scores, left, chosen = pairs.scores.copy(), np.ones(len(pairs), bool), []
    while len(chosen) < most and (left & (scores >= threshold)).any():
        place = int(np.argmax(np.where(left, scores, -1.0)))
        chosen.append(place)
        left[place] = False
        share = intersection_over_union(pairs.boxes[place], pairs.boxes)
        fall = left & (pairs.labels == pairs.labels[place])
        scores = np.where(fall, scores * exponential(-(share * share) / deviation), scores)
    order = np.array(chosen, np.int64)
    return Selection(pairs.boxes[order], pairs.labels[order], scores[order], pairs.rows[order])


def intersection_over_union(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The intersection over union of boxes …×4 with boxes …×4 (x0, y0, x1, y1), float64; 0 where neither has an area."""
    one, others = (np.asarray(boxes, np.float64) for boxes in (one, others))
    shared = shared_area(one, others)
    whole = area(one) + area(others) - shared
    return shared / np.where(whole > 0, whole, 1.0)


def shared_area(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The area that boxes …×4 have in common with boxes …×4."""
    width = np.minimum(one[..., 2], others[..., 2]) - np.maximum(one[..., 0], others[..., 0])
    height = np.minimum(one[..., 3], others[..., 3]) - np.maximum(one[..., 1], others[..., 1])
    return np.maximum(width, 0.0) * np.maximum(height, 0.0)


def area(boxes: np.ndarray) -> np.ndarray:
    """The area of boxes …×4."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _option(options: Mapping[str, Any], name: str) -> Any:
    return options.get(name, DEFAULTS[name])
