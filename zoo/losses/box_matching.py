"""Box matching: which anchor learns which thing, and how far an anchor is from a box. Corners (x0, y0, x1, y1) throughout."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from zoo.losses.box_targets import TINY, intersection_and_union
from zoo.outputs.box_codings import middles

NOTHING = -1  # what an anchor learns that is no thing's


def corners(grids: Any, anchors: Any) -> np.ndarray:
    """Anchors of all levels as float32 P×4, in the order of `zoo.layers.BoxRows`.

    Args:
        grids: (rows, columns) of each level.
        anchors: of each level, (width, height) of each anchor of a cell, as shares of the picture's sides.
    """
    levels = []
    for grid, sides in zip(grids, anchors, strict=True):
        points, half = middles(grid).reshape(-1, 1, 2), np.asarray(sides, np.float64)[None] / 2
        levels.append(np.concatenate([points - half, points + half], axis=-1).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def pairwise_overlap(one: Any, other: Any) -> Any:
    """The intersection over union of each of …×P×4 with each of …×n×4: …×P×n; 0 of boxes without an area."""
    shared, union = intersection_and_union(one[..., :, None, :], other[..., None, :, :])
    return shared / ops.maximum(union, TINY)


def matched(overlaps: Any, there: Any, least: float) -> Any:
    """Which thing each anchor learns, int32 N×P, `NOTHING` for none (SSD's section 2.2).

    That is the one which it overlaps most, from `least` on; and each thing has the anchor that overlaps it most, whatever
    that is, unless two want the same one, which learns the one that it overlaps more.

    Args:
        overlaps: N×P×n.
        there: float32 N×n, 1 for things and 0 for rows that only fill up.
        least: intersection over union.
    """
    overlaps = overlaps * there[:, None]
    nearest = ops.one_hot(ops.argmax(overlaps, axis=1), overlaps.shape[1], dtype="float32")  # N×n×P
    wanted = ops.transpose(nearest, (0, 2, 1)) * ops.cast(overlaps > 0, "float32")
    claim = overlaps * ops.cast(overlaps >= least, "float32") + wanted * (1.0 + overlaps)
    return ops.where(ops.max(claim, axis=-1) > 0, ops.cast(ops.argmax(claim, axis=-1), "int32"), NOTHING)


def assigned(overlaps: Any, there: Any, low: float, high: float) -> Any:
    """Which thing each anchor of a region proposal network learns, int32 N×P: `NOTHING` for none, and −2 for what learns
    nothing.

    Ren et al. 2015, section 3.1.2: an anchor learns the thing that it overlaps most if that is by `high` or more, or if no
    anchor overlaps the thing more; it learns that nothing is there below `low`. Arguments as of `matched`.
    """
    overlaps = overlaps * there[:, None]
    most = ops.max(overlaps, axis=-1)
    best = ops.max(overlaps, axis=1, keepdims=True)
    is_best = ops.any(ops.logical_and(overlaps == best, overlaps > 0), axis=-1)
    positive = ops.logical_or(most >= high, is_best)
    other = ops.where(most < low, NOTHING, NOTHING - 1)
    return ops.where(positive, ops.cast(ops.argmax(overlaps, axis=-1), "int32"), other)


def encoded(boxes: Any, anchors: Any, variances: Any) -> Any:
    """Boxes …×P×4 as offsets from anchors P×4: the inverse of what `zoo.outputs.box_codings` calls "anchors"."""
    centre, sides = _centre(boxes)
    own_centre, own_sides = _centre(anchors)
    sides, own_sides = ops.maximum(sides, TINY), ops.maximum(own_sides, TINY)
    offsets = ops.concatenate([(centre - own_centre) / own_sides, ops.log(sides / own_sides)], axis=-1)
    return offsets / ops.convert_to_tensor(np.asarray(variances, np.float32))


def of_matches(matches: Any, values: Any) -> Any:
    """The values N×n×C of each anchor's thing, N×P×C; zeros where it has none."""
    return ops.matmul(ops.one_hot(matches, values.shape[1], dtype="float32"), values)


def hardest(losses: Any, candidates: Any, count: Any) -> Any:
    """float32 N×P: 1 for the `count` (N) candidates of the greatest losses of each picture; of equal ones the first.

    Args:
        losses: N×P.
        candidates: bool N×P.
        count: float32 N.
    """
    order = ops.argsort(ops.where(candidates, -ops.stop_gradient(losses), float("inf")), axis=-1)
    rank = ops.cast(ops.argsort(order, axis=-1), "float32")
    return ops.cast(ops.logical_and(candidates, rank < count[:, None]), "float32")


def logistic_entropy(logits: Any, wanted: Any) -> Any:
    """The cross-entropy of log-odds with probabilities 0 to 1, number by number, without overflow."""
    return ops.maximum(logits, 0.0) - logits * wanted + ops.log1p(ops.exp(-ops.abs(logits)))


def smooth_distance(one: Any, other: Any, beta: float = 1.0) -> Any:
    """Smooth L1 of …×C, summed over the last axis: quadratic up to `beta`, linear beyond (Girshick 2015, equation 3)."""
    away = ops.abs(one - other)
    return ops.sum(ops.where(away < beta, 0.5 * ops.square(away) / beta, away - 0.5 * beta), axis=-1)


def _centre(boxes: Any) -> tuple[Any, Any]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
