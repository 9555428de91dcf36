"""Tiles: a large picture's output put together from those of overlapping parts, each at a multiple of 32 pixels.

In an overlap, the outer quarter of a tile is not used and the middle half fades linearly into the neighbour, so that there are
no seams; with an overlap of four times what a network sees to either side of a pixel, the output is that of the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from zoo.errors import InputError

GRID = 32  # pixels; tiles start at multiples of it


def tiled(
    run: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    tile: tuple[int, int],
    overlap: int,
    exact: bool = False,
    scale: int = 1,
) -> np.ndarray:
    """The output of `run` for images, put together from its outputs for their tiles.

    Args:
        run: from N×h×w×C to N×sh×sw×D, with s the scale.
        images: N×H×W×C.
        tile: (h, w) in pixels.
        overlap: pixels that neighbouring tiles share at least.
        exact: every tile has exactly that size; the last of a row or column then need not start at a multiple of 32.
        scale: pixels of the output per pixel of the images along a side.

    Raises:
        InputError: with `exact`, if the images are smaller than a tile.
    """
    spans = [list(_spans(*sides, overlap, exact)) for sides in zip(images.shape[1:3], tile, strict=True)]
    total: np.ndarray | None = None
    for top, bottom, rows in spans[0]:
        for left, right, columns in spans[1]:
            output = run(images[:, top:bottom, left:right])
            if total is None:
                height, width = (scale * side for side in images.shape[1:3])
                total = np.zeros((len(images), height, width, output.shape[-1]), np.float32)
            weights = rows.repeat(scale)[:, None] * columns.repeat(scale)
            place = total[:, scale * top : scale * bottom, scale * left : scale * right]
            place += output * weights[..., None]
    return total


def _spans(pixels: int, tile: int, overlap: int, exact: bool) -> Iterator[tuple[int, int, np.ndarray]]:
    """Along one axis: where each tile begins and ends, and the weight of its pixels; the weights of all add up to 1."""
    if exact and pixels < tile:
        raise InputError(f"a side of {pixels} pixels is smaller than the tile of {tile} that the network was built for")
    step = (tile - overlap) // GRID * GRID
    last = max(0, pixels - tile)
    last -= 0 if exact else last % GRID
    starts = [*range(0, last, step), last]
    ends = [*(start + tile for start in starts[:-1]), pixels]
    weights = []
    for start, end in zip(starts, ends, strict=True):
        inner = np.arange(end - start) + 0.5
        rise = _fade(inner, overlap) if start > 0 else np.ones(end - start)
        fall = _fade(inner[::-1], overlap) if end < pixels else np.ones(end - start)
        weights.append(np.minimum(rise, fall))
    total = np.zeros(pixels)
    for start, end, weight in zip(starts, ends, weights, strict=True):
        total[start:end] += weight
    for start, end, weight in zip(starts, ends, weights, strict=True):
        yield start, end, (weight / total[start:end]).astype(np.float32)


def _fade(depth: np.ndarray, overlap: int) -> np.ndarray:
    """Weight of pixels that lie so deep inside a tile: 0 up to a quarter of the overlap, 1 from three quarters on."""
    return np.clip((depth - overlap / 4) / max(overlap / 2, 1e-9), 0, 1)
