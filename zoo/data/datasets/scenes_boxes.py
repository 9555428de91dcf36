"""Scenes with boxes around their things."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.sets import CLASSES, OPTIONS, PALETTE, open_scenes
from zoo.data.registry import dataset
from zoo.data.targets import Boxes

SLIVER = 0.02  # of the shorter side: what is seen narrower than that is ignored


class BoxScenes(SceneSet):
    """Detection: the picture, and an upright box around what is seen of each thing; the merest slivers are ignored."""

    prefix = "scenes_boxes"
    task = "detection"
    target = Boxes
    classes = CLASSES[1:]
    palette = PALETTE[1:]

    def question(self, one: Scene) -> tuple[np.ndarray, Boxes]:
        edges = one.boxes[:, 1:].astype(np.float32)
        sides = (edges[:, 2:] - edges[:, :2]).min(axis=1, initial=np.inf)
        return one.image, Boxes(edges, one.boxes[:, 0] - 1, one.size, sides < SLIVER * min(one.size))


@dataset(
    "scenes_boxes",
    spec="scenes_boxes[:…]",
    help="the same scenes, with a box around each thing",
    options=OPTIONS,
)
def scenes_boxes(split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)) -> BoxScenes:
    """Scenes with boxes."""
    return open_scenes(BoxScenes, split, count, size, seed)
