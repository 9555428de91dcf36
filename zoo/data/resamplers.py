"""Resamplers by name: a small picture of a large one, as the programs make it in which papers were written.

They differ by tenths of a decibel in what a network is then scored by, or by whole ones where one does not smooth before it
shrinks; so low-resolution pictures name theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Resampler = Callable[[np.ndarray, tuple[int, int]], np.ndarray]


def pillow(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pillow's BICUBIC: Keys' kernel with a = −0.5, over all the pixels that one of the small picture covers."""
    from PIL import Image

    return np.array(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))


def opencv(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """OpenCV's INTER_CUBIC: a = −0.75, over four pixels along a side however much is left out, without smoothing.

    Raises:
        ImportError: without OpenCV.
    """
    import cv2

    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_CUBIC)


def matlab(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """MATLAB's imresize, bicubic: a = −0.5, smoothed where it shrinks, the picture mirrored beyond its edges.

    Each axis in turn, the one that shrinks more first; weights in float64, and 8 bits again after each axis, as there.
    """
    result = picture
    for axis in sorted((0, 1), key=lambda axis: size[axis] / picture.shape[axis]):
        result = _along(result, axis, size[axis])
    return result


RESAMPLERS: Mapping[str, Resampler] = {"pillow": pillow, "matlab": matlab, "opencv": opencv}


def _along(values: np.ndarray, axis: int, count: int) -> np.ndarray:
    """One axis resampled to so many positions."""
    length = values.shape[axis]
    factor = count / length
    stretch = min(factor, 1.0)  # a kernel as much wider as the picture shrinks
    places = (np.arange(count) + 0.5) / factor - 0.5
    taps = int(np.ceil(4 / stretch)) + 2
    first = np.floor(places - 2 / stretch).astype(int)
    sources = first[:, None] + np.arange(taps)
    weights = stretch * _cubic(stretch * (places[:, None] - sources))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.mod(sources, 2 * length)
    mirrored = np.where(mirrored < length, mirrored, 2 * length - 1 - mirrored)
    moved = np.moveaxis(values, axis, 0).astype(np.float64)
    result = np.einsum("nt,nt...->n...", weights, moved[mirrored], optimize=False)
    return np.moveaxis(np.clip(np.floor(result + 0.5), 0, 255).astype(np.uint8), 0, axis)


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = −0.5."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
