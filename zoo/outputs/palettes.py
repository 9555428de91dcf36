"""Colours for class indices, and masks drawn in them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError

# The colours of CamVid's own label images, for the 11 classes of the SegNet split, in its order.
CAMVID = (
    (128, 128, 128),  # sky
    (128, 0, 0),  # building
    (192, 192, 128),  # pole
    (128, 64, 128),  # road
    (0, 0, 192),  # pavement
    (128, 128, 0),  # tree
    (192, 128, 128),  # sign or symbol
    (64, 64, 128),  # fence
    (64, 0, 128),  # car
    (64, 64, 0),  # pedestrian
    (0, 128, 192),  # bicyclist
)


@functools.cache  # asked for by every spec, for every label
def voc_palette(count: int = 256) -> tuple[tuple[int, int, int], ...]:
    """The first `count` (1–256) colours of PASCAL VOC's colour map, RGB 0–255.

    An index's bits are dealt in threes to red, green and blue, each channel filled from its highest bit down.
    """
    if not 1 <= count <= 256:
        raise InputError(f"voc_palette({count}): the colour map has 256 colours; ask for 1 to 256")
    return tuple(_voc_colour(index) for index in range(count))


def _voc_colour(index: int) -> tuple[int, int, int]:
    channels = [0, 0, 0]
    for bit in range(8):
        place, channel = 7 - bit // 3, bit % 3
        channels[channel] |= (index >> bit & 1) << place
    return channels[0], channels[1], channels[2]


def colourise(mask: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """A class map (integers, H×W) as uint8 H×W×3 RGB. What the palette has no colour for, the ignore value too, is
    black.
    """
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = np.asarray(palette, np.uint8)[:256]
    mask = np.asarray(mask)
    if mask.ndim != 2 or not np.issubdtype(mask.dtype, np.integer):
        raise InputError(f"colourise takes a class map of integers, H×W; this is {mask.dtype} of shape {mask.shape}")
    return table[np.where((mask < 0) | (mask > 255), 255 if len(palette) < 256 else 0, mask)]
