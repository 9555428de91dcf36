"""Regions of a pyramid: each box is cut from the one of several maps whose positions are of its size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, summed_up

_USUAL_SIDE, _USUAL_STRIDE = 224.0, 16  # ImageNet's picture, and the stride at which a thing of its size is looked at
_TINY = 1e-6


@keras.saving.register_keras_serializable(package="densezoo")
class PyramidRoIAlign(keras.layers.Layer):
    """RoIAlign from a feature pyramid: [N×H×W×C a level, …, N×R×4] → (N·R)×rows×columns×C.

    A box of area a is cut from the level of stride 16 · 2^⌊log2(√a / 224)⌋, or from the nearest there is (Lin et al., "Feature
    Pyramid Networks", 2017, equation 1). Samples as of `RoIAlign` without alignment, looked up one by one: products with
    matrices as long as the finest map would cost more than the rest of the network.

    Args:
        size: (rows, columns) of every region.
        strides: of the levels, from fine to coarse, each twice the one before.
        samples: along each side of a bin.

    Raises:
        zoo.errors.InputError: for numbers out of range, or maps of unknown sides or other channels.
    """

    quantization, carries = "floating", 0

    def __init__(self, size: tuple[int, int], strides: Sequence[int], samples: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if min(*size, *strides, samples) < 1 or any(coarse != 2 * fine for fine, coarse in itertools.pairwise(strides)):
            raise InputError(
                f"PyramidRoIAlign(size={size}, strides={strides}, samples={samples}): expected numbers from 1 on, and "
                "strides that double"
            )
        self.size, self.strides, self.samples = (int(size[0]), int(size[1])), [int(s) for s in strides], int(samples)

    def call(self, inputs: Sequence[Any]) -> Any:
        *maps, boxes = inputs
        table, channels = self._table(maps), maps[0].shape[-1]
        boxes = ops.cast(boxes, "float32")
        level = self.level_of(boxes)
        facts = [(stride, *x.shape[1:3]) for stride, x in zip(self.strides, maps, strict=True)]
        stride, height, width = (self._of_level(level, values) for values in zip(*facts, strict=True))
        pixels = [x.shape[1] * x.shape[2] for x in maps]
        first = self._of_level(level, np.cumsum([0, *pixels[:-1]]))
        picture = ops.reshape(ops.arange(ops.shape(boxes)[0]), (-1, 1, 1)) * sum(pixels)
        first = ops.cast(first, "int32") + picture  # in this order: an array of JAX does not know how to add what is symbolic
        down = self._taps(boxes[..., 1:2] / stride, boxes[..., 3:4] / stride, self.size[0], height)
        across = self._taps(boxes[..., 0:1] / stride, boxes[..., 2:3] / stride, self.size[1], width)
        total = 0.0
        for row, down_share in down:
            for column, across_share in across:
                index = first[..., None] + row[..., None] * ops.cast(width, "int32")[..., None] + column[..., None, :]
                share = ops.reshape(down_share[..., None] * across_share[..., None, :], (-1, 1))
                total += ops.take(table, ops.reshape(index, (-1,)), axis=0) * ops.cast(share, table.dtype)
        rows, columns = self.size
        total = ops.reshape(total, (-1, self.samples, columns * self.samples, channels))
        total = ops.reshape(ops.mean(total, axis=1), (-1, self.samples, channels))
        return ops.reshape(ops.mean(total, axis=1), (-1, rows, columns, channels))

    def level_of(self, boxes: Any) -> Any:
        """The number of each box's level, float32 N×R×1."""
        sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
        side = ops.sqrt(ops.prod(sides, axis=-1, keepdims=True))
        usual = math.log2(_USUAL_STRIDE / self.strides[0])
        # A little more, so that a box of just 224 pixels is not a level too fine for a rounding.
        level = ops.floor(ops.log(side / _USUAL_SIDE + _TINY) / math.log(2.0) + usual + _TINY)
        return ops.clip(level, 0.0, float(len(self.strides) - 1))

    def _table(self, maps: Sequence[Any]) -> Any:
        """The positions of all levels after another, a picture after the other, M×C."""
        flat = [ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3])) for x in maps]
        return ops.reshape(ops.concatenate(flat, axis=1), (-1, maps[0].shape[-1]))

    def _of_level(self, level: Any, values: Sequence[float]) -> Any:
        """The value of each box's level, float32 N×R×1."""
        chosen = ops.equal(level, ops.convert_to_tensor(np.arange(len(values), dtype=np.float32)))
        own = ops.convert_to_tensor(np.asarray(values, np.float32))
        return ops.sum(ops.cast(chosen, "float32") * own, axis=-1, keepdims=True)

    def _taps(self, low: Any, high: Any, bins: int, length: Any) -> list[tuple[Any, Any]]:
        """The two positions along a side that each sample lies between, int32 N×R×samples, and the share of each."""
        number = bins * self.samples
        shares = ops.convert_to_tensor((np.arange(number, dtype=np.float32) + 0.5)[None, None] / number)
        places = low + ops.maximum(high - low, 1.0) * shares
        inside = ops.cast(ops.logical_and(places >= -1.0, places <= length), "float32")
        places = ops.minimum(ops.maximum(places, 0.0), length - 1)
        below = ops.floor(places)
        above = ops.minimum(below + 1, length - 1)
        share = places - below
        return [(ops.cast(below, "int32"), (1 - share) * inside), (ops.cast(above, "int32"), share * inside)]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: interpolation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The coarsest level's, anywhere in it."""
        return summed_up(fields[-2])

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        *maps, boxes = inputs
        if len(maps) != len(self.strides) or any(None in x.shape[1:3] or x.shape[3] != maps[0].shape[3] for x in maps):
            raise InputError(
                f"{self.name}: maps {[x.shape for x in maps]} for strides {self.strides}; expected one of known sides a "
                "stride, all of as many channels"
            )
        count = None if None in (boxes.shape[0], boxes.shape[1]) else boxes.shape[0] * boxes.shape[1]
        return keras.KerasTensor((count, *self.size, maps[0].shape[-1]), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": list(self.size), "strides": self.strides, "samples": self.samples}
