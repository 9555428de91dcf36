"""Names for regions, which have none: classes that can be held against a truth. Two ways:

Figure and ground (data of two classes, the second of them the figure). The truth is not looked at. A method that says itself
which region is the figure (GrabCut) is taken at its word; otherwise a region is ground if its share of the picture's border is
at least its share of the picture's area, and the rest is figure: what is photographed is mostly put inside the frame, and what
is behind it runs out of it. That is the boundary prior of saliency (Wei, Wen, Zhu, Sun, "Geodesic Saliency Using Background
Priors", ECCV 2012); of two regions it always names one figure and one ground.

Majority (data of more classes). Every region takes the class that most of its scored pixels have *in the truth*. No method
could do better with these regions, so the scores are an upper bound (the "achievable segmentation accuracy" of Liu,
Tuzel, Ramalingam, Chellappa, "Entropy Rate Superpixel Segmentation", CVPR 2011) and they rise with the number of regions, which
is therefore stated with them. They cannot be set beside a network's scores, only beside those of another method with
about as many regions.
"""

from __future__ import annotations

import numpy as np


def ground_of(regions: np.ndarray) -> np.ndarray:
    """For each number 0..n-1 that an H×W map of regions may hold, whether that region is ground."""
    count = int(regions.max()) + 1
    border = np.concatenate([regions[0], regions[-1], regions[1:-1, 0], regions[1:-1, -1]])
    area = np.bincount(regions.ravel(), minlength=count)
    on_border = np.bincount(border, minlength=count)
    ground = on_border * regions.size >= area * border.size
    if ground.all():  # one region; or every one has on the border what it has of the area: the largest is ground
        ground = np.arange(count) == area.argmax()
    return ground


def figure_of(regions: np.ndarray) -> np.ndarray:
    """Integers H×W, one a region → uint8 H×W: 1 where a region is no ground."""
    _, numbered = np.unique(regions, return_inverse=True)
    numbered = numbered.reshape(regions.shape)
    return (~ground_of(numbered))[numbered].astype(np.uint8)


def ground_first(regions: np.ndarray) -> np.ndarray:
    """The regions numbered anew from 0, without gaps: those of the ground first, larger before smaller."""
    _, numbered = np.unique(regions, return_inverse=True)
    numbered = numbered.reshape(regions.shape)
    order = np.lexsort((-np.bincount(numbered.ravel()), ~ground_of(numbered)))
    return np.argsort(order)[numbered]


def majority(regions: np.ndarray, target: np.ndarray, classes: int, ignore: int | None) -> np.ndarray:
    """Each region's class in the truth, by most pixels: regions and target H×W → classes H×W.

    Ignored pixels have no say; a region of nothing else is called class 0, which no score counts.
    """
    target = np.asarray(target, np.int64)
    valid = np.ones(target.shape, bool) if ignore is None else target != ignore
    count = int(regions.max()) + 1
    votes = np.bincount(regions[valid].astype(np.int64) * classes + target[valid], minlength=count * classes)
    return votes.reshape(count, classes).argmax(axis=1)[regions]
