"""Regions of interest: what a map shows in boxes of any size, each brought to one size, by maxima or by interpolation.

RoIPool: Girshick, "Fast R-CNN", 2015. RoIAlign: He, Gkioxari, Dollár & Girshick, "Mask R-CNN", 2017. Boxes are N×R×4 of (x0,
y0, x1, y1) in pixels of the picture, as many for each picture; the answers of all pictures lie in a row, (N·R)×rows×columns×C,
as the second stage of a detector reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, summed_up


class _RegionLayer(keras.layers.Layer):
    """Base of the layers that cut regions: [N×H×W×C, N×R×4] → (N·R)×rows×columns×C.

    Args:
        size: (rows, columns) of every region.
        stride: pixels of the picture from position to position of the map.

    Raises:
        zoo.errors.InputError: for a size or a stride below 1, or boxes of another shape.
    """

    def __init__(self, size: tuple[int, int], stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(size) != 2 or min(*size, stride) < 1:
            kind = type(self).__name__
            raise InputError(f"{kind}(size={size}, stride={stride}): expected (rows, columns) and a stride, from 1 on")
        self.size, self.stride = (int(size[0]), int(size[1])), int(stride)

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The map's, anywhere in it: where, the boxes say."""
        return summed_up(fields[0])

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        x, boxes = inputs
        if len(x.shape) != 4 or len(boxes.shape) != 3 or boxes.shape[-1] != 4:
            raise InputError(f"{self.name}: a map {x.shape} and boxes {boxes.shape}; expected N×H×W×C and N×R×4")
        count = None if None in (x.shape[0], boxes.shape[1]) else x.shape[0] * boxes.shape[1]
        return keras.KerasTensor((count, *self.size, x.shape[-1]), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": list(self.size), "stride": self.stride}


@keras.saving.register_keras_serializable(package="densezoo")
class RoIAlign(_RegionLayer):
    """Interpolates a map on a grid of samples in every box and averages the samples of each bin.

    torchvision's `roi_align` with a fixed `sampling_ratio`: a sample more than one position beyond the map is zero, one nearer
    takes the edge's value. Interpolation and average along rows and along columns are a product with a matrix each, made of
    the boxes (`lines`); so it is everything that an accelerator has, with gradients for the map and for the boxes.

    Args:
        size, stride: as of all regions.
        samples: along each side of a bin.
        aligned: whether pixel centres lie at halves, as in detectron2's `ROIAlignV2`; without, as in the paper and in
            torchvision's detectors, boxes are half a position off and never less than one position wide.
    """

    quantization, carries = "rounds", 1

    def __init__(
        self, size: tuple[int, int], stride: int, samples: int = 2, aligned: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(size, stride, **kwargs)
        if samples < 1:
            raise InputError(f"RoIAlign(samples={samples}): expected 1 or more along each side of a bin")
        self.samples, self.aligned = int(samples), bool(aligned)

    def call(self, inputs: Sequence[Any]) -> Any:
        x, boxes = inputs
        _, height, width, channels = ops.shape(x)
        rows, columns = self.size
        down = self.lines(boxes[..., 1:2], boxes[..., 3:4], rows, height)
        across = self.lines(boxes[..., 0:1], boxes[..., 2:3], columns, width)
        # The two products one after the other: all rows of a box first, over the whole width of the map.
        x = ops.matmul(ops.cast(down, x.dtype), ops.reshape(x, (-1, height, width * channels)))
        x = ops.transpose(ops.reshape(x, (-1, rows, width, channels)), (0, 2, 1, 3))
        across = ops.reshape(ops.cast(across, x.dtype), (-1, columns, width))
        x = ops.matmul(across, ops.reshape(x, (-1, width, rows * channels)))
        x = ops.reshape(x, (-1, columns, rows, channels))
        return ops.transpose(x, (0, 2, 1, 3))

    def lines(self, low: Any, high: Any, bins: int, length: Any) -> Any:
        """The share of each of a map's rows (or columns) in each bin of each box, float32 N×R·bins×length.

        Args:
            low, high: N×R×1, the boxes' ends in pixels.
            bins: along this side.
            length: of the map.
        """
        half = 0.5 if self.aligned else 0.0
        low, high = (ops.cast(end, "float32") / self.stride - half for end in (low, high))
        extent = high - low if self.aligned else ops.maximum(high - low, 1.0)
        number = bins * self.samples
        shares = ops.convert_to_tensor((np.arange(number, dtype=np.float32) + 0.5)[None, None] / number)
        places = ops.reshape(low + extent * shares, (-1, low.shape[1] * number, 1))
        last = ops.cast(length - 1, "float32")
        inside = ops.logical_and(places >= -1.0, places <= last + 1.0)
        places = ops.clip(places, 0.0, last)
        positions = ops.reshape(ops.cast(ops.arange(length), "float32"), (1, 1, -1))
        shares = ops.relu(1.0 - ops.abs(places - positions)) * ops.cast(inside, "float32")
        return ops.mean(ops.reshape(shares, (-1, low.shape[1] * bins, self.samples, length)), axis=2)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """Those of the two products, for every box."""
        _, height, width, channels = input_shapes[0]
        (rows, columns), boxes = self.size, input_shapes[1][1]
        return boxes * rows * width * channels * (height + columns)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "samples": self.samples, "aligned": self.aligned}


@keras.saving.register_keras_serializable(package="densezoo")
class RoIPool(_RegionLayer):
    """The maximum of each bin of every box, whose ends are rounded to whole positions of the map, both included.

    Bin p of P in a box of n rows reaches from ⌊p·n/P⌋ to ⌈(p + 1)·n/P⌉, in whole numbers, so that no rounding of floats adds a
    row; what lies beyond the map does not count, and a bin that lies there wholly is 0. As torchvision's `roi_pool`.

    A bin's maximum is that of four overlapping windows whose sides are powers of 2 and whose maxima all boxes share, so that no
    loop over boxes or positions is needed. The map's size is known when the layer is built.
    """

    quantization, carries = "passthrough", 1

    def build(self, input_shape: Sequence[Shape]) -> None:
        if None in input_shape[0][1:3]:
            raise InputError(f"{self.name}: a map of {input_shape[0]}; RoIPool needs its height and width, give input_shape=")
        self.built = True

    def call(self, inputs: Sequence[Any]) -> Any:
        x, boxes = inputs
        (_, height, width, channels), (rows, columns) = x.shape, self.size
        boxes = ops.cast(boxes, "float32") / self.stride
        boxes = ops.cast(ops.sign(boxes) * ops.floor(ops.abs(boxes) + 0.5), "int32")  # halves away from zero, as in C
        down = _bins(boxes[..., 1:2], boxes[..., 3:4], rows, height)
        across = _bins(boxes[..., 0:1], boxes[..., 2:3], columns, width)
        table, (levels_down, levels_across) = self._table(x)
        picture = ops.reshape(ops.arange(ops.shape(x)[0]), (-1, 1, 1, 1))
        # What may be symbolic stands first: an array of JAX does not know how to be added to it.
        level = (down.level[..., None] + picture * levels_down) * levels_across + across.level[..., None, :]
        corners = []
        for top in (down.first, down.last):
            for left in (across.first, across.last):
                index = (level * height + top[..., None]) * width + left[..., None, :]
                corners.append(ops.take(table, ops.reshape(index, (-1,)), axis=0))
        x = ops.maximum(ops.maximum(corners[0], corners[1]), ops.maximum(corners[2], corners[3]))
        there = ops.logical_and(down.there[..., None], across.there[..., None, :])
        x *= ops.reshape(ops.cast(there, x.dtype), (-1, 1))
        return ops.reshape(x, (-1, rows, columns, channels))

    def _table(self, x: Any) -> tuple[Any, tuple[int, int]]:
        """Maxima of windows of 2^i×2^j positions from every position on, (N·I·J·H·W)×C, and (I, J)."""
        levels = [_doubled(each, axis=2) for each in _doubled(x, axis=1)]
        table = ops.concatenate([window for level in levels for window in level], axis=1)
        return ops.reshape(table, (-1, x.shape[-1])), (len(levels), len(levels[0]))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it compares."""
        return 0


def _doubled(x: Any, axis: int) -> list[Any]:
    """The maxima of windows of 1, 2, 4 … positions along an axis that begin at each of them; windows end with the map."""
    windows, side, length = [x], 1, x.shape[axis]
    while 2 * side <= length:
        near, far, rest = (
            windows[-1][(slice(None),) * axis + (part,)]
            for part in (slice(0, length - side), slice(side, length), slice(length - side, length))
        )
        windows.append(ops.concatenate([ops.maximum(near, far), rest], axis=axis))
        side *= 2
    return windows


class _Bins(NamedTuple):
    """The bins of boxes along one side: each is the union of two windows of 2^level positions. All N×R×bins."""

    first: Any
    last: Any
    level: Any
    there: Any  # whether it has any position of the map


def _bins(low: Any, high: Any, bins: int, length: int) -> _Bins:
    """The bins of boxes from position `low` to `high` (int32 N×R×1) of a map of that length."""
    extent = ops.maximum(high - low + 1, 1)
    number = ops.convert_to_tensor(np.arange(bins, dtype=np.int32)[None, None])
    first = ops.clip(ops.floor_divide(extent * number, bins) + low, 0, length)
    end = ops.clip(ops.floor_divide(extent * (number + 1) + (bins - 1), bins) + low, 0, length)
    there, count = end > first, ops.maximum(end - first, 1)
    level, side = ops.zeros_like(count), ops.ones_like(count)
    for power in range(1, length.bit_length()):
        reaches = ops.cast(count >= 2**power, "int32")
        level, side = level + reaches, side + reaches * 2 ** (power - 1)
    first = ops.minimum(first, length - 1)
    return _Bins(first, first + count - side, level, there)


@keras.saving.register_keras_serializable(package="densezoo")
class RegionsOfPictures(keras.layers.Layer):
    """Gives each picture its regions back: (N·R)×… → N×R×….

    Args:
        count: R, regions a picture.
    """

    quantization, carries = "passthrough", 1

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = int(count)

    def call(self, x: Any) -> Any:
        return ops.reshape(x, (-1, self.count, *x.shape[1:]))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it reshapes."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The regions'."""
        return fields[0]

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        pictures = None if x.shape[0] is None else x.shape[0] // self.count
        return keras.KerasTensor((pictures, self.count, *x.shape[1:]), dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
