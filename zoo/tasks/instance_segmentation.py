"""Instance segmentation: objects side by side, told apart to the pixel, and what they are."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import InstanceMask
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.instances import OTHERS, Instances, instance_output
from zoo.tasks.base import NO_LABEL, ToyBatch
from zoo.tasks.class_task import NamedTask
from zoo.tasks.detection import CLASSES

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_TOY_CLASSES, _TOY_NOISE, _TOY_CELL = 2, 20.0, 16  # of a toy batch: classes, levels, pixels that an object has room in


class InstanceSegmentation(NamedTask):
    """N×H×W×(classes + 2) logits of ground, insides and outlines, or regions with masks, against numbered objects."""

    name = "instance_segmentation"
    headline = "ap50"
    outputs = ("instances",)
    target = InstanceMask
    toy_build = {"classes": _TOY_CLASSES}  # noqa: RUF012 (the base says that it is a class's)

    def default_labels(self) -> tuple[str, ...]:
        """PASCAL VOC's twenty."""
        return CLASSES

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Instances; a network has two channels more than there are classes."""
        self._chosen_output(output)
        return instance_output(tuple(labels), palette or ())

    def assumed_spec(self, shape: Sequence[int | None]) -> OutputSpec:
        """As many classes as the channels leave."""
        return replace(self.output_spec(self.labels_for(max(1, (shape[-1] or 0) - OTHERS))), channels=shape[-1])

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """Cross-entropy over ground, insides and outlines; class weights are one a channel, in that order.

        Of another coding of the output `loss_of` in zoo/losses/instance_CODING.py.
        """
        from zoo.losses.instances import OutlinedCrossEntropy

        if "coding" in spec.options:
            if class_weights is not None:
                raise InputError(f"class_weights={class_weights!r}: classes of regions are not weighed; leave it out")
            return importlib.import_module(f"zoo.losses.instance_{spec.options['coding']}").loss_of(spec)
        return OutlinedCrossEntropy(ignore, class_weights)

    def class_weights(self, dataset: Dataset, rule: str) -> Sequence[float]:
        """None by a rule: how much is outline depends on the scale that pictures are learnt at.

        Raises:
            InputError: always.
        """
        raise InputError(f"class_weights={rule!r}: {self.name} has no rule; give a number a channel: ground, insides, outline")

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Average precision of masks as COCO counts it, and the score of the Data Science Bowl 2018."""
        from zoo.metrics.masks import MaskScores

        self._check_wishes(wishes)
        return [MaskScores(dataset.classes)]

    def target_as_answer(self, target: Any, spec: OutputSpec) -> Instances:
        """Each object that counts and has a pixel, with a score of 1."""
        count = len(target.labels)
        answer = Instances(np.maximum(target.values, 0), target.labels.astype(np.int64), np.ones(count, np.float32))
        return answer[~target.ignored & (answer.areas > 0)]

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Squares on noise, a brightness a class, some side by side."""
        height, width, _ = shape
        random = np.random.default_rng(seed)
        images = random.normal(60, _TOY_NOISE, (count, *shape)).astype(np.float32)
        targets = []
        for image in images:
            numbers, labels = np.zeros((height, width), np.int32), []
            for top in range(0, height - _TOY_CELL + 1, _TOY_CELL):
                for left in range(0, width - _TOY_CELL + 1, _TOY_CELL):
                    if random.random() < 0.5:
                        continue
                    labels.append(int(random.integers(0, spec.classes)))
                    side = int(random.integers(_TOY_CELL // 2, _TOY_CELL + 1))
                    numbers[top : top + side, left : left + side] = len(labels)
                    image[top : top + side, left : left + side] += 60 + 120 * labels[-1] / spec.classes
            targets.append(InstanceMask(numbers, np.array(labels, np.int32)))
        return ToyBatch(images.clip(0, 255), self.loss(spec).prepare(InstanceMask.stack(targets), spec.channels))
