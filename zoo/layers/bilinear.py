"""The bilinear start of a transposed convolution (Long 2015, section 3.3)."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="densezoo", name="Bilinear")  # as files of 0.1 have it
class BilinearInitializer(keras.initializers.Initializer):
    """Initialises a transposed convolution's kernel (k, k, C, C) to bilinear interpolation of each channel by itself.

    With stride s and k = 2s (or 2s − s % 2, the paper's) the layer then upsamples exactly as bilinear interpolation does
    away from the borders.

    Raises:
        ValueError: if the kernel does not map C channels to the same C channels.
    """

    def __call__(self, shape, dtype=None):
        height, width, outputs, inputs = shape
        if outputs != inputs:
            raise ValueError(f"bilinear upsampling maps channels to themselves, not {inputs} to {outputs}")
        kernel = np.zeros(shape, "float32")
        kernel[:, :, range(inputs), range(inputs)] = np.outer(_triangle(height), _triangle(width))[:, :, None]
        return ops.convert_to_tensor(kernel, dtype=dtype)

    def get_config(self) -> dict:
        return {}


def _triangle(size: int) -> np.ndarray:
    """The one-dimensional interpolation kernel of `size` taps, peak at its centre."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - np.abs(np.arange(size) - centre) / factor
