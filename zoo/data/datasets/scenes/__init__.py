"""Scenes: pictures made by a program, seeded and endless, with everything about them known.

Disks, boxes, triangles, stars and rings lie over each other on a textured ground, lit from one side and casting
shadows. A class is told by its shape and, more often than not, by its texture; never by its colour, which is any.

>>> from zoo.data.datasets.scenes import scene
>>> one = scene(seed=0, index=7, size=(96, 128))
>>> one.image.shape, one.mask.max() <= 5, one.flow.dtype
((96, 128, 3), True, dtype('float32'))
"""

from zoo.data.datasets.scenes.scene import LEAST_SIDE, Scene, scene
from zoo.data.datasets.scenes.sets import (
    CLASSES,
    PALETTE,
    SPLITS,
    DenoisingScenes,
    FlowScenes,
    Scenes,
    SceneSet,
    SuperResolutionScenes,
)

__all__ = [
    "CLASSES",
    "LEAST_SIDE",
    "PALETTE",
    "SPLITS",
    "DenoisingScenes",
    "FlowScenes",
    "Scene",
    "SceneSet",
    "Scenes",
    "SuperResolutionScenes",
    "scene",
]
