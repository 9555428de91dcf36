"""Unrolling: a convolution written out as the matrix that it is, one row for each value of its answer."""

from __future__ import annotations

import numpy as np


def answer_size(size: tuple[int, int], window: tuple[int, int], stride: int = 1, pad: int = 0) -> tuple[int, int]:
    """Rows and columns of a convolution's answer: (side + 2·pad − window) // stride + 1."""
    return tuple((side + 2 * pad - reach) // stride + 1 for side, reach in zip(size, window, strict=True))


def convolution_matrix(kernel: np.ndarray, size: tuple[int, int], stride: int = 1, pad: int = 0) -> np.ndarray:
    """The matrix W for which W · image.ravel() is the convolution's answer, flattened.

    Args:
        kernel: window rows × window columns × channels × filters, as Keras holds it.
        size: rows and columns of the image.
        stride: positions from one window to the next, both ways.
        pad: rings of zeros around the image; their columns are left out of the matrix, as nothing but zeros meets them.

    Returns:
        (answer rows · answer columns · filters) × (rows · columns · channels), in the kernel's precision.
    """
    tall, wide, channels, filters = kernel.shape
    rows, columns = answer_size(size, (tall, wide), stride, pad)
    height, width = size
    matrix = np.zeros((rows, columns, filters, height + 2 * pad, width + 2 * pad, channels), kernel.dtype)
    weights = np.moveaxis(kernel, 3, 0)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            matrix[row, column, :, top : top + tall, left : left + wide] = weights
    inside = matrix[:, :, :, pad : pad + height, pad : pad + width]
    return inside.reshape(rows * columns * filters, height * width * channels)
