"""Detection: where things are, an upright box around each, and what they are."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import Boxes
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.boxes import box_output
from zoo.tasks.base import NO_LABEL, TOY_CLASSES, ToyBatch
from zoo.tasks.class_task import NamedTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

# fmt: off
CLASSES = (  # PASCAL VOC's, in its order, which most detectors were published for
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse",
    "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on
_TOY_NOISE, _TOY_BOXES = 20.0, 2  # of a toy batch: levels, and things a picture


class Detection(NamedTask):
    """Rows of four numbers and the classes' scores, which an output's options say how to read, against padded boxes."""

    name = "detection"
    headline = "ap50"
    outputs = ("boxes",)
    target = Boxes
    toy_build = {"classes": TOY_CLASSES}  # noqa: RUF012 (the base says that it is a class's)

    def default_labels(self) -> tuple[str, ...]:
        """PASCAL VOC's twenty."""
        return CLASSES

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Boxes, by the points of a single map unless the network's last layer says otherwise.

        Its channels are the classes, which is what a network's builder is given; once built, those of its last map.
        """
        self._chosen_output(output)
        return box_output(tuple(labels), palette or (), {"coding": "points"})

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """The loss of the output's coding, `loss_of` in zoo/losses/box_CODING.py."""
        if class_weights is not None:
            raise InputError(f"class_weights={class_weights!r}: losses of {self.name} weigh hard places up; leave it out")
        coding = spec.options.get("coding", "points")
        module = f"zoo.losses.box_{coding}"
        if importlib.util.find_spec(module) is None:
            raise InputError(f"boxes as {coding} have no loss of their own; give one, loss=")
        return importlib.import_module(module).loss_of(spec)

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Average precision as COCO and VOC count it."""
        from zoo.metrics.detection import DetectionScores

        self._check_wishes(wishes)
        return [DetectionScores(dataset.classes)]

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """Each box that counts, with a score of 1."""
        rows = np.column_stack([target.values, target.labels, np.ones(len(target.labels))])
        return rows[~target.ignored].astype(np.float32)

    def describe_bad_targets(self, targets: Any, spec: OutputSpec, ignore: int | None) -> list[str]:
        """Edges that are no numbers."""
        edges = targets["boxes"] if isinstance(targets, Mapping) else targets
        return super().describe_bad_targets(edges, spec, ignore)

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Blocks on noise, a brightness a class, against the boxes around them."""
        height, width, _ = shape
        random = np.random.default_rng(seed)
        images = random.normal(60, _TOY_NOISE, (count, *shape)).astype(np.float32)
        targets = []
        for image in images:
            sides = random.integers(min(height, width) // 4, min(height, width) // 2, (_TOY_BOXES, 2))
            corners = random.integers(0, np.array([width, height]) - sides)
            labels = random.integers(0, spec.classes, _TOY_BOXES)
            for (x0, y0), (across, down), label in zip(corners, sides, labels, strict=True):
                image[y0 : y0 + down, x0 : x0 + across] += 60 + 120 * label / spec.classes
            targets.append(Boxes(np.concatenate([corners, corners + sides], axis=1), labels, (height, width)))
        return ToyBatch(images.clip(0, 255), self.loss(spec).prepare(Boxes.stack(targets), spec.channels))
