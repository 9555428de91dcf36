"""Pictures in tiles of a file's own size, for networks whose answer is the picture's detail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.errors import InputError
from edge.images import prepare
from edge.tflite_file import Card
from zoo.outputs.tiles import GRID, tiled


def by_tiles(run: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, card: Card, overlap: int) -> np.ndarray:
    """The raw output of a picture of any size, sH×sW×C, put together from those of its tiles.

    What is smaller than a tile is mirrored beyond its right and lower edge, and the output is cut.

    Args:
        run: the file, from a batch as it takes it to its output.
        picture: uint8 H×W×3k.
        card: the file's, of fixed size.
        overlap: pixels that neighbouring tiles share at least.

    Raises:
        InputError: for a file of any size or one that does not answer every pixel, or an overlap that leaves a tile less than
        32 pixels of its own.
    """
    tile, scale = card.size, card.spec.scale
    if tile is None:
        raise InputError(f"{card.name} takes any size, so that overlap={overlap} has no tiles; leave it out")
    if scale is None:
        raise InputError(f"{card.name} gives one answer a picture; overlap={overlap} is for files that answer every pixel")
    if overlap < 0 or min(tile) - overlap < GRID:
        raise InputError(f"overlap={overlap}: {card.name} sees {tile[0]}×{tile[1]}, of which {GRID} must be a tile's own")
    height, width = picture.shape[:2]
    padding = [(0, max(0, want - have)) for want, have in zip(tile, (height, width), strict=True)]
    padded = np.pad(picture, (*padding, (0, 0)), mode="symmetric")
    answer = tiled(lambda part: run(prepare(part[0], card)), padded[None], tile, overlap, exact=True, scale=scale)[0]
    return answer[: scale * height, : scale * width]
