"""Place maps: two channels that tell each position where it is, for networks that are asked where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class PlaceMaps(keras.layers.Layer):
    """Appends a position's row and column, −1 at the first and 1 at the last: N×H×W×C → N×H×W×(C+2), of known sides.

    Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution", 2018.
    """

    quantization, carries = "rounds", 0

    def build(self, input_shape: Shape) -> None:
        """Refuses maps of open size.

        Raises:
            InputError: saying the shape.
        """
        if None in input_shape[1:3]:
            raise InputError(f"{self.name}: a map {input_shape[1:]}; places are told on maps of known sides: fix the input's")
        self.built = True

    def call(self, maps: Any) -> Any:
        height, width = maps.shape[1:3]
        rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
        places = ops.convert_to_tensor(np.stack([rows, columns], axis=-1)[None], dtype=self.compute_dtype)
        # Whatever the maps hold, an item each: nothing of them is left but how many they are.
        return ops.concatenate([maps, ops.zeros_like(maps[..., :2]) + places], axis=-1)

    def compute_output_spec(self, maps: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*maps.shape[:-1], maps.shape[-1] + 2), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it appends."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The maps'."""
        return united(fields)
