"""Segmentation: every pixel gets one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.data.targets import Mask
from zoo.metrics import Metric
from zoo.metrics.classes import ClassAgreement, Contours, Objects
from zoo.outputs import OutputSpec
from zoo.outputs.class_scores import OUTPUTS, class_output
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    from zoo.data import Dataset

VOC_LABELS = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor",
)  # fmt: skip
_SCORES = ("miou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "mean_dice")


class Segmentation(ClassTask):
    """N×H×W×classes logits at the input's resolution against N×H×W integer masks."""

    name = "segmentation"
    headline = "miou"
    outputs = tuple(OUTPUTS)
    target = Mask

    def default_labels(self) -> tuple[str, ...]:
        """PASCAL VOC's 21 classes, background first."""
        return VOC_LABELS

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Scores or classes of every pixel."""
        return class_output(labels, palette or (), output or self.outputs[0])

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """mIoU first (see `zoo.metrics.confusion_matrix` for the conventions); contours with `boundary`, a tolerance; instances
        where the data set has some."""
        self._check_wishes(wishes, ("boundary",))
        metrics: list[Metric] = [ClassAgreement(dataset.classes, dataset.ignore, {name: name for name in _SCORES})]
        if wishes.get("boundary") is not None:
            metrics.append(Contours(dataset.classes, dataset.ignore, wishes["boundary"]))
        if dataset.instances is not None:
            metrics.append(Objects(dataset.instances, dataset.ignore))
        return metrics
