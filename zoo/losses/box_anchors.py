"""The loss of detectors that tell boxes from anchors, in one step: SSD's, with hard negatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.box_matching import corners, encoded, hardest, matched, of_matches, pairwise_overlap, smooth_distance
from zoo.losses.box_targets import ROWS, ignored, learnt, padded
from zoo.outputs.spec import OutputSpec
from zoo.training import distribution

_SIDES = 4


@keras.saving.register_keras_serializable(package="densezoo")
class MultiBoxLoss(keras.losses.Loss):
    """Cross-entropy of the classes and smooth L1 of the offsets, over matched anchors and the hardest others (Liu et al. 2016).

    An anchor learns the thing that it overlaps by `overlap` or more, and every thing has one anchor at least (`matched` in
    `zoo.losses.box_matching`). Of the rest, `negatives` for every matched one learn that nothing is there, those of the
    greatest loss in each picture; what overlaps only an ignored box does not. The sum is divided by the number of matched
    anchors in the batch. A picture without anything in it learns from as many as one with a single match, and from none in the
    paper.

    Targets are `zoo.data.targets.Boxes.stack`'s, predictions N×P×(5 + K): offsets, and logits of the background and K classes.

    Args:
        grids, anchors, variances: as of `zoo.outputs.box_codings`.
        overlap: intersection over union from which an anchor learns a thing.
        negatives: for every matched anchor.
        box_weight: of the boxes' loss beside the classes'.
        rows: boxes a picture that there is room for.

    Raises:
        zoo.errors.InputError: for numbers out of range, or as many grids as there are not levels of anchors.
    """

    def __init__(
        self,
        grids: Sequence[Sequence[int]],
        anchors: Sequence[Sequence[Sequence[float]]],
        variances: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        overlap: float = 0.5,
        negatives: float = 3.0,
        box_weight: float = 1.0,
        rows: int = ROWS,
        name: str | None = "multibox",
    ) -> None:
        super().__init__(name=name, dtype="float32")
        if not (0 < overlap <= 1 and negatives >= 0 and box_weight >= 0 and rows > 0):
            raise InputError(
                f"overlap={overlap}, negatives={negatives}, box_weight={box_weight}, rows={rows}; expected an overlap above 0 "
                "up to 1, and numbers of 0 or more"
            )
        if len(grids) != len(anchors):
            raise InputError(f"{len(grids)} grids and anchors of {len(anchors)} levels; give each level its anchors")
        self.options = {
            "grids": [[int(side) for side in grid] for grid in grids],
            "anchors": [[[float(side) for side in sides] for sides in level] for level in anchors],
            "variances": [float(factor) for factor in variances],
        }
        self.overlap, self.negatives = float(overlap), float(negatives)
        self.box_weight, self.rows = float(box_weight), int(rows)
        self._anchors = corners(self.options["grids"], self.options["anchors"])

    def prepare(self, targets: Mapping[str, np.ndarray] | np.ndarray, classes: int) -> np.ndarray:
        """Targets of one shape for all batches; see `zoo.losses.box_targets.padded`."""
        return padded(targets, self.rows)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        anchors = ops.convert_to_tensor(self._anchors)
        overlaps = pairwise_overlap(anchors[None], target[..., :_SIDES])
        matches = matched(overlaps, learnt(target), self.overlap)
        positive = matches >= 0
        things = of_matches(matches, target)
        labels = ops.where(positive, ops.cast(things[..., _SIDES], "int32") + 1, 0)
        entropy = -ops.sum(
            ops.one_hot(labels, y_pred.shape[-1] - _SIDES, dtype="float32") * ops.log_softmax(y_pred[..., _SIDES:], axis=-1), -1
        )
        spared = ops.max(overlaps * ignored(target)[:, None], axis=-1) >= self.overlap
        learning = ops.cast(positive, "float32")
        count = ops.sum(learning, axis=-1)
        free = ops.logical_not(ops.logical_or(positive, spared))
        hard = hardest(entropy, free, self.negatives * ops.maximum(count, 1.0))
        # An unmatched anchor has no thing's sides, whose logarithm would be no number.
        boxes = ops.where(positive[..., None], things[..., :_SIDES], anchors[None])
        distance = smooth_distance(y_pred[..., :_SIDES], encoded(boxes, anchors, self.options["variances"]))
        loss = ops.sum(entropy * (learning + hard)) + self.box_weight * ops.sum(distance * learning)
        total = ops.maximum(distribution.mean_over_parts(ops.sum(count)), 1.0)
        return loss / total / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        facts = {"overlap": self.overlap, "negatives": self.negatives, "box_weight": self.box_weight, "rows": self.rows}
        return {"name": self.name, **self.options, **facts}


def loss_of(spec: OutputSpec) -> MultiBoxLoss:
    """The loss of an output of this coding."""
    return MultiBoxLoss(spec.options["grids"], spec.options["anchors"], spec.options.get("variances") or (1.0,) * _SIDES)
