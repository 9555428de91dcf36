"""Scenes with a puppet, and where its joints are."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.puppet import JOINTS, PuppetScene
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.registry import dataset
from zoo.data.targets import Joints
from zoo.outputs.joints import COLOURS
from zoo.outputs.sides import opposites, side_of


class LandmarkScenes(SceneSet):
    """Landmarks: the picture, and the thirteen joints of the puppet in it, some behind its arms or other things."""

    prefix = "scenes_landmarks"
    task = "landmarks"
    target = Joints
    classes = JOINTS
    palette = tuple(COLOURS[side_of(joint)] for joint in JOINTS)

    def scene(self, index: int) -> PuppetScene:
        """The whole scene behind sample `index`, with its puppet."""
        return PuppetScene(self.seed, self._first + self.position(index), self.size)

    def question(self, one: Scene) -> tuple[np.ndarray, Joints]:
        places, seen = one.joints()
        area, side = one.extent()
        head = one.puppet.head * min(one.size)
        return one.image, Joints(places, seen, one.size, opposites(JOINTS), area, side, head)


@dataset(
    "scenes_landmarks",
    spec="scenes_landmarks[:…]",
    help="a puppet among the same things, with the places of its joints",
    options=OPTIONS,
)
def scenes_landmarks(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)
) -> LandmarkScenes:
    """Scenes with joints."""
    return open_scenes(LandmarkScenes, split, count, size, seed)
