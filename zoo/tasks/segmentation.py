"""Segmentation: every pixel gets one class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError
from zoo.lazy import keras
from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.outputs.palettes import colourise
from zoo.tasks.base import NO_LABEL, Task

VOC_LABELS = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor",
)  # fmt: skip


class Segmentation(Task):
    """N×H×W×classes logits at the input's resolution against N×H×W integer masks."""

    name = "segmentation"
    headline = "miou"

    def default_labels(self) -> tuple[str, ...]:
        """PASCAL VOC's 21 classes, background first."""
        return VOC_LABELS

    def loss(self, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None) -> keras.losses.Loss:
        """Cross-entropy over the pixels that count."""
        from zoo.losses import SegmentationCrossEntropy

        return SegmentationCrossEntropy(ignore, class_weights)

    def decide(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """N×h×w×classes (or N×h×w of kind "classes") → N×H×W.

        Where the sizes differ, scores are resized bilinearly and then compared: finer edges than enlarging the classes.
        """
        if kind == "classes":
            rows, columns = (
                np.minimum(((np.arange(full) + 0.5) * given / full).astype(int), given - 1)
                for full, given in zip(shape, output.shape[1:3], strict=True)
            )
            return output[:, rows[:, None], columns]
        if output.shape[1:3] != tuple(shape):
            resized = keras.ops.image.resize(output, shape, interpolation="bilinear", data_format="channels_last")
            output = keras.ops.convert_to_numpy(resized)
        return output.argmax(axis=-1)

    def answer(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """A class map H×W."""
        return self.decide(output, kind, shape)[0]

    def read(self, prediction: np.ndarray) -> np.ndarray:
        """A class map H×W as it is.

        Raises:
            InputError: for anything but a two-dimensional array of integers.
        """
        prediction = np.asarray(prediction)
        if prediction.ndim != 2 or prediction.dtype.kind not in "iu":
            raise InputError(
                f"a segmenter answered {prediction.dtype} of shape {prediction.shape}; "
                "a class map H×W of integers is expected"
            )
        return prediction

    def summary(self, matrix: ConfusionMatrix) -> dict[str, float]:
        """mIoU first; see `zoo.metrics.confusion_matrix` for the conventions."""
        return matrix.summary()

    def describe(self, prediction: np.ndarray, labels: Sequence[str]) -> str:
        """The share of each class that is there, largest first."""
        counts = np.bincount(self.read(prediction).ravel(), minlength=len(labels))
        found = [i for i in np.argsort(-counts, kind="stable") if counts[i]]
        return ", ".join(f"{labels[i]} {100 * counts[i] / counts.sum():.1f} %" for i in found)

    def draw(
        self, image: np.ndarray, prediction: np.ndarray, labels: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> np.ndarray:
        """Each pixel half its own colour and half its class's; classes that are black in the palette are left clear."""
        colours = colourise(self.read(prediction), palette).astype(np.float32)
        share = 0.5 * colours.any(axis=-1, keepdims=True)
        return np.rint(image * (1 - share) + colours * share).astype(np.uint8)
