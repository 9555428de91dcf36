"""Averages over the whole image or over the cells of a coarse grid on it: context, for any size of map."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, summed_up


@keras.saving.register_keras_serializable(package="densezoo", name="GridAverage")  # as files of 0.1 have it
class AdaptiveAveragePooling2D(keras.layers.Layer):
    """The average over each cell of a bins×bins grid: N×H×W×C → N×bins×bins×C, any H×W.

    Cell i of an axis spans the positions from ⌊i·H/bins⌋ to ⌈(i + 1)·H/bins⌉, as in PyTorch's adaptive pooling: neighbours
    share a position where the size does not divide. With one bin this is global average pooling. Rows are averaged before
    columns, so that no sum runs over more than one side of a cell: in float16, in which phones' GPUs compute, the sum over
    a whole map may overflow. Made of slices, means and concatenations, which the GPU accelerator takes.

    Args:
        bins: cells along each axis.

    Raises:
        InputError: for fewer than one bin.
    """

    quantization, carries = "rounds", 1

    def __init__(self, bins: int = 1, **kwargs) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise InputError(f"bins={bins} of a grid of averages; expected 1 or more")
        self.bins = bins

    def call(self, x):
        if self.bins == 1:
            return ops.mean(ops.mean(x, axis=1, keepdims=True), axis=2, keepdims=True)
        rows = [ops.mean(x[:, low:high], axis=1, keepdims=True) for low, high in self._cells(ops.shape(x)[1])]
        x = ops.concatenate(rows, axis=1)
        columns = [ops.mean(x[:, :, low:high], axis=2, keepdims=True) for low, high in self._cells(ops.shape(x)[2])]
        return ops.concatenate(columns, axis=2)

    def _cells(self, size) -> list[tuple]:
        return [(i * size // self.bins, -(-(i + 1) * size // self.bins)) for i in range(self.bins)]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: averages do not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The whole map's."""
        return summed_up(fields[0])

    def compute_output_spec(self, x):
        return keras.KerasTensor((x.shape[0], self.bins, self.bins, x.shape[3]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "bins": self.bins}
