"""Scenes with made-up gaze: points around the middles of things, as if people had looked at them."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.registry import dataset
from zoo.data.targets import Fixations

POINTS = 60  # a picture
SPREAD = 1 / 25  # of the longer side: the maps' Gaussian, as wide as OSIE's
SCATTER = 1 / 6  # of a thing's sides: how far from its middle points lie


class SaliencyScenes(SceneSet):
    """Saliency: the picture, and points on its things: the more on one, the larger it is. An empty scene's lie anywhere."""

    prefix = "scenes_saliency"
    task = "saliency"
    target = Fixations

    def question(self, one: Scene) -> tuple[np.ndarray, Fixations]:
        height, width = one.size
        boxes = one.boxes[:, 1:].astype(np.float64)
        if not len(boxes):
            boxes = np.array([[0, 0, width, height]], np.float64)
        random = np.random.default_rng((5, one.seed, one.index))
        sides = boxes[:, 2:] - boxes[:, :2]
        shares = np.sqrt(sides.prod(axis=1))
        boxes = boxes[random.choice(len(boxes), POINTS, p=shares / shares.sum())]
        middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        points = random.normal(middles, SCATTER * sides)
        inside = ((points >= 0) & (points < (width, height))).all(axis=1)
        spread = SPREAD * max(height, width)
        return one.image, Fixations(points[inside], (height, width), (spread, spread))


@dataset(
    "scenes_saliency",
    spec="scenes_saliency[:…]",
    help="the same scenes, with points that might have been looked at",
    options=OPTIONS,
)
def scenes_saliency(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)
) -> SaliencyScenes:
    """Scenes that are looked at."""
    return open_scenes(SaliencyScenes, split, count, size, seed)
