"""Landmarks: where the named points of a thing are, as the joints of a body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import Joints
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.joint_decoding import DECODINGS
from zoo.outputs.joints import joint_output
from zoo.tasks.base import NO_LABEL, ToyBatch
from zoo.tasks.class_task import NamedTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

JOINTS = (  # COCO's, in its order, which most networks of joints were published for
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow", "right elbow",
    "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
_TOY_JOINTS, _TOY_NOISE = 5, 15.0  # of a toy batch: joints, and levels


class Landmarks(NamedTask):
    """N×h×w×K maps of heat, or N×2K coordinates, against places in shares of the sides, N×K×3."""

    name = "landmarks"
    headline = "pck"
    outputs = DECODINGS
    target = Joints
    toy_build = {"classes": _TOY_JOINTS}  # noqa: RUF012 (the base says that it is a class's)

    def default_labels(self) -> tuple[str, ...]:
        """COCO's seventeen joints."""
        return JOINTS

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Joints, whose places are read from maps as `output` says; coordinates are read in one way only."""
        return joint_output(tuple(labels), palette or (), self._chosen_output(output))

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """The squared error of the maps, or of the coordinates."""
        from zoo.losses.joints import JointHeatLoss, JointPlaceLoss

        if class_weights is not None:
            raise InputError(f"class_weights={class_weights!r}: all joints weigh the same; leave it out")
        return JointHeatLoss() if spec.dense else JointPlaceLoss()

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """The share of correct keypoints first, and COCO's similarity."""
        from zoo.metrics.joints import JointScores

        self._check_wishes(wishes)
        return [JointScores(dataset.classes)]

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """Each joint whose place is known, with a score of 1."""
        return np.column_stack([target.values, target.seen > 0]).astype(np.float32)

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The network answers the joints that the data set has."""
        if spec.classes and spec.classes != len(dataset.classes):
            count = len(dataset.classes)
            raise InputError(
                f"{name} finds {spec.classes} joints and {dataset.name} has {count}; build it with classes={count}"
            )

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Disks on noise, a brightness a joint."""
        height, width, channels = shape
        random = np.random.default_rng(seed)
        joints = spec.classes or spec.channels
        radius = max(2.5, min(height, width) / 10)
        rows, columns = np.indices((height, width)) + 0.5
        images = random.normal(40, _TOY_NOISE, (count, height, width, channels))
        targets = []
        for image in images:
            places = random.uniform(radius, np.maximum([width - radius, height - radius], radius + 1), (joints, 2))
            for joint, (x, y) in enumerate(places):
                image[np.hypot(columns - x, rows - y) < radius] = 90 + 150 * (joint + 1) / joints
            targets.append(Joints(places.clip(0, (width, height)), np.full(joints, 2), (height, width)))
        return ToyBatch(images.clip(0, 255).astype(np.float32), Joints.stack(targets))
