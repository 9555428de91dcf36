"""Saliency: where in a picture people look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import Fixations
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.heatmap import OUTPUTS, heat_output
from zoo.tasks.base import NO_LABEL, Task, ToyBatch

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_TOY_POINTS, _TOY_NOISE = 20, 20.0  # of a toy batch: points a picture, and levels


class Saliency(Task):
    """N×H×W×1 log-odds of heat against the map of fixations and their counts, N×H×W×2."""

    name = "saliency"
    headline = "nss"
    outputs = tuple(OUTPUTS)
    target = Fixations

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """One map of heat."""
        return heat_output(output=self._chosen_output(output))

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """Divergence, correlation and scanpath saliency together."""
        from zoo.losses.saliency import GazeLoss

        if class_weights is not None:
            raise self._no_classes(f"class_weights={class_weights!r}")
        return GazeLoss()

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Normalised scanpath saliency first, and the others of `zoo.metrics.saliency`."""
        from zoo.metrics.saliency import SaliencyScores

        self._check_wishes(wishes)
        return [SaliencyScores(dataset)]

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """The map that the fixations make, its hottest place 1."""
        density = target.density()
        return (density / max(float(density.max()), np.finfo(np.float32).tiny))[..., None]

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """A bright disk on noise, and points around its middle."""
        height, width, channels = shape
        random = np.random.default_rng(seed)
        radius = max(3.0, min(height, width) / 6)
        rows, columns = np.indices((height, width)) + 0.5
        images, targets = np.empty((count, *shape), np.float32), []
        for index in range(count):
            middle = random.uniform((radius, radius), (max(width - radius, radius + 1), max(height - radius, radius + 1)))
            disk = np.hypot(columns - middle[0], rows - middle[1]) < radius
            noise = random.normal(0, _TOY_NOISE, (height, width, channels))
            images[index] = (90 + 120 * disk[..., None] + noise).clip(0, 255)
            points = random.normal(middle, radius / 3, (_TOY_POINTS, 2)).clip(0, (width - 0.5, height - 0.5))
            targets.append(Fixations(points, (height, width), (radius / 2, radius / 2)))
        return ToyBatch(images, Fixations.stack(targets))
