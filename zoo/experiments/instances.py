"""The task of the experiments: which shape is this? The largest object of a scene, cut out."""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.data.datasets.scenes import CLASSES, Scenes

LABELS = CLASSES[1:]
_SCENE = 64  # pixels; the side of the scenes that are cut
_MARGIN = 4  # pixels around the object


def objects(count: int, size: int = 32, seed: int = 0, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Pictures of single objects, with what lies over and around them.

    Returns:
        images: float32 count×size×size×3, 0–255.
        labels: int32 count, indices of `LABELS`.
    """
    scenes = Scenes(count, _SCENE, seed, split)
    images, labels = np.empty((count, size, size, 3), np.float32), np.empty(count, np.int32)
    for index in range(count):
        scene = scenes.scene(index)
        areas = np.bincount(scene.instances.ravel())[1:]
        label, x0, y0, x1, y1 = (int(value) for value in scene.boxes[int(np.argmax(areas))])
        window = (max(x0 - _MARGIN, 0), max(y0 - _MARGIN, 0), min(x1 + _MARGIN, _SCENE), min(y1 + _MARGIN, _SCENE))
        cut = Image.fromarray(scene.image).crop(window).resize((size, size), Image.Resampling.BILINEAR)
        images[index], labels[index] = np.asarray(cut, np.float32), label - 1
    return images, labels
