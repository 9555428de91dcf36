"""Local response normalisation, as in Krizhevsky 2012, section 3.3."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.layers.field import Field, Shape, united


@keras.saving.register_keras_serializable(package="densezoo")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by (k + α/n · Σ squares over n neighbouring channels)^β. N×H×W×C → the same shape.

    Defaults and the division of α by n are Caffe's, which trained the reference AlexNet (the paper writes α for α/n).
    The sum over neighbours is a 1×1 convolution of the squares with a band of ones: one operation that every runtime has.

    Args:
        size: number n of neighbouring channels, odd.
        alpha, beta, k: the constants of the formula.
    """

    quantization, carries = "rounds", 0

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        channels = np.arange(x.shape[-1])
        band = np.abs(channels[:, None] - channels[None, :]) <= self.size // 2
        neighbours = ops.conv(ops.square(x), ops.cast(band[None, None], x.dtype))
        return x * ops.power(self.k + (self.alpha / self.size) * neighbours, -self.beta)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: normalisation does not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The input's: neighbours are channels."""
        return united(fields)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
