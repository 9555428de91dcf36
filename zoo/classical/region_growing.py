"""Region growing: from a seed outwards, as long as the next pixel looks like the seed.

R. Adams and L. Bischof, "Seeded Region Growing", IEEE Trans. Pattern Analysis and Machine Intelligence 16(6), 1994.

It assumes that a region is connected and of one colour, and that edges are steeper than the shading inside. Different
from the paper, where a person sets the seeds and all regions grow at once: seeds are the flattest pixels that
no region has reached yet, one region grows after the other (OpenCV's flood fill, every channel within `tolerance` of the
seed's), and what stays smaller than `least` is dissolved: its pixels go to the regions around them in the paper's
manner, the likest first (scikit-image's watershed of the gradient).
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import lab
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper("Seeded Region Growing", "Adams, Bischof", 1994, "https://doi.org/10.1109/34.295913")


@method(
    paper=PAPER,
    parameters={
        "tolerance": "greatest difference from the seed in each channel of CIELAB, whose L is 0–100",
        "least": "smallest region, as a share of the picture's area, 0.004–1",
        "smooth": "standard deviation of the Gaussian blur beforehand, pixels; 0: none",
    },
)
def region_growing(
    image: np.ndarray, *, tolerance: float = 10.0, least: float = 0.005, smooth: float = 1.0
) -> np.ndarray:
    """The region that reached each pixel."""
    import cv2

    within("tolerance", tolerance, 0, None)
    within("least", least, 0.004, 1)
    within("smooth", smooth, 0, None)
    colours = lab(image)
    if smooth:
        colours = cv2.GaussianBlur(colours, (0, 0), smooth)
    steps = [cv2.Sobel(colours, cv2.CV_32F, *order) for order in ((1, 0), (0, 1))]
    gradient = np.sqrt(sum(step**2 for step in steps).sum(axis=2))
    return dissolve(grow(colours, gradient, tolerance), gradient, least * gradient.size)


def grow(colours: np.ndarray, gradient: np.ndarray, tolerance: float) -> np.ndarray:
    """Every pixel's region, numbered from 0 in the order in which they were begun."""
    import cv2

    height, width = gradient.shape
    regions = np.full((height, width), -1, np.int32)
    mask = np.zeros((height + 2, width + 2), np.uint8)  # of flood fill: a frame, and what is taken already
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | 2 << 8  # it writes 2
    count = 0
    for seed in np.argsort(gradient, axis=None, kind="stable").tolist():
        row, column = divmod(seed, width)
        if regions[row, column] >= 0:
            continue
        _, _, _, (x, y, w, h) = cv2.floodFill(
            colours, mask, (column, row), 0, (tolerance,) * 3, (tolerance,) * 3, flags
        )
        reached = mask[y + 1 : y + h + 1, x + 1 : x + w + 1]
        new = reached == 2
        regions[y : y + h, x : x + w][new] = count
        reached[new] = 1
        count += 1
    return regions


def dissolve(regions: np.ndarray, gradient: np.ndarray, pixels: float) -> np.ndarray:
    """The regions of at least so many pixels (or else the largest), grown over the others."""
    from skimage.segmentation import watershed

    sizes = np.bincount(regions.ravel())
    large = sizes >= min(pixels, sizes.max())
    markers = np.where(large, np.arange(1, len(sizes) + 1), 0)[regions]
    return watershed(gradient, markers) - 1
