"""Segmentation: every pixel gets one class."""

from __future__ import annotations

from zoo.tasks.base import Task

VOC_LABELS = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor",
)  # fmt: skip


class Segmentation(Task):
    """N×H×W×classes logits at the input's resolution against N×H×W integer masks."""

    name = "segmentation"

    def default_labels(self) -> tuple[str, ...]:
        """PASCAL VOC's 21 classes, background first."""
        return VOC_LABELS
