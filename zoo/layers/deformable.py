"""Deformable convolution: a kernel whose taps go where the picture asks them to.

Dai et al., "Deformable Convolutional Networks", 2017, section 2.1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united, windowed

PADDINGS = ("same", "valid")


@keras.saving.register_keras_serializable(package="densezoo")
class DeformableConv2D(keras.layers.Layer):
    """Convolves the first of two tensors (N×H×W×C) with taps shifted by the second (N×h×w×2·groups·taps) → N×h×w×filters.

    The shifts are in pixels, a (down, right) pair for each tap in the kernel's row-major order, group after group; an
    ordinary convolution with the same window, started at zero, makes them. Between pixels the picture is interpolated
    bilinearly, outside it is zero. All shifts zero, this is `Conv2D`, and it has `Conv2D`'s weights, so that a trained
    convolution can be made deformable.

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel, or one number for both.
        strides: rows and columns between windows, one number.
        padding: "same" or "valid", as in `Conv2D`.
        dilation_rate: rows and columns between taps, one number.
        offset_groups: equal parts of the channels with shifts of their own.
        use_bias: whether a bias is added.
        kernel_initializer: as in `Conv2D`.

    Raises:
        InputError: for an unknown padding, channels that do not divide into the groups, or a wrong number of shifts.
    """

    quantization, carries = "rounds", 0

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int] = 3,
        strides: int = 1,
        padding: str = "same",
        dilation_rate: int = 1,
        offset_groups: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if padding not in PADDINGS:
            raise InputError(f"padding={padding!r} of a deformable convolution; expected one of {', '.join(PADDINGS)}")
        self.filters = filters
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.strides, self.padding, self.dilation_rate = strides, padding, dilation_rate
        self.offset_groups, self.use_bias = offset_groups, use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel_size[0] * self.kernel_size[1]

    def build(self, input_shape) -> None:
        (*_, channels), (*_, shifts) = input_shape
        if channels % self.offset_groups:
            raise InputError(f"{channels} channels do not divide into offset_groups={self.offset_groups} equal parts")
        expected = 2 * self.offset_groups * self.taps
        if shifts != expected:
            raise InputError(f"{self.name} got {shifts} channels of shifts; {self.taps} taps need {expected}")
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.filters), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight((self.filters,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, inputs):
        x, offsets = inputs
        samples = self._sample(x, *self._positions(x, offsets))
        groups, taps, channels = self.offset_groups, self.taps, x.shape[-1]
        kernel = ops.reshape(self.kernel, (taps, groups, channels // groups, self.filters))
        kernel = ops.reshape(ops.transpose(kernel, (1, 0, 2, 3)), (taps * channels, self.filters))
        _, rows, columns, _ = ops.shape(offsets)
        y = ops.matmul(ops.reshape(samples, (-1, rows, columns, taps * channels)), kernel)
        return y if self.bias is None else ops.add(y, self.bias)

    def _positions(self, x, offsets):
        """The places where taps fall: rows and columns of the picture in pixels, each N×h·w×groups×taps, float32.

        Windows are counted in one axis, because TFLite slices no more than five.
        """
        _, rows, columns, _ = ops.shape(offsets)
        shifts = ops.reshape(ops.cast(offsets, "float32"), (-1, rows * columns, self.offset_groups, self.taps, 2))
        y = ops.repeat(self._windows(rows, ops.shape(x)[1], self.kernel_size[0]), self.kernel_size[1], axis=1)
        x = ops.tile(self._windows(columns, ops.shape(x)[2], self.kernel_size[1]), (1, self.kernel_size[0]))
        y, x = y[:, None] + ops.zeros_like(x)[None], x[None] + ops.zeros_like(y)[:, None]  # h×w×taps
        y, x = (ops.reshape(places, (1, -1, 1, self.taps)) for places in (y, x))
        return y + shifts[..., 0], x + shifts[..., 1]

    def _windows(self, count, size, kernel: int):
        """Along one axis: the place of every tap of every window, before any shift."""
        span = (kernel - 1) * self.dilation_rate + 1
        first = 0
        if self.padding == "same":
            first = ops.maximum((count - 1) * self.strides + span - size, 0) // 2
        starts = ops.arange(count) * self.strides - first
        places = starts[:, None] + ops.arange(kernel)[None, :] * self.dilation_rate
        return ops.cast(places, "float32")

    def _sample(self, x, rows, columns):
        """Bilinear interpolation of x at the given positions → N×h·w×groups×taps×C/groups."""
        count, height, width, channels = ops.shape(x)
        groups = self.offset_groups
        pixels = ops.reshape(x, (-1, channels // groups))  # a row for every image, pixel and group
        image = ops.reshape(ops.arange(count), (-1, 1, 1, 1))
        group = ops.reshape(ops.arange(groups), (1, 1, -1, 1))
        bottom, right = (ops.cast(side - 1, "float32") for side in (height, width))
        top, left = ops.floor(rows), ops.floor(columns)
        total = 0.0
        for down, across in itertools.product((0.0, 1.0), repeat=2):
            row, column = top + down, left + across
            weight = (1 - ops.abs(rows - row)) * (1 - ops.abs(columns - column))
            near_row, near_column = ops.clip(row, 0.0, bottom), ops.clip(column, 0.0, right)
            inside = ops.logical_and(ops.equal(row, near_row), ops.equal(column, near_column))
            weight = ops.cast(ops.where(inside, weight, 0.0), x.dtype)
            index = (image * height + ops.cast(near_row, "int32")) * width + ops.cast(near_column, "int32")
            total += ops.take(pixels, index * groups + group, axis=0) * weight[..., None]
        return total

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """As an ordinary convolution: interpolating its inputs counts nothing, as resizing does."""
        return math.prod(output_shape) * self.taps * input_shapes[0][-1]

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """Where the shifts are zero, and what the shifts depend on."""
        window = {"strides": (self.strides,) * 2, "dilations": (self.dilation_rate,) * 2, "padding": self.padding}
        still = windowed(fields[0], input_shapes[0], output_shape, self.kernel_size, **window)
        return united([still, fields[1]])

    def compute_output_spec(self, inputs):
        _, offsets = inputs
        return keras.KerasTensor((*offsets.shape[:-1], self.filters), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "offset_groups": self.offset_groups,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
