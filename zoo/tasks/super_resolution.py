"""Super-resolution: the picture larger than it was taken, and as sharp as if it had been taken so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.tasks.base import ToyBatch
from zoo.tasks.restoration import Restoration

if TYPE_CHECKING:
    from zoo.data import Dataset

_BLOCK = 5  # pixels of the large picture: the side of a block in a toy batch, which pixels of the small one cut across


class SuperResolution(Restoration):
    """N×sH×sW×3 pictures in 0–255 against such, scored on the luma as papers do; s is what the network enlarges by."""

    name = "super_resolution"

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """PSNR and SSIM of the luma without the border."""
        from zoo.metrics.luma_quality import LumaQuality

        self._check_wishes(wishes)
        return [LumaQuality()]

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The network enlarges by as much as the data set's targets are larger."""
        scale = dataset[0].target.scale
        if spec.scale != scale:
            raise InputError(
                f"{name} enlarges by {spec.scale} and the targets of {dataset.name} are {scale} times as large; "
                f"build it with scale={scale}"
            )

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Small blocks of grey, whose edges are lost where pixels are averaged, against the same as they were."""
        height, width, channels = shape
        scale, random = spec.scale or 1, np.random.default_rng(seed)
        rows, columns = (-(-side * scale // _BLOCK) for side in (height, width))
        blocks = random.uniform(0, 255, (count, rows, columns, 1)).astype("float32").repeat(channels, axis=-1)
        large = blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)[:, : height * scale, : width * scale]
        small = large.reshape(count, height, scale, width, scale, channels).mean(axis=(2, 4))
        return ToyBatch(small, large)
