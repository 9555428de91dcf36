"""Video super-resolution: the middle one of several frames, larger and sharper than it was taken."""

from __future__ import annotations

import numpy as np

from zoo.outputs import OutputSpec
from zoo.tasks.base import ToyBatch
from zoo.tasks.super_resolution import SuperResolution


class VideoSuperResolution(SuperResolution):
    """N×sH×sW×3 pictures of the middle frame, of three along the channels, N×H×W×9; as super-resolution else."""

    name = "video_super_resolution"
    frames = 3

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Super-resolution's, each picture three times."""
        height, width, channels = shape
        toy = super().toy_batch((height, width, channels // self.frames), spec, count, seed)
        return ToyBatch(np.tile(toy.images, (1, 1, 1, self.frames)), toy.targets)
