"""Box targets: the boxes of a batch as an array of one shape, which every loss of a detector begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from zoo.data.targets import NO_BOX
from zoo.errors import InputError

ROWS = 128  # boxes a picture that there is room for, where nobody says otherwise; COCO's fullest picture has 93
COLUMNS = 6  # x0, y0, x1, y1, the class (NO_BOX in rows that only fill up), and 1 where ignored
TINY = 1e-9  # a least area, to divide by


def padded(targets: Mapping[str, np.ndarray] | np.ndarray, rows: int = ROWS) -> np.ndarray:
    """`zoo.data.targets.Boxes.stack`'s dict as float32 N×rows×6, whatever the number of boxes; such an array as it is.

    A row is x0, y0, x1, y1 as shares of the picture's sides, the class, and 1 where the box is ignored.

    Raises:
        InputError: for a picture of more boxes than there are rows.
    """
    if not isinstance(targets, Mapping):
        return targets
    boxes, labels = np.asarray(targets["boxes"], np.float32), np.asarray(targets["labels"])
    count, most = labels.shape
    if most > rows:
        raise InputError(f"a picture of {most} boxes; the loss has room for {rows}: give one with more, loss=…(rows={most})")
    height, width = np.asarray(targets["picture"], np.float32).reshape(count, 2).T
    result = np.zeros((count, rows, COLUMNS), np.float32)
    result[..., 4] = NO_BOX
    result[:, :most, :4] = boxes / np.stack([width, height, width, height], axis=-1)[:, None]
    result[:, :most, 4], result[:, :most, 5] = labels, targets["ignored"]
    return result


def learnt(targets: Any) -> Any:
    """float32 N×rows: 1 where a row is a box to be found."""
    return ops.cast(ops.logical_and(targets[..., 4] >= 0, targets[..., 5] < 0.5), "float32")


def ignored(targets: Any) -> Any:
    """float32 N×rows: 1 where a row is a box that neither counts as right nor as wrong."""
    return ops.cast(ops.logical_and(targets[..., 4] >= 0, targets[..., 5] >= 0.5), "float32")


def overlap(one: Any, other: Any) -> tuple[Any, Any]:
    """The intersection over union of boxes …×4 pair by pair, and the generalised one (Rezatofighi et al. 2019)."""
    shared, union = intersection_and_union(one, other)
    span = ops.maximum(one[..., 2:], other[..., 2:]) - ops.minimum(one[..., :2], other[..., :2])
    hull = ops.prod(ops.maximum(span, 0.0), axis=-1)
    share = shared / ops.maximum(union, TINY)
    return share, share - (hull - union) / ops.maximum(hull, TINY)


def intersection_and_union(one: Any, other: Any) -> tuple[Any, Any]:
    """The areas that boxes …×4 share pair by pair, and that they cover together."""
    low, high = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
    return shared, _area(one) + _area(other) - shared


def _area(boxes: Any) -> Any:
    return ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)
