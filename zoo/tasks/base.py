"""Task: what a network learns from, how it is scored, and what it answers with when nobody says otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from zoo.data.targets import NO_LABEL, Target
from zoo.errors import InputError, unknown
from zoo.lazy import keras
from zoo.metrics import Metric
from zoo.outputs import OutputSpec, kind

if TYPE_CHECKING:
    from zoo.data import Dataset

_BOTH = 2  # classes that one channel tells apart
TOY_CLASSES = 5  # that a toy batch shows at most
_BLOCK = 16  # pixels: the side of a block of one colour in a toy batch


@dataclass(frozen=True)
class ToyBatch:
    """Pictures and targets that a tiny network learns in seconds.

    Attributes:
        images: float32 N×H×W×C in 0–255.
        targets: as the task's loss takes them.
    """

    images: np.ndarray
    targets: np.ndarray


class Task(ABC):
    """One kind of question that a network can answer.

    Attributes:
        name: how the task is called in the registry, on the command line and in a file's metadata.
        headline: name of the score that tells better from worse.
        outputs: what `build(output=)` can ask for, the default first.
        target: the type of the targets that it learns from.
        squashes: whether a softmax or sigmoid at the end of a model of others makes shares of its scores, which mean the same.
        frames: how many pictures a network sees at once, along the channels.
        toy_build: arguments of `zoo.build` that suit the task's toy batches.
        toy_size: (H, W) of what its tiny networks see, where that is no picture whose sides could be any.
    """

    target: ClassVar[type[Target]]
    squashes: ClassVar[bool] = False
    frames: ClassVar[int] = 1
    toy_build: ClassVar[Mapping[str, Any]] = {}
    toy_size: ClassVar[tuple[int, int] | None] = None
    name: ClassVar[str]
    headline: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """The spec of a network's output: what it means.

        Args:
            labels: one name a class; none where the task has no classes.
            palette: one (r, g, b) in 0–255 a label, for whoever draws the answer.
            output: one of `outputs`; by default the first.

        Raises:
            InputError: for an output that the task has not.
        """

    @abstractmethod
    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """The loss to train on, from the last map before its activation.

        Args:
            spec: of that map.
            ignore: the target value that does not count.
            class_weights: one a class; for tasks that have some.

        Raises:
            InputError: for class weights where there are no classes.
        """

    @abstractmethod
    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Empty metrics for the samples of a data set, the one with the headline first.

        Args:
            dataset: whose targets are scored.
            **wishes: further scores that take a while, by name, as boundary=0.0075 (None asks for none).

        Raises:
            InputError: for a score that the task has not.
        """

    @abstractmethod
    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Pictures and targets with which a tiny network can be taught the task in seconds.

        Args:
            shape: (H, W, C) of the network's input.
            spec: of its output.
            count: how many pictures.
            seed: of what is drawn.
        """

    @property
    def stretches(self) -> bool:
        """Whether pictures may be brought to a network's size; each is seen as it is where not."""
        return kind(self.output_spec()).stretches

    def deployed(self, model: keras.Model) -> keras.Model:
        """The network that a device runs, which shares the model's weights; by default the model itself."""
        return model

    def encoder(self, model: keras.Model) -> keras.Model | None:
        """The network that a device runs once, whose outputs the first step of `deployed` begins with; none by default. A task
        that has one says what the steps are measured on: `steps_seen(dataset, count)`, N×1×T×1 tokens."""
        return None

    def asked(self, image: np.ndarray) -> Any:
        """What the deployed network is asked of a sample's image, as `edge.Runner` takes it; by default the image itself."""
        return image

    def calibration(self, dataset: Dataset, count: int, size: tuple[int, int], tiles: bool = False) -> Any:
        """What ranges of the deployed network are measured on: `count` samples at most at that size, cut or resized."""
        from zoo.data import calibration_images
        return calibration_images(dataset, min(count, len(dataset)), size, tiles)

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """A sample's target as an answer that is all right, for the output's kind to draw."""
        return np.asarray(target)

    def assumed_spec(self, shape: Sequence[int | None]) -> OutputSpec:
        """The spec that an output of that shape (batch first) is taken to have, of a model that does not say what it gives."""
        spec = self.output_spec()
        return replace(spec, channels=shape[-1], scale=spec.scale if len(shape) == 4 else None)

    def describe_bad_targets(self, targets: np.ndarray, spec: OutputSpec, ignore: int | None) -> list[str]:
        """The faults of a batch of targets, of which no loss can be computed, a phrase each; by default numbers that are none.

        Args:
            targets: of one output.
            spec: of that output.
            ignore: the target value that does not count.
        """
        finite = bool(np.isfinite(np.asarray(targets, np.float64)).all())
        return [] if finite else ["its targets hold NaN or infinity"]

    def class_weights(self, dataset: Dataset, rule: str) -> Sequence[float]:
        """The weights of the classes of a data set by a rule's name.

        Raises:
            InputError: for a task without classes.
        """
        raise self._no_classes(f"class_weights={rule!r}")

    def distillation(self, loss: keras.losses.Loss, temperature: float, weight: float) -> keras.losses.Loss:
        """The loss with a teacher's output beside the targets.

        Args:
            loss: against the targets.
            temperature: that the teacher's scores are softened by.
            weight: the teacher's share.

        Raises:
            InputError: for a task that has no such loss.
        """
        raise self._no_classes("teacher")

    def check_teacher(self, names: tuple[str, str], specs: tuple[OutputSpec, OutputSpec]) -> None:
        """Refuses a teacher that does not speak of what the student learns.

        Args:
            names: of teacher and student.
            specs: of theirs.

        Raises:
            InputError: saying what both have.
        """
        raise self._no_classes("teacher")

    def _check_wishes(self, wishes: Mapping[str, Any], known: Sequence[str] = ()) -> None:
        """Refuses scores that are asked for and that the task has not."""
        strays = sorted(name for name, value in wishes.items() if value is not None and name not in known)
        if strays:
            raise unknown(f"score of {self.name}", strays[0], known)

    def channels(self, dataset: Any) -> int:
        """The channels of a data set's images: as it says, or else RGB of every frame."""
        return getattr(dataset, "channels", None) or 3 * self.frames

    def counted(self, targets: np.ndarray, ignore: int | None) -> set[int] | None:
        """The classes that count in a batch of targets; None for a task that has none.

        Args:
            targets: of one output.
            ignore: the target value that does not count.

        Raises:
            InputError: for targets that are no classes.
        """
        return None

    def checked_loss(self, loss: Any, ignore: int | None) -> Any:
        """A loss of the caller's choice, as Keras takes it: a `keras.losses.Loss`, a function, or one of Keras's by its name.

        Args:
            loss: what was asked for.
            ignore: the target value that does not count.

        Raises:
            InputError: for a name that Keras does not know, a class in place of its instance, and one that the task cannot
                learn by.
        """
        if isinstance(loss, type) or not (callable(loss) or isinstance(loss, str)):
            raise InputError(f"loss={loss!r}: expected a keras.losses.Loss, made: loss=zoo.losses.DiceLoss()")
        try:
            return keras.losses.get(loss)
        except ValueError:
            raise InputError(f"loss={loss!r}: Keras has no loss of that name; see zoo.losses, and keras.losses") from None

    def leaves_out(self, activation: str, loss: Any) -> bool:
        """Whether a model of others is trained without the activation that it ends in; by default it is part of the answer.

        Args:
            activation: "softmax" or "sigmoid".
            loss: that it is trained by.

        Raises:
            InputError: for an activation whose meaning is not what the task learns.
        """
        return False

    def _no_classes(self, setting: str) -> InputError:
        return InputError(f"{setting}: that is for tasks of classes, and {self.name} has none; leave it out")

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:  # noqa: B027 (no task must refuse any)
        """Refuses a network whose output is no answer to a data set's questions; by default none.

        Args:
            name: of the network, for the message.
            spec: of its output.
            dataset: that it shall learn from or be scored on.

        Raises:
            InputError: saying what both have.
        """

    def labels_for(self, classes: int | Sequence[str] | None) -> tuple[str, ...]:
        """Names of the classes; a task without classes takes none.

        Raises:
            InputError: if any were given.
        """
        if classes is not None:
            raise InputError(f"classes={classes!r}: {self.name} tells no classes apart; leave it out")
        return ()


class ClassTask(Task):
    """A task that tells classes apart."""

    squashes = True
    toy_build = {"classes": TOY_CLASSES}  # noqa: RUF012 (the base says that it is a class's)

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
        blocks = random.integers(0, classes, (count, -(-height // _BLOCK), -(-width // _BLOCK)))
        if not spec.dense:
            targets = random.integers(0, classes, count)
            blocks = np.where(random.random(blocks.shape) < 0.6, targets[:, None, None], blocks)
        shown = colours[blocks] + random.normal(0, 20, (*blocks.shape, channels))
        images = enlarged(shown, (height, width))
        images += random.normal(0, 10, images.shape)
        if spec.dense:
            targets = enlarged(blocks, (height, width))
        return ToyBatch(images.clip(0, 255).astype("float32"), targets.astype("int32"))


def enlarged(blocks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """N×h×w×… with each value as a block of pixels, cut to (H, W)."""
    return blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)[:, : size[0], : size[1]]
