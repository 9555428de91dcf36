"""Two stages with masks: the answer of a detector that also says which pixels of a region are the thing's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Shape
from zoo.layers.two_stage import TwoStageBoxes
from zoo.losses.box_targets import COLUMNS
from zoo.losses.two_stage import MASK, Regions, mask_loss, mask_targets


@keras.saving.register_keras_serializable(package="densezoo")
class TwoStageMasks(TwoStageBoxes):
    """[regions, logits, offsets, masks, map, …] → a row for each class of each region: `TwoStageBoxes`' and the mask in it.

    Masks are (N·R)×h×w×(1 + K) log-odds, the background's first; a row ends in those of its class, h·w numbers. What rows are,
    the kind `zoo.outputs.instances` calls "regions". Shown things have a mask each, `zoo.losses.instance_regions` says how.

    Args:
        picture, variances, anchors: as of `TwoStageBoxes`.
    """

    _heads, _columns = 3, COLUMNS + MASK * MASK

    def build(self, input_shape: Sequence[Shape]) -> None:
        self._mask = tuple(input_shape[3][1:3])
        self.built = True

    @property
    def output_options(self) -> dict[str, Any]:
        """The options of the output that these rows are."""
        return {"coding": "regions", "scores": "shares", "mask": list(self._mask), "picture": list(self.picture)}

    def call(self, inputs: Sequence[Any]) -> Any:
        rows, masks = super().call(inputs), ops.cast(inputs[3], "float32")
        height, width, classes = masks.shape[1:]
        masks = ops.transpose(masks[..., 1:], (0, 3, 1, 2))
        masks = ops.reshape(masks, (-1, inputs[0].shape[1] * (classes - 1), height * width))
        return ops.concatenate([rows, masks], axis=-1)

    def head_losses(self, things: Any, drawn: Regions, answers: Sequence[Any]) -> list[Any]:
        """Those of the classes and the boxes, and the masks' cross-entropy."""
        *others, masks = answers
        known = self.things(things)
        shapes = ops.reshape(things[..., COLUMNS:], (-1, things.shape[1], MASK, MASK))
        wanted = mask_targets(known.boxes, shapes, drawn, masks.shape[1:3])
        own = ops.reshape(wanted, (-1, *masks.shape[1:3]))
        return [*super().head_losses(things, drawn, others), mask_loss(masks[..., 1:], ops.reshape(drawn.labels, (-1,)), own)]

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        rows, (height, width) = super().compute_output_spec(inputs), inputs[3].shape[1:3]
        return keras.KerasTensor((*rows.shape[:2], rows.shape[2] + height * width), dtype="float32")
