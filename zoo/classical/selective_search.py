"""Selective search: regions of a fine segmentation join their likest neighbour until one is left; each stage is a proposal.

J. Uijlings, K. van de Sande, T. Gevers and A. Smeulders, "Selective Search for Object Recognition", International Journal of
Computer Vision 104(2), 2013; its first regions are those of P. Felzenszwalb and D. Huttenlocher, "Efficient Graph-Based Image
Segmentation", IJCV 59(2), 2004.

It assumes that a thing is made of regions that are alike in some way (colour, texture) or that fill each other's gaps. Which
way nobody can know beforehand, so the same is done over and over: from other first regions, in other colour spaces, by other
sums of four likenesses of two regions, each 0 to 1:

    colour   histograms of 25 bins a channel, what both have in common
    texture  likewise, of the slopes in eight directions, ten bins a direction and channel
    size     1 less their share of the picture: small regions join first
    fill     1 less the share of the picture that the box around both has beyond them

Faithful: those four, and the paper's three sets of strategies; "single": HSV, k = 100, all four; "fast": HSV and CIELAB, k = 50
and 100, all four and all but colour, eight ways; "quality": also normalised red and green with intensity, hue alone and
intensity alone, k = 150 and 300 too, and fill alone and size alone, eighty ways. A proposal's rank is its place from the top of
its own hierarchy times a number drawn between 0 and 1, so that early ones are of all hierarchies; equal boxes count once.
Different: first regions are scikit-image's; slopes are half-waves of the Gaussian's derivatives along the axes and diagonals,
binned between 0 and a twentieth of the channel's range; the longer side is at most `side` pixels, the paper's width 500.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from zoo.classical.colours import lab
from zoo.classical.method import method, within
from zoo.classical.proposals import TASK, Proposer
from zoo.errors import unknown
from zoo.paper import Paper

PAPER = Paper("Selective Search for Object Recognition", "Uijlings et al.", 2013, "https://doi.org/10.1007/s11263-013-0620-5")
COLOUR_BINS, TEXTURE_BINS, DIRECTIONS = 25, 10, 8
STEEPEST = 0.05  # slope a pixel, as a share of a channel's range, from which on all are alike
SMOOTH = 0.8  # standard deviation of the blur before the first regions, pixels
ALL = ("colour", "texture", "size", "fill")
STRATEGIES: dict[str, tuple[tuple[str, ...], tuple[int, ...], tuple[tuple[str, ...], ...]]] = {
    # colour spaces, k of the first regions, sums of likenesses
    "single": (("hsv",), (100,), (ALL,)),
    "fast": (("hsv", "lab"), (50, 100), (ALL, ALL[1:])),
    "quality": (("hsv", "lab", "rgi", "hue", "grey"), (50, 100, 150, 300), (ALL, ALL[1:], ("fill",), ("size",))),
}


def _hsv(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL) / np.float32(255)


def _lab(image: np.ndarray) -> np.ndarray:
    return lab(image) / np.float32([100, 255, 255]) + np.float32([0, 0.5, 0.5])


def _rgi(image: np.ndarray) -> np.ndarray:
    colours = image.astype(np.float32)
    total = colours.sum(axis=2, keepdims=True)
    return np.concatenate([colours[..., :2] / np.maximum(total, 1), total / (3 * 255)], axis=2)


SPACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # uint8 RGB → float32 h×w×c in 0–1
    "hsv": _hsv,
    "lab": _lab,
    "rgi": _rgi,
    "hue": lambda image: _hsv(image)[..., :1],
    "grey": lambda image: image.mean(axis=2, dtype=np.float32, keepdims=True) / np.float32(255),
}


@method(
    paper=PAPER,
    parameters={
        "strategies": "single, fast or quality: the paper's 1, 8 or 80 ways of grouping",
        "most": "how many proposals at most, the first; 0: all",
        "least": "smallest height and width of a proposal, pixels of the shrunk picture",
        "seed": "of the ranks that are drawn, a whole number of 0 or more",
    },
    task=TASK,
    runner=Proposer,
)
def selective_search(
    image: np.ndarray, *, strategies: str = "fast", most: int = 0, least: int = 4, seed: int = 0
) -> np.ndarray:
    """The boxes around the regions of all hierarchies, float32 n×4, in the order of their ranks."""
    if strategies not in STRATEGIES:
        raise unknown("strategies", strategies, STRATEGIES)
    within("most", most, 0, None)
    within("least", least, 1, None)
    within("seed", seed, 0, 2**31 - 1)
    random = np.random.default_rng(seed)
    boxes, ranks = [], []
    for hierarchy in _hierarchies(image, strategies):
        boxes.append(hierarchy)
        ranks.append(np.arange(len(hierarchy), 0, -1) * random.random(len(hierarchy)))
    boxes = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2] >= least).all(axis=1)]
    _, first = np.unique(boxes, axis=0, return_index=True)
    boxes = boxes[np.sort(first)]
    return (boxes[:most] if most else boxes).astype(np.float32)


def _hierarchies(image: np.ndarray, strategies: str) -> Iterator[np.ndarray]:
    """The boxes of each way of grouping, the first regions first and the whole picture last."""
    from skimage.segmentation import felzenszwalb

    spaces, scales, sums = STRATEGIES[strategies]
    for space in spaces:
        picture = SPACES[space](image)
        bins = functools.partial(_binned, colours=_colour_bins(picture), textures=_texture_bins(picture))
        for k in scales:
            first = felzenszwalb(picture, scale=k, sigma=SMOOTH, min_size=k, channel_axis=-1)
            for likenesses in sums:
                yield hierarchy(first, bins(first), likenesses)


@dataclass
class Regions:
    """Regions and what is asked of them, a row each, with room for those that they become.

    Args:
        boxes: int n×4, x0, y0, x1, y1.
        sizes: float n, pixels.
        histograms: float n×bins by likeness, each row of sum 1.
    """

    boxes: np.ndarray
    sizes: np.ndarray
    histograms: dict[str, np.ndarray]

    def likeness(self, one: int, others: np.ndarray, likenesses: tuple[str, ...], area: int) -> np.ndarray:
        """The sum of the likenesses of a region and each of the others, in a picture of that area."""
        total = np.zeros(len(others))
        for name in likenesses:
            if name in self.histograms:
                rows = self.histograms[name]
                total += np.minimum(rows[one], rows[others]).sum(axis=1)
                continue
            both = self.sizes[one] + self.sizes[others]
            if name == "fill":
                low = np.minimum(self.boxes[one, :2], self.boxes[others, :2])
                both = (np.maximum(self.boxes[one, 2:], self.boxes[others, 2:]) - low).prod(axis=1) - both
            total += 1 - both / area
        return total

    def join(self, one: int, other: int, new: int) -> None:
        """Makes row `new` of two others."""
        self.boxes[new, :2] = np.minimum(self.boxes[one, :2], self.boxes[other, :2])
        self.boxes[new, 2:] = np.maximum(self.boxes[one, 2:], self.boxes[other, 2:])
        self.sizes[new] = self.sizes[one] + self.sizes[other]
        for rows in self.histograms.values():
            rows[new] = (self.sizes[one] * rows[one] + self.sizes[other] * rows[other]) / self.sizes[new]


def hierarchy(first: np.ndarray, histograms: dict[str, np.ndarray], likenesses: tuple[str, ...]) -> np.ndarray:
    """The boxes of all regions of a grouping, int (2n − 1)×4: the n first ones, and what became of two of them at a time.

    Args:
        first: integers h×w, the first regions, numbered from 0.
        histograms: by likeness, n×bins.
        likenesses: of `ALL`, those that count.
    """
    count = int(first.max()) + 1
    regions = _grown(first, {name: rows for name, rows in histograms.items() if name in likenesses})
    around: dict[int, set[int]] = {region: set() for region in range(count)}
    for one, other in _touching(first):
        around[one].add(other)
        around[other].add(one)
    queue: list[tuple[float, int, int]] = []

    def compare(region: int, others: list[int]) -> None:
        for other, value in zip(others, regions.likeness(region, np.array(others), likenesses, first.size), strict=True):
            heapq.heappush(queue, (-float(value), region, other))

    for region, others in around.items():
        if later := sorted(other for other in others if other > region):
            compare(region, later)
    for new in range(count, 2 * count - 1):
        one = other = -1
        while one not in around or other not in around:  # a region that has joined another is there no more
            _, one, other = heapq.heappop(queue)
        regions.join(one, other, new)
        neighbours = (around.pop(one) | around.pop(other)) - {one, other}
        for neighbour in neighbours:
            around[neighbour] -= {one, other}
            around[neighbour].add(new)
        around[new] = neighbours
        if neighbours:
            compare(new, sorted(neighbours))
    return regions.boxes


def _grown(first: np.ndarray, histograms: dict[str, np.ndarray]) -> Regions:
    """The first regions' rows, and room for as many as they will become."""
    from scipy.ndimage import find_objects

    boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in find_objects(first + 1)])
    count = len(boxes)
    room = ((0, count - 1), (0, 0))
    sizes = np.pad(np.bincount(first.ravel(), minlength=count).astype(np.float64), (0, count - 1))
    return Regions(np.pad(boxes, room), sizes, {name: np.pad(rows, room) for name, rows in histograms.items()})


def _touching(first: np.ndarray) -> np.ndarray:
    """Pairs of regions that share an edge of two pixels, the smaller number first, each once: n×2."""
    across = np.stack([first[:, :-1].ravel(), first[:, 1:].ravel()], axis=1)
    down = np.stack([first[:-1].ravel(), first[1:].ravel()], axis=1)
    pairs = np.concatenate([across, down])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    return np.unique(pairs, axis=0)


def _binned(first: np.ndarray, colours: np.ndarray, textures: np.ndarray) -> dict[str, np.ndarray]:
    """Histograms of each region, by likeness; bins h×w×c, whose channels have bins of their own."""
    count, rows = int(first.max()) + 1, {}
    for name, bins in (("colour", colours), ("texture", textures)):
        width = int(bins.max()) + 1
        places = (first[..., None] * width + bins).ravel()
        table = np.bincount(places, minlength=count * width).reshape(count, width)
        rows[name] = table / table.sum(axis=1, keepdims=True)
    return rows


def _colour_bins(picture: np.ndarray) -> np.ndarray:
    """The bin of each pixel in each channel, h×w×c."""
    bins = np.minimum(picture * COLOUR_BINS, COLOUR_BINS - 1).astype(np.int64).clip(0)
    return bins + COLOUR_BINS * np.arange(picture.shape[2])


def _texture_bins(picture: np.ndarray) -> np.ndarray:
    """The bin of each pixel's slope in each direction of each channel, h×w×8c."""
    from scipy.ndimage import gaussian_filter

    right, down = (gaussian_filter(picture, (1, 1, 0), order=order) for order in ((0, 1, 0), (1, 0, 0)))
    slopes = []
    for axis in (right, down, (right + down) / np.sqrt(2), (right - down) / np.sqrt(2)):
        slopes += [np.maximum(axis, 0), np.maximum(-axis, 0)]
    slopes = np.concatenate(slopes, axis=2) / STEEPEST
    bins = np.minimum(slopes * TEXTURE_BINS, TEXTURE_BINS - 1).astype(np.int64)
    return bins + TEXTURE_BINS * np.arange(slopes.shape[2])
