"""What every task has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets import NO_LABEL
from zoo.errors import InputError
from zoo.metrics.confusion_matrix import ConfusionMatrix

if TYPE_CHECKING:
    import keras


class Task(ABC):
    """One kind of question that a network can answer.

    Attributes:
        name: how the task is called in the registry, on the command line and in a file's metadata.
        headline: the score in `summary` that tells better from worse; higher is better.
    """

    name: str
    headline: str

    @abstractmethod
    def default_labels(self) -> tuple[str, ...]:
        """Names of the classes when `build` is told nothing."""

    def labels_for(self, classes: int | Sequence[str] | None) -> tuple[str, ...]:
        """Names of the classes: given, numbered, or the task's own.

        Raises:
            InputError: for fewer than one class or an empty name. Names may recur: ImageNet has two cranes.
        """
        if classes is None:
            return self.default_labels()
        if isinstance(classes, int):
            if classes < 1:
                raise InputError(f"classes={classes}: a network needs at least one class")
            default = self.default_labels()
            return default if len(default) == classes else tuple(f"class {i}" for i in range(classes))
        labels = tuple(classes)
        if isinstance(classes, str) or not labels or not all(isinstance(label, str) and label for label in labels):
            raise InputError(f"classes={classes!r}: expected a number, or a list of names")
        return labels

    @abstractmethod
    def loss(self, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None) -> keras.losses.Loss:
        """What to train on, from logits: `ignore` is the target value that does not count."""

    @abstractmethod
    def decide(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """A batch of a network's outputs as class indices that can be held against targets.

        Args:
            output: logits, probabilities or classes (`kind`, as of `zoo.layers.ModelOutput`), batch first.
            shape: (H, W) in pixels of the targets.
        """

    @abstractmethod
    def answer(self, output: np.ndarray, kind: str, shape: tuple[int, int]) -> np.ndarray:
        """One image's output (batch of 1) as a runner would answer it: what `read`, `describe` and `draw` take.

        Args:
            output, kind: as of `decide`.
            shape: (H, W) in pixels of the image.
        """

    @abstractmethod
    def read(self, prediction: np.ndarray) -> np.ndarray:
        """One image's answer from a runner (`edge.Runner`) as class indices that can be held against a target."""

    def matrix(self, classes: Sequence[str], ignore: int | None) -> ConfusionMatrix:
        """An empty confusion matrix for targets of this task."""
        return ConfusionMatrix(classes, ignore)

    @abstractmethod
    def summary(self, matrix: ConfusionMatrix) -> dict[str, float]:
        """The task's scores by name, the headline first."""

    @abstractmethod
    def describe(self, prediction: np.ndarray, labels: Sequence[str]) -> str:
        """The answer in one line of words."""

    @abstractmethod
    def draw(
        self, image: np.ndarray, prediction: np.ndarray, labels: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> np.ndarray:
        """The answer laid over its image.

        Args:
            image: uint8 H×W×3.
            prediction: what `read` takes.
            labels, palette: of the network's `ModelOutput`.

        Returns:
            uint8 H×W×3.
        """
