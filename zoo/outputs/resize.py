"""Resizing of arrays, bilinearly and to the nearest, with half-pixel centres; NumPy only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

STRIP = 64  # rows resized at a time: scores of 21 classes for a 12-megapixel picture would be 1 GB at once


def bilinear(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """N×h×w×C at size (H, W), float32."""
    if values.shape[1:3] == tuple(size):
        return values
    return np.stack([resize_rows(one, size, 0, size[0]) for one in values])


def strips(values: np.ndarray, size: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray]]:
    """h×w×C resized bilinearly to size (H, W), some rows at a time: which, and their values."""
    for start in range(0, size[0], STRIP):
        stop = min(start + STRIP, size[0])
        yield slice(start, stop), resize_rows(values, size, start, stop)


def nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """h×w (×C) at size (H, W), each pixel the nearest one's."""
    rows, columns = (
        np.minimum(((np.arange(out) + 0.5) * side / out).astype(int), side - 1)
        for out, side in zip(size, values.shape[:2], strict=True)
    )
    return values[rows[:, None], columns[None, :]]


def resize_rows(values: np.ndarray, size: tuple[int, int], start: int, stop: int) -> np.ndarray:
    """Rows start:stop of `values` h×w×C resized to `size`, bilinear, float32."""
    values = values.astype(np.float32, copy=False)
    if values.shape[:2] == tuple(size):
        return values[start:stop]
    above, below, weight = taps(values.shape[0], size[0])
    rows = slice(start, stop)
    part = weight[rows, None, None]
    tall = values[above[rows]] * (1 - part) + values[below[rows]] * part
    left, right, weight = taps(values.shape[1], size[1])
    return tall[:, left] * (1 - weight[None, :, None]) + tall[:, right] * weight[None, :, None]


def taps(side: int, out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(index before, index after, weight of the one after) for each output pixel; edges are repeated."""
    centre = np.clip((np.arange(out) + 0.5) * side / out - 0.5, 0, side - 1)
    before = np.floor(centre).astype(int)
    return before, np.minimum(before + 1, side - 1), (centre - before).astype(np.float32)
