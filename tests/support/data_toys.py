"""Samples and augmentations that tests of data share."""

from __future__ import annotations

import numpy as np

from zoo.data import Augment, Sample

ALL = Augment(
    flip_vertical=0.5,
    scale=(0.5, 2.0),
    rotate=40,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=20,
    blur=0.5,
    noise=8,
)
PLAIN = Augment(flip=0, scale=(1, 1), brightness=0, contrast=0, saturation=0)


def two_halves(height: int = 60, width: int = 80) -> Sample:
    """A mask with a slanting edge, and an image which shows it: 200 where the mask is 1."""
    y, x = np.indices((height, width))
    target = (x + 0.4 * y > width / 2).astype(np.uint8)
    return Sample(np.repeat((target * 200)[..., None], 3, -1), target, "halves")
