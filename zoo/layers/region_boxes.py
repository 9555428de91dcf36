"""Region boxes: what a second stage says of its regions, as boxes and scores that an answer can be chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.field import Field, Shape, united
from zoo.layers.proposals import clipped, moved

_SIDES = 4
VARIANCES = (0.1, 0.1, 0.2, 0.2)  # spread of regions' offsets, which they are learnt in units of


@keras.saving.register_keras_serializable(package="densezoo")
class RegionBoxes(keras.layers.Layer):
    """[regions N×R×4 in pixels, logits N×R×(1 + K), offsets N×R×4·(1 + K)] → N×R·K×(4 + K), a box for each class of each
    region.

    A row is the corners as shares of the picture's sides, and the share of its class, that of all others being 0: what
    `zoo.outputs.box_codings` calls "corners" with "shares". The background comes first of the logits
    and of the offsets, and has no row.

    Args:
        picture: (H, W) in pixels.
        variances: what offsets are multiplied by.
    """

    quantization, carries = "floating", 0
    output_options = {"coding": "corners", "scores": "shares"}  # noqa: RUF012 (nobody changes it)

    def __init__(self, picture: tuple[int, int], variances: Sequence[float] = VARIANCES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.picture, self.variances = (int(picture[0]), int(picture[1])), [float(factor) for factor in variances]

    def call(self, inputs: Sequence[Any]) -> Any:
        regions, logits, offsets = (ops.cast(x, "float32") for x in inputs)
        _, count, numbers = offsets.shape
        classes = numbers // _SIDES - 1
        offsets = ops.reshape(offsets, (-1, count, 1 + classes, _SIDES))[:, :, 1:]
        variances = ops.convert_to_tensor(np.asarray(self.variances, np.float32).reshape(1, 1, 1, _SIDES))
        height, width = self.picture
        sides = ops.convert_to_tensor(np.array([width, height] * 2, np.float32).reshape(1, 1, 1, _SIDES))
        boxes = clipped(moved(regions[:, :, None], offsets * variances), self.picture) / sides
        own = ops.convert_to_tensor(np.eye(classes, dtype=np.float32)[None, None])
        shares = ops.softmax(logits, axis=-1)[..., 1:, None] * own
        return ops.reshape(ops.concatenate([boxes, shares], axis=-1), (-1, count * classes, _SIDES + classes))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: boxes are moved, nothing is weighed."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The scores'."""
        return united(fields[1:2])

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        batch, count, numbers = inputs[2].shape
        classes = numbers // _SIDES - 1
        return keras.KerasTensor((batch, count * classes, _SIDES + classes), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "picture": list(self.picture), "variances": self.variances}
