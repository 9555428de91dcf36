"""Scenes that go on moving: three moments of one scene, small, and the middle one as it is."""

from __future__ import annotations

import dataclasses

import numpy as np

from zoo.data.datasets.scenes.composition import Composition, Pose
from zoo.data.datasets.scenes.render import render
from zoo.data.datasets.scenes.scene import Scene
from zoo.data.datasets.scenes.sets import OPTIONS, SuperResolutionScenes, open_scenes
from zoo.data.registry import dataset
from zoo.data.resamplers import pillow
from zoo.data.targets import TargetImage

MOMENTS = 3


class FilmScenes(SuperResolutionScenes):
    """Video super-resolution: three moments of a scene, uint8 H×W×9, and the middle one, clean and of twice the size.

    The first two are the scene's own frames; on the way to the third everything goes on as it went to the second. All are made
    small as of `SuperResolutionScenes`, without noise.
    """

    prefix = "scenes_film"
    task = "video_super_resolution"
    channels = 3 * MOMENTS

    def question(self, one: Scene) -> tuple[np.ndarray, TargetImage]:
        third = render(going_on(one.composition), one.size, MOMENTS - 1)[0]
        large = [one.clean, one.next_clean, np.rint(third * 255).astype(np.uint8)]
        small = [pillow(frame, self.size) for frame in large]
        return np.concatenate(small, axis=-1), TargetImage(one.next_clean, self.SCALE)


def going_on(composition: Composition) -> Composition:
    """The composition with a third pose for each layer: it moves and turns as far again, and grows by the same factor."""
    layers = tuple(dataclasses.replace(layer, poses=(*layer.poses, _third(*layer.poses))) for layer in composition.layers)
    return dataclasses.replace(composition, layers=layers)


def _third(first: Pose, second: Pose) -> Pose:
    moved = {name: 2 * getattr(second, name) - getattr(first, name) for name in ("x", "y", "angle")}
    return Pose(**moved, scale=second.scale**2 / first.scale)


@dataset(
    "scenes_film",
    spec="scenes_film[:…]",
    help="three moments of the same scenes, the middle one to be made twice as large",
    options=OPTIONS,
)
def scenes_film(split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128)) -> FilmScenes:
    """Scenes that go on moving."""
    return open_scenes(FilmScenes, split, count, size, seed)
