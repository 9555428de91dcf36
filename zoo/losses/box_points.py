"""The loss of anchor-free detectors, whose points say how far the edges of the box around them are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.box_matching import logistic_entropy
from zoo.losses.box_targets import ROWS, ignored, learnt, overlap, padded
from zoo.outputs.box_codings import middles
from zoo.outputs.spec import OutputSpec
from zoo.training import distribution

_SIDES = 4
_FARTHEST = 6.0  # the logarithm of the largest distance that is learnt from, in cells: the start draws anything
_FAR = 1e9


@keras.saving.register_keras_serializable(package="densezoo")
class PointLoss(keras.losses.Loss):
    """Quality focal loss of the scores and generalised IoU of the boxes, over the points around the middles of things.

    A point learns the smallest of the boxes in whose middle it lies: within `radius` cells of the box's centre and inside the
    box (FCOS's centre sampling, Tian et al. 2019); the cell of the centre always does. Its score is to be the intersection over
    union that its box reaches, and 0 of all other classes and points (Li et al., "Generalized Focal Loss", 2020), so that the
    best boxes score highest. What lies in an ignored box and in no other learns nothing. Both sums are over the number of
    learning points in the batch; without any, scores alone learn that nothing is there.

    Targets are `zoo.data.targets.Boxes.stack`'s, predictions N×h×w×(4 + K) or, of several levels, N×P×(4 + K), as of
    `zoo.outputs.box_codings`' "points".

    Args:
        grids: (rows, columns) of each level, for predictions N×P×C.
        radius: cells around a centre.
        box_weight: of the boxes' loss beside the scores'.
        rows: boxes a picture that there is room for.

    Raises:
        zoo.errors.InputError: for another radius, weight or number.
    """

    def __init__(
        self,
        grids: Sequence[Sequence[int]] = (),
        radius: float = 1.5,
        box_weight: float = 2.0,
        rows: int = ROWS,
        name: str | None = "points",
    ) -> None:
        super().__init__(name=name, dtype="float32")
        if not (radius > 0 and box_weight >= 0 and rows > 0):
            raise InputError(f"radius={radius}, box_weight={box_weight}, rows={rows}; expected positive numbers")
        self.grids = tuple((int(height), int(width)) for height, width in grids)
        self.radius, self.box_weight, self.rows = float(radius), float(box_weight), int(rows)

    def prepare(self, targets: Mapping[str, np.ndarray] | np.ndarray, classes: int) -> np.ndarray:
        """Targets of one shape for all batches; see `zoo.losses.box_targets.padded`."""
        return padded(targets, self.rows)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        points, cells = self._points(y_pred)
        channels = y_pred.shape[-1]
        rows = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1, channels))
        reach = ops.exp(ops.clip(rows[..., :_SIDES], -_FARTHEST, _FARTHEST))
        boxes = ops.concatenate([points - reach[..., :2] / cells, points + reach[..., 2:] / cells], axis=-1)
        chosen, learning, spared = self._assigned(target, points, cells)
        wanted = ops.matmul(chosen, target[..., :_SIDES])
        share, generalised = overlap(boxes, wanted)
        labels = ops.one_hot(ops.cast(ops.maximum(target[..., 4], 0), "int32"), channels - _SIDES, dtype="float32")
        quality = ops.matmul(chosen, labels) * ops.stop_gradient(ops.maximum(share, 0.0))[..., None]
        scores = focal(rows[..., _SIDES:], quality) * (1 - spared)[..., None]
        total = ops.maximum(distribution.mean_over_parts(ops.sum(learning)), 1.0)
        loss = ops.sum(scores) + self.box_weight * ops.sum((1 - generalised) * learning)
        return loss / total / distribution.parts()

    def _points(self, y_pred: Any) -> tuple[Any, Any]:
        """The points (x, y) of all rows, as shares of the sides, and the (columns, rows) of the grids that they lie on: P×2."""
        if len(y_pred.shape) == 4:
            height, width = ops.shape(y_pred)[1], ops.shape(y_pred)[2]
            y = (ops.cast(ops.arange(height), "float32") + 0.5) / ops.cast(height, "float32")
            x = (ops.cast(ops.arange(width), "float32") + 0.5) / ops.cast(width, "float32")
            points = ops.reshape(ops.stack(ops.meshgrid(x, y), axis=-1), (-1, 2))
            return points, ops.cast(ops.stack([width, height]), "float32")[None]
        if not self.grids:
            raise InputError(f"predictions of shape {tuple(y_pred.shape)} and no grids; build with a fixed input_shape")
        points = np.concatenate([middles(grid) for grid in self.grids])
        cells = np.concatenate([np.tile([grid[1], grid[0]], (grid[0] * grid[1], 1)) for grid in self.grids])
        return ops.convert_to_tensor(points, "float32"), ops.convert_to_tensor(cells, "float32")

    def _assigned(self, target: Any, points: Any, cells: Any) -> tuple[Any, Any, Any]:
        """Which box each point learns, N×P×rows of 0 and 1; whether it learns one, and whether it is spared, N×P."""
        box = target[:, None, :, :_SIDES]
        point, cell = points[None, :, None], cells[None, :, None]
        inside = ops.all(ops.logical_and(point > box[..., :2], point < box[..., 2:]), axis=-1)
        away = ops.abs(point - (box[..., :2] + box[..., 2:]) / 2) * cell
        middle = ops.logical_and(inside, ops.all(away < self.radius, axis=-1))
        candidate = ops.logical_or(middle, ops.all(away <= 0.5, axis=-1))
        size = ops.prod(box[..., 2:] - box[..., :2], axis=-1)
        known = learnt(target)[:, None]
        size = ops.where(ops.logical_and(candidate, known > 0), size, _FAR)
        learning = ops.cast(ops.min(size, axis=-1) < _FAR, "float32")
        chosen = ops.one_hot(ops.argmin(size, axis=-1), target.shape[1], dtype="float32") * learning[..., None]
        within = ops.max(ops.cast(inside, "float32") * ignored(target)[:, None], axis=-1)
        return chosen, learning, within * (1 - learning)

    def get_config(self) -> dict[str, Any]:
        facts = {"grids": [list(grid) for grid in self.grids], "radius": self.radius, "box_weight": self.box_weight}
        return {"name": self.name, **facts, "rows": self.rows}


def focal(logits: Any, wanted: Any) -> Any:
    """The quality focal loss: cross-entropy times the squared distance of the probability from what is wanted (0 to 1)."""
    return ops.square(ops.sigmoid(logits) - wanted) * logistic_entropy(logits, wanted)


def loss_of(spec: OutputSpec) -> PointLoss:
    """The loss of an output of this coding."""
    return PointLoss(spec.options.get("grids") or ())
