"""Super-resolution: the picture larger than it was taken, and as sharp as if it had been taken so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.tasks.base import ToyBatch, enlarged
from zoo.tasks.restoration import Restoration

if TYPE_CHECKING:
    from zoo.data import Dataset


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
        """Blocks of one colour each, against the same larger and twice as far from grey: it shows soon whether that is
        learnt."""
        height, width, channels = shape
        scale = spec.scale or 1
        random = np.random.default_rng(seed)
        blocks = random.uniform(0, 255, (count, -(-height // 16), -(-width // 16), channels))
        pictures = enlarged(blocks, (height, width)).astype("float32")
        large = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
        return ToyBatch(127.5 + (pictures - 127.5) / 2, large[..., -(spec.channels or channels) :])
