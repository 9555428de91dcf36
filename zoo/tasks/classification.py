"""Classification: the whole image gets one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.tasks.base import NO_LABEL, Task

if TYPE_CHECKING:
    import keras


class Classification(Task):
    """N×classes logits against N integers."""

    name = "classification"
    headline = "accuracy"

    def default_labels(self) -> tuple[str, ...]:
        """ImageNet's 1,000 classes by number; a file of names comes with trained weights."""
        return tuple(f"class {i}" for i in range(1000))

    def loss(self, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None) -> keras.losses.Loss:
        """Cross-entropy over the images that count."""
        from zoo.losses import SegmentationCrossEntropy

        return SegmentationCrossEntropy(ignore, class_weights)

    def decide(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """N×classes (or N of kind "classes") → N."""
        return output if kind == "classes" else output.argmax(axis=-1)

    def answer(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """Probabilities (classes,); of "classes", 1 for the class named."""
        if kind == "classes":
            return np.eye(int(output[0]) + 1, dtype=np.float32)[-1]
        exponent = np.exp(output[0] - output[0].max()) if kind == "logits" else output[0]
        return exponent / exponent.sum()

    def read(self, prediction: np.ndarray) -> np.ndarray:
        """Probabilities (classes,) → the index of the greatest."""
        return np.asarray(np.argmax(prediction))

    def summary(self, matrix: ConfusionMatrix) -> dict[str, float]:
        """Share of images that are right, and its mean over the classes."""
        return {"accuracy": matrix.pixel_accuracy, "mean_accuracy": matrix.mean_accuracy}

    def describe(self, prediction: np.ndarray, labels: Sequence[str]) -> str:
        """The three likeliest classes."""
        return ", ".join(f"{labels[i]} {100 * prediction[i]:.1f} %" for i in np.argsort(prediction)[::-1][:3])

    def draw(
        self, image: np.ndarray, prediction: np.ndarray, labels: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> np.ndarray:
        """The three likeliest classes, written in the upper left corner."""
        from PIL import Image, ImageDraw

        picture = Image.fromarray(image)
        text = self.describe(prediction, labels).replace(", ", "\n")
        ImageDraw.Draw(picture).text((4, 4), text, fill="white", stroke_width=1, stroke_fill="black")
        return np.asarray(picture)
