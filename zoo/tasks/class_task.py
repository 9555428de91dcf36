"""Class task: what tasks whose channels have names have in common, and those that tell classes apart."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import NO_LABEL
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.outputs import OutputSpec
from zoo.tasks.base import BLOCK, TOY_CLASSES, Task, ToyBatch, enlarged

if TYPE_CHECKING:
    from zoo.data import Dataset

_BOTH = 2  # classes that one channel tells apart


class NamedTask(Task):
    """A task whose network has channels by name: of classes, or of joints."""

    @abstractmethod
    def default_labels(self) -> tuple[str, ...]:
        """Names of the classes when nobody says otherwise."""

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

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The network tells as many classes apart as the data set has."""
        if spec.classes and spec.classes != len(dataset.classes):
            count = len(dataset.classes)
            raise InputError(
                f"{name} tells {spec.classes} classes apart and {dataset.name} has {count}; build it with classes={count}"
            )


class ClassTask(NamedTask):
    """A task that says of everything which class it is of."""

    squashes = True
    toy_build = {"classes": TOY_CLASSES}  # noqa: RUF012 (the base says that it is a class's)

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The network tells as many classes apart as the data set has; of two, one channel is the second's score."""
        classes, count = spec.classes or spec.channels, len(dataset.classes)
        if spec.channels == 1 and count == _BOTH:
            return  # the score of the second of two
        if classes != count:
            raise InputError(
                f"{name} tells {classes} classes apart and {dataset.name} has {count}; build it with classes={count}"
            )

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """Cross-entropy over the positions that count."""
        if spec.channels == 1:
            raise InputError(
                f"{spec.name} has one channel, over which a softmax is always 1 and nothing is learnt; build the network with "
                "classes=2, the background and what is looked for, or give a loss of one channel, loss="
            )
        from zoo.losses import SegmentationCrossEntropy

        return SegmentationCrossEntropy(ignore, class_weights)

    def class_weights(self, dataset: Dataset, rule: str) -> Sequence[float]:
        """Counted over the data; see `zoo.losses.class_weights_from`."""
        from zoo.losses import class_weights_from

        return class_weights_from(dataset, rule)

    def counted(self, targets: np.ndarray, ignore: int | None) -> set[int] | None:
        """Whole numbers but the ignored one."""
        values = np.unique(targets)
        if values.dtype.kind == "f" and (values != np.rint(values)).any() and np.isfinite(values).all():
            fraction = values[values != np.rint(values)][0]
            raise InputError(f"the targets hold {fraction:g}; expected class indices, whole numbers from 0 on")
        return {int(value) for value in values[np.isfinite(values)]} - {ignore}

    def checked_loss(self, loss: Any, ignore: int | None) -> Any:
        """As of every task, over logits and class indices: of Keras's by name the sparse cross-entropy, without what is
        ignored."""
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
        checked = super().checked_loss(loss, ignore)
        losses = keras.losses
        if name.replace("_", "").casefold() == losses.SparseCategoricalCrossentropy.__name__.casefold():
            return losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignore)
        if isinstance(loss, str):
            raise InputError(
                f"loss={loss!r}: of Keras's losses by name, class indices are learnt by 'sparse_categorical_crossentropy'; "
                "make others yourself (with from_logits=True), or take one of zoo.losses"
            )
        if getattr(checked, "from_logits", None) is False:
            raise InputError(f"loss={checked.name}: from_logits is False, and training is on logits; make it with True")
        return checked

    def leaves_out(self, activation: str, loss: Any) -> bool:
        """The softmax, since losses of classes are over logits; a loss of the caller's own has what the model gives."""
        ours = hasattr(loss, "prepare") or isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
        if ours and activation != "softmax":
            raise InputError(
                f"the model ends in a {activation}, each channel for itself, and {self.name} learns classes that exclude each "
                "other; build it without, or give the loss that it is for, loss="
            )
        return ours or bool(getattr(loss, "from_logits", False))

    def describe_bad_targets(self, targets: np.ndarray, spec: OutputSpec, ignore: int | None) -> list[str]:
        """Values that are neither a class nor ignored."""
        classes = spec.classes or spec.channels
        odd = sorted({int(v) for v in np.unique(targets) if v != ignore and (v < 0 or v >= classes)})
        return [f"its targets hold {odd[:5]}, which are no classes of 0..{classes - 1}"] if odd else []

    def distillation(self, loss: keras.losses.Loss, temperature: float, weight: float) -> keras.losses.Loss:
        """The divergence from the teacher's softened scores; see `zoo.losses.Distillation`."""
        from zoo.losses import Distillation

        return Distillation(loss, temperature, weight)

    def check_teacher(self, names: tuple[str, str], specs: tuple[OutputSpec, OutputSpec]) -> None:
        """Both tell the same classes apart, by number and, where both name them, by name."""
        (teacher, student), (theirs, ours) = names, specs
        if theirs.channels != ours.channels:
            raise InputError(
                f"teacher {teacher} knows {theirs.channels} classes, {student} {ours.channels}; they must be the same"
            )
        if theirs.dense != ours.dense:
            raise InputError(f"teacher {teacher} and {student} are of two tasks: one answers every pixel, the other a picture")
        pairs = zip(ours.labels, theirs.labels, strict=False)
        other = next((f"{label!r} where it has {own!r}" for own, label in pairs if own != label), None)
        if other is not None:
            raise InputError(f"teacher {teacher} has other classes than {student}: {other}; they must be the same")

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Noisy blocks of one colour each; the target is the colour's number, of each pixel or of most of the picture."""
        height, width, channels = shape
        classes = min(TOY_CLASSES, spec.classes or spec.channels)
        random = np.random.default_rng(seed)
        colours = np.linspace(20, 235, classes)[:, None].repeat(channels, 1)
        if channels > 1:
            colours = np.random.default_rng(1).uniform(0, 255, (classes, channels))
        blocks = random.integers(0, classes, (count, -(-height // BLOCK), -(-width // BLOCK)))
        if not spec.dense:
            targets = random.integers(0, classes, count)
            blocks = np.where(random.random(blocks.shape) < 0.6, targets[:, None, None], blocks)
        shown = colours[blocks] + random.normal(0, 20, (*blocks.shape, channels))
        images = enlarged(shown, (height, width))
        images += random.normal(0, 10, images.shape)
        if spec.dense:
            targets = enlarged(blocks, (height, width))
        return ToyBatch(images.clip(0, 255).astype("float32"), targets.astype("int32"))
