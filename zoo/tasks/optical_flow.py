"""Optical flow: where every pixel of a picture is in the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import FlowField
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.tasks.base import NO_LABEL, Task, ToyBatch

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_FARTHEST = 3  # pixels, of a toy batch


class OpticalFlow(Task):
    """N×H×W×2 vectors (dx, dy) in pixels, of two frames along the channels, N×H×W×6."""

    name = "optical_flow"
    headline = "end_point_error"
    outputs = ("vector_field",)
    target = FlowField
    frames = 2

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Vectors in pixels of the network's input."""
        self._chosen_output(output)
        return OutputSpec("vector_field", channels=2, unit="px")

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """The mean end-point error over the valid pixels."""
        from zoo.losses.endpoint_error import EndpointErrorLoss

        if class_weights is not None:
            raise self._no_classes(f"class_weights={class_weights!r}")
        return EndpointErrorLoss()

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """The mean end-point error, the share of pixels that are far off, and the mean angle."""
        from zoo.metrics.angular_error import AngularError
        from zoo.metrics.endpoint_error import EndpointError

        self._check_wishes(wishes)
        return [EndpointError(), AngularError()]

    def describe_bad_targets(self, targets: np.ndarray, spec: OutputSpec, ignore: int | None) -> list[str]:
        """Vectors that are no numbers though they count."""
        values = np.asarray(targets, np.float64)
        counted = values[..., 2] > 0 if values.shape[-1] == 3 else np.ones(values.shape[:-1], bool)
        finite = bool(np.isfinite(values[counted]).all())
        return [] if finite else ["its targets hold NaN or infinity where they are valid"]

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """A texture that moves as a whole by up to three pixels, against that movement everywhere."""
        height, width, channels = shape
        random = np.random.default_rng(seed)
        images = np.empty((count, height, width, channels), np.float32)
        targets = np.empty((count, height, width, 2), np.float32)
        for index in range(count):
            dx, dy = random.integers(-_FARTHEST, _FARTHEST + 1, 2)
            rows, columns = (-(-(side + 2 * _FARTHEST) // 4) for side in (height, width))
            coarse = random.uniform(0, 255, (rows, columns, channels // self.frames))
            texture = coarse.repeat(4, axis=0).repeat(4, axis=1)
            frames = []
            for down, across in ((0, 0), (dy, dx)):
                top, left = _FARTHEST - down, _FARTHEST - across
                frames.append(texture[top : top + height, left : left + width])
            images[index], targets[index] = np.concatenate(frames, axis=-1), (dx, dy)
        return ToyBatch(images, targets)
