"""Local connections: a convolution whose kernel is another one at every position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, windowed


@keras.saving.register_keras_serializable(package="densezoo")
class LocallyConnected2D(keras.layers.Layer):
    """Each position's window times a kernel of the position's own: N×H×W×C → N×H×W×filters, zeros around the map.

    YOLO's released network ends in one (Darknet's `local`); Keras had such a layer before version 3. The map's size is known
    when the layer is built. Written as one product with a matrix for every position.

    Args:
        filters: channels of the output.
        kernel_size: side of the window, odd.

    Raises:
        zoo.errors.InputError: for an even window, or a map of unknown sides.
    """

    quantization, carries = "rounds", 0

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if filters < 1 or kernel_size % 2 != 1:
            raise InputError(f"LocallyConnected2D(filters={filters}, kernel_size={kernel_size}): expected 1 or more, and odd")
        self.filters, self.kernel_size = int(filters), int(kernel_size)

    def build(self, input_shape: Shape) -> None:
        _, height, width, channels = input_shape
        if None in (height, width):
            raise InputError(f"{self.name}: a map of {input_shape}; kernels a position need its sides, give input_shape=")
        inputs = self.kernel_size**2 * channels
        start = keras.initializers.VarianceScaling(1.0, "fan_in")
        self.kernel = self.add_weight((height * width, inputs, self.filters), initializer=_ByPosition(start), name="kernel")
        self.bias = self.add_weight((height * width, self.filters), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        _, height, width, channels = x.shape
        side, margin = self.kernel_size, self.kernel_size // 2
        padded = ops.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        windows = [padded[:, i : i + height, j : j + width, :] for i in range(side) for j in range(side)]
        rows = ops.reshape(ops.concatenate(windows, axis=-1), (-1, height * width, side * side * channels))
        y = ops.transpose(ops.matmul(ops.transpose(rows, (1, 0, 2)), self.kernel), (1, 0, 2))
        return ops.reshape(y + self.bias, (-1, height, width, self.filters))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """As of a convolution, whose kernel is no more used for being shared."""
        return math.prod(output_shape[1:]) * self.kernel_size**2 * input_shapes[0][-1]

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The window's."""
        window = (self.kernel_size,) * 2
        return windowed(fields[0], input_shapes[0], output_shape, window, (1, 1), padding="same")

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:3], self.filters), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size}


class _ByPosition(keras.initializers.Initializer):
    """A start for P×inputs×filters as of P matrices, where Keras would take the positions for a window."""

    def __init__(self, matrix: keras.initializers.Initializer) -> None:
        self.matrix = matrix

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        positions, inputs, filters = shape
        wide = self.matrix((inputs, positions * filters), dtype=dtype)  # its inputs are what one output adds up
        return ops.transpose(ops.reshape(wide, (inputs, positions, filters)), (1, 0, 2))
