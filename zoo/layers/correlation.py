"""Correlation: how alike two maps are at every displacement up to a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united, windowed


@keras.saving.register_keras_serializable(package="densezoo")
class Correlation(keras.layers.Layer):
    """The mean over the channels of a map times another one displaced: two N×H×W×C → N×H×W×n², n = 2·⌊displacement/stride⌋+1.

    Channel i·n + j compares a position of the first map with the one `(i − n//2)·stride` rows below and `(j − n//2)·stride`
    columns to the right of it in the second, beyond whose edges lie zeros: FlowNetC's layer with patches of one position
    (Dosovitskiy et al., "FlowNet", 2015, equation 1, over the number of channels as their code has it), in its order of
    channels.

    Written with padding, slices, products and means, each of which a TFLite file has as one operation and LiteRT's GPU
    accelerator computes rightly; a gather, or a product of whole rows of matrices, is not whole there.

    Args:
        displacement: the farthest, in positions along each axis, 1 or more.
        stride: between displacements, 1 or more.

    Raises:
        zoo.errors.InputError: for another displacement or stride, or maps of different channels.
    """

    quantization, carries = "rounds", 0

    def __init__(self, displacement: int, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if displacement < 1 or not 1 <= stride <= displacement:
            raise InputError(
                f"Correlation(displacement={displacement}, stride={stride}): a displacement of 1 or more positions, and a "
                "stride from 1 to it"
            )
        self.displacement, self.stride = int(displacement), int(stride)

    @property
    def positions(self) -> int:
        """The number of displacements along an axis."""
        return 2 * (self.displacement // self.stride) + 1

    def call(self, inputs: Sequence[Any]) -> Any:
        first, second = inputs
        reach = self.displacement // self.stride * self.stride
        height, width = ops.shape(first)[1], ops.shape(first)[2]
        padded = ops.pad(second, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        rows = []
        for top in self._offsets():
            # A row of displacements at a time: joining all of them at once is more than some converters take.
            windows = (padded[:, top : top + height, left : left + width, :] for left in self._offsets())
            means = [ops.mean(ops.multiply(first, window), axis=-1, keepdims=True) for window in windows]
            rows.append(ops.concatenate(means, axis=-1))
        return ops.concatenate(rows, axis=-1)

    def _offsets(self) -> Iterator[int]:
        """Where the windows begin in the padded map."""
        return iter(range(0, self.positions * self.stride, self.stride))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """A product a channel and displacement at every position."""
        return math.prod(output_shape[1:]) * input_shapes[0][-1]

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The first map's position and the window of displacements in the second."""
        window, steps = (self.positions,) * 2, (self.stride,) * 2
        return united([fields[0], windowed(fields[1], input_shapes[1], output_shape, window, (1, 1), steps, "same")])

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        first, second = inputs
        if first.shape[-1] != second.shape[-1]:
            raise InputError(f"{self.name}: maps of {first.shape[-1]} and {second.shape[-1]} channels; they must be as many")
        return keras.KerasTensor((*first.shape[:3], self.positions**2), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "displacement": self.displacement, "stride": self.stride}
