"""Classification: the whole image gets one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import Label
from zoo.metrics import Metric
from zoo.metrics.classes import ClassAgreement
from zoo.outputs import OutputSpec
from zoo.outputs.class_scores import OUTPUTS, class_output
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    from zoo.data import Dataset


class Classification(ClassTask):
    """N×classes logits against N integers."""

    name = "classification"
    headline = "accuracy"
    outputs = tuple(OUTPUTS)
    target = Label

    def default_labels(self) -> tuple[str, ...]:
        """ImageNet's 1,000 classes by number; a file of names comes with trained weights."""
        return tuple(f"class {i}" for i in range(1000))

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Scores or the class of a whole picture."""
        return class_output(labels, palette or (), output or self.outputs[0], scale=None)

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """All of the probability for its class."""
        return np.eye(spec.classes or spec.channels, dtype=np.float32)[int(np.asarray(target))]

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Share of images that are right, and its mean over the classes."""
        self._check_wishes(wishes)
        return [
            ClassAgreement(
                dataset.classes, dataset.ignore, {"accuracy": "pixel_accuracy", "mean_accuracy": "mean_accuracy"}
            )
        ]
