"""Layers that make one tensor fit another: the reason why no size has to be divisible by 32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, resized, shifted, united
from zoo.layers.primitives import Primitives


def _spatial(reference) -> tuple:
    """Height and width of N×H×W×C: numbers where they are known, the backend's scalars where they are not."""
    shape = ops.shape(reference)
    return shape[1], shape[2]


def resized_to(x: Any, size: Sequence[Any], interpolation: str) -> Any:
    """N×h×w×C at a height and width, which may be known only when the graph runs; Keras's own resizing asks for numbers."""
    if all(isinstance(side, int) for side in (*size, *_spatial(x))):
        return ops.image.resize(x, tuple(size), interpolation=interpolation)
    for axis, side in enumerate(size, start=1):
        x = _resize_axis(x, axis, side, interpolation)
    return x


def _resize_axis(x: Any, axis: int, side: Any, interpolation: str) -> Any:
    """Interpolation along one axis, to a number of positions that is known when the graph runs."""
    count = ops.shape(x)[axis]
    ratio = ops.cast(count, "float32") / ops.cast(side, "float32")
    place = (ops.cast(ops.arange(side), "float32") + 0.5) * ratio
    if interpolation == "nearest":
        return ops.take(x, ops.minimum(ops.cast(place, "int32"), count - 1), axis=axis)
    below = ops.floor(place - 0.5)
    share = ops.reshape(ops.cast(place - 0.5 - below, x.dtype), [-1 if i == axis else 1 for i in range(4)])
    first = ops.maximum(ops.cast(below, "int32"), 0)
    second = ops.minimum(ops.cast(below, "int32") + 1, count - 1)
    return ops.take(x, first, axis=axis) * (1 - share) + ops.take(x, second, axis=axis) * share


@keras.saving.register_keras_serializable(package="densezoo")
class ResizeLike(keras.layers.Layer):
    """Resizes the first of two tensors (N×h×w×C) to the second's height and width (N×H×W×any) → N×H×W×C.

    Half-pixel centres always: corner-aligned resizing shifts masks and is refused by some phone delegates.

    Args:
        interpolation: "bilinear" or "nearest".
    """

    quantization, carries = "passthrough", 1

    def __init__(self, interpolation: str = "bilinear", **kwargs) -> None:
        super().__init__(**kwargs)
        self.interpolation = interpolation

    def call(self, inputs):
        x, reference = inputs
        return resized_to(x, _spatial(reference), self.interpolation)

    def lower(self, inputs: Sequence[Any], primitives: Primitives) -> Any:
        """To sizes known only when the graph runs `call` gathers, on any backend; files have an operation."""
        x, reference = inputs
        if None not in (*x.shape[1:3], *reference.shape[1:3]):
            return self([x, reference])
        return primitives.resize_like(x, reference, self.interpolation)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: interpolation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """That of the first input, on the grid of the second."""
        return resized(fields[0], input_shapes[0], output_shape, self.interpolation, grid=fields[1])

    def compute_output_spec(self, inputs):
        x, reference = inputs
        return keras.KerasTensor((x.shape[0], *reference.shape[1:3], x.shape[3]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "interpolation": self.interpolation}


@keras.saving.register_keras_serializable(package="densezoo", name="Shrink")  # as files of 0.1 have it
class Downscale(keras.layers.Layer):
    """Resizes N×H×W×C to ⌈share·H⌉×⌈share·W⌉ bilinearly, without antialiasing: right for shares from ½ to 1.

    Args:
        share: of both sides, above 0 up to 1.
    """

    interpolation = "bilinear"
    quantization, carries = "passthrough", 1

    def __init__(self, share: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.share = share

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: interpolation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """That of the interpolation."""
        return resized(fields[0], input_shapes[0], output_shape, self.interpolation)

    def _smaller(self, side):
        numerator, denominator = self.share.as_integer_ratio()
        return -(-side * numerator // denominator)

    def call(self, x):
        return resized_to(x, [self._smaller(side) for side in _spatial(x)], self.interpolation)

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """One operation at sizes known only when the graph runs too, which whoever lowers makes Keras's resizing take."""
        return ops.image.resize(x, tuple(self._smaller(side) for side in _spatial(x)), interpolation=self.interpolation)

    def compute_output_spec(self, x):
        sides = (side if side is None else self._smaller(side) for side in x.shape[1:3])
        return keras.KerasTensor((x.shape[0], *sides, x.shape[3]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable(package="densezoo")
class CropLike(keras.layers.Layer):
    """Cuts from the first of two tensors (N×h×w×C) a window of the second's height and width → N×H×W×C.

    Args:
        offset: rows and columns skipped at the top and the left, or "centre".
    """

    quantization, carries = "passthrough", 1

    def __init__(self, offset: int | str = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, inputs):
        x, reference = inputs
        height, width = _spatial(reference)
        top, left = self.offset, self.offset
        if self.offset == "centre":
            full_height, full_width = _spatial(x)
            top, left = (full_height - height) // 2, (full_width - width) // 2
        return x[:, top : top + height, left : left + width, :]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it cuts."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """That of the first input, from where it is cut."""
        sizes = [(input_shapes[0][axis], output_shape[axis]) for axis in (1, 2)]
        top, left = ((whole - part) // 2 if self.offset == "centre" else self.offset for whole, part in sizes)
        return shifted(fields[0], (top, left))

    def compute_output_spec(self, inputs):
        x, reference = inputs
        return keras.KerasTensor((x.shape[0], *reference.shape[1:3], x.shape[3]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "offset": self.offset}


@keras.saving.register_keras_serializable(package="densezoo")
class PadToMultiple(keras.layers.Layer):
    """Adds rows and columns of zeros at the bottom and the right of N×H×W×C until H and W divide by `multiple`.

    LiteRT's GPU accelerator computes a transposed convolution of stride 3 or more wrongly, without a word, where its
    input's sides are no multiples of the stride. Zeros there change nothing in what lies over the original map.

    Args:
        multiple: what both sides shall divide by.
    """

    quantization, carries = "passthrough", 1

    def __init__(self, multiple: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, x):
        rows, columns = (-side % self.multiple for side in _spatial(x))
        return ops.pad(x, ((0, 0), (0, rows), (0, columns), (0, 0)))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it pads."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's: what is added lies behind it."""
        return united(fields)

    def compute_output_spec(self, x):
        sides = (side if side is None else side + -side % self.multiple for side in x.shape[1:3])
        return keras.KerasTensor((x.shape[0], *sides, x.shape[3]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="densezoo")
class MirrorPadding2D(keras.layers.Layer):
    """Extends N×H×W×C by reflection: what U-Net's authors show a valid convolution beyond the border.

    Args:
        padding: ((top, bottom), (left, right)) in pixels, each below the size of the picture.
    """

    quantization, carries = "passthrough", 1

    def __init__(self, padding: tuple[tuple[int, int], tuple[int, int]], **kwargs) -> None:
        super().__init__(**kwargs)
        self.padding = tuple(tuple(int(n) for n in pair) for pair in padding)

    def call(self, x):
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it pads."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's, which begins later."""
        (top, _), (left, _) = self.padding
        return shifted(fields[0], (-top, -left))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        rows, columns = (n if n is None else n + sum(pair) for n, pair in zip(input_shape[1:3], self.padding, strict=True))
        return (input_shape[0], rows, columns, input_shape[3])

    def get_config(self) -> dict:
        return {**super().get_config(), "padding": [list(pair) for pair in self.padding]}
