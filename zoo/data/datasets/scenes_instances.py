"""Scenes with their things told apart."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.sets import CLASSES, OPTIONS, PALETTE, open_scenes
from zoo.data.registry import dataset
from zoo.data.targets import InstanceMask


class InstanceScenes(SceneSet):
    """Instance segmentation: the picture, and which thing each pixel shows."""

    prefix = "scenes_instances"
    task = "instance_segmentation"
    target = InstanceMask
    classes = CLASSES[1:]
    palette = PALETTE[1:]

    def question(self, one: Scene) -> tuple[np.ndarray, InstanceMask]:
        return one.image, InstanceMask(one.instances, one.boxes[:, 0] - 1)


@dataset(
    "scenes_instances",
    spec="scenes_instances[:…]",
    help="the same scenes, with their things told apart",
    options=OPTIONS,
)
def scenes_instances(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)
) -> InstanceScenes:
    """Scenes of things side by side."""
    return open_scenes(InstanceScenes, split, count, size, seed)
