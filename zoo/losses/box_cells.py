"""The loss of detectors whose cells say what has its centre in them: YOLO's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.box_matching import of_matches
from zoo.losses.box_targets import ROWS, ignored, learnt, overlap, padded
from zoo.outputs.box_codings import middles
from zoo.outputs.spec import OutputSpec
from zoo.training import distribution

_SIDES = 4


@keras.saving.register_keras_serializable(package="densezoo")
class CellLoss(keras.losses.Loss):
    """Sums of squares over a grid's cells (Redmon et al. 2016, equation 3), a picture's mean.

    A cell learns the thing whose centre lies in it, of several the first. Of its boxes the one that overlaps the thing most
    learns its place, the square roots of its sides, and to be as confident as it overlaps; all others learn a confidence of 0,
    those of cells under an ignored box nothing. The shares of the classes are learnt where there is a thing.

    Targets are `zoo.data.targets.Boxes.stack`'s, predictions N×P×(5·boxes + K), as of `zoo.outputs.box_codings`' "cells".

    Args:
        grid: (rows, columns) of the cells.
        boxes: of each cell.
        place_weight: of the places' and sides' squares.
        empty_weight: of the confidence's where nothing is.
        rows: boxes a picture that there is room for.

    Raises:
        zoo.errors.InputError: for negative weights, or no boxes.
    """

    def __init__(
        self,
        grid: Sequence[int],
        boxes: int,
        place_weight: float = 5.0,
        empty_weight: float = 0.5,
        rows: int = ROWS,
        name: str | None = "cells",
    ) -> None:
        super().__init__(name=name, dtype="float32")
        if min(place_weight, empty_weight) < 0 or min(boxes, rows) < 1:
            raise InputError(
                f"boxes={boxes}, place_weight={place_weight}, empty_weight={empty_weight}, rows={rows}; expected 1 or more "
                "boxes and rows, and weights of 0 or more"
            )
        self.grid, self.boxes, self.rows = (int(grid[0]), int(grid[1])), int(boxes), int(rows)
        self.place_weight, self.empty_weight = float(place_weight), float(empty_weight)

    def prepare(self, targets: Mapping[str, np.ndarray] | np.ndarray, classes: int) -> np.ndarray:
        """Targets of one shape for all batches; see `zoo.losses.box_targets.padded`."""
        return padded(targets, self.rows)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        numbers = (_SIDES + 1) * self.boxes
        own = ops.reshape(y_pred[..., :numbers], (-1, y_pred.shape[1], self.boxes, _SIDES + 1))
        matches, spared = self._centred(target)
        there = ops.cast(matches >= 0, "float32")
        thing = of_matches(matches, target)
        wanted, size = self._wanted(thing[..., :_SIDES])
        share = ops.stop_gradient(overlap(self._corners(own), thing[..., None, :_SIDES])[0])
        responsible = ops.one_hot(ops.argmax(share, axis=-1), self.boxes, dtype="float32") * there[..., None]
        places = ops.square(own[..., :2] - wanted[..., None, :]) + ops.square(own[..., 2:_SIDES] - size[..., None, :])
        confidence, shares = own[..., _SIDES], y_pred[..., numbers:]
        sure = ops.square(confidence - share) * responsible
        empty = ops.square(confidence) * (1 - responsible) * (1 - spared)[..., None]
        labels = ops.one_hot(ops.cast(ops.maximum(thing[..., _SIDES], 0), "int32"), shares.shape[-1], dtype="float32")
        classes = ops.sum(ops.square(shares - labels), axis=-1) * there
        total = self.place_weight * ops.sum(ops.sum(places, axis=-1) * responsible, axis=(1, 2))
        total += ops.sum(sure, axis=(1, 2)) + self.empty_weight * ops.sum(empty, axis=(1, 2)) + ops.sum(classes, axis=1)
        return ops.mean(total) / distribution.parts()

    def _centred(self, target: Any) -> tuple[Any, Any]:
        """The thing whose centre lies in each cell, N×P, −1 for none; and whether the cell is under an ignored box, 0 or 1."""
        rows, columns = self.grid
        middle = (target[..., :2] + target[..., 2:_SIDES]) / 2
        sides = self._sides()
        cell = ops.clip(ops.floor(middle * sides), 0.0, sides - 1)
        place = ops.cast(cell[..., 1] * columns + cell[..., 0], "int32")
        inside = ops.cast(place[:, None] == ops.arange(rows * columns, dtype="int32")[None, :, None], "float32")
        inside *= learnt(target)[:, None]
        matches = ops.where(ops.max(inside, axis=-1) > 0, ops.cast(ops.argmax(inside, axis=-1), "int32"), -1)
        point = ops.convert_to_tensor(middles(self.grid), "float32")[None, :, None]
        box = target[:, None, :, :_SIDES]
        within = ops.all(ops.logical_and(point > box[..., :2], point < box[..., 2:]), axis=-1)
        return matches, ops.max(ops.cast(within, "float32") * ignored(target)[:, None], axis=-1)

    def _wanted(self, boxes: Any) -> tuple[Any, Any]:
        """Boxes N×P×4 as their cells say them: the centre within the cell, and the square roots of the sides."""
        centre = (boxes[..., :2] + boxes[..., 2:]) / 2 * self._sides()
        return centre - self._corner(), ops.sqrt(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0))

    def _corners(self, own: Any) -> Any:
        """Predictions N×P×boxes×5 as corners, shares of the picture's sides."""
        centre = (own[..., :2] + self._corner()[:, None]) / self._sides()
        half = ops.square(own[..., 2:_SIDES]) / 2
        return ops.concatenate([centre - half, centre + half], axis=-1)

    def _corner(self) -> Any:
        """The (column, row) of each cell, float32 P×2."""
        rows, columns = self.grid
        places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
        return ops.convert_to_tensor(places.astype(np.float32))

    def _sides(self) -> Any:
        """Cells of a row and of a column, float32."""
        return ops.convert_to_tensor(np.array(self.grid[::-1], np.float32))

    def get_config(self) -> dict[str, Any]:
        weights = {"place_weight": self.place_weight, "empty_weight": self.empty_weight}
        return {"name": self.name, "grid": list(self.grid), "boxes": self.boxes, **weights, "rows": self.rows}


def loss_of(spec: OutputSpec) -> CellLoss:
    """The loss of an output of this coding."""
    (grid,) = spec.options["grids"]
    return CellLoss(grid, spec.options["boxes"])
