"""Restoration: the picture as it should be, freed of noise and blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import TargetImage
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.tasks.base import NO_LABEL, Task, ToyBatch, enlarged

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_NOISE, _FADED = 25.0, 0.6  # of a toy batch: levels, and the share that is left of a picture's light


class Restoration(Task):
    """N×sH×sW×3 pictures in 0–255 against such; s is the spec's scale, 1 unless a network says otherwise."""

    name = "restoration"
    headline = "psnr"
    outputs = ("image",)
    target = TargetImage

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """A picture in RGB."""
        self._chosen_output(output)
        return OutputSpec("image", channels=3, range=(0.0, 255.0))

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """The mean absolute difference, smooth near 0."""
        from zoo.losses.charbonnier import Charbonnier

        if class_weights is not None:
            raise self._no_classes(f"class_weights={class_weights!r}")
        return Charbonnier()

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """PSNR and SSIM."""
        from zoo.metrics.psnr_ssim import PictureQuality

        self._check_wishes(wishes)
        return [PictureQuality()]

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Blocks of one colour each, faded and with noise, against the same as they were."""
        height, width, channels = shape
        if channels != spec.channels or (spec.scale or 1) != 1:
            raise InputError(
                f"a toy batch of {self.name} is of pictures like their targets; the network has {channels} channels in, "
                f"{spec.channels} out, at scale {spec.scale}"
            )
        random = np.random.default_rng(seed)
        blocks = random.uniform(0, 255, (count, -(-height // 16), -(-width // 16), channels))
        clean = enlarged(blocks, (height, width)).astype("float32")
        images = _FADED * clean + random.normal(0, _NOISE, clean.shape)
        return ToyBatch(images.clip(0, 255).astype("float32"), clean)
