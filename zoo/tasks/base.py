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

TOY_CLASSES = 5  # that a toy batch shows at most
BLOCK = 16  # pixels: the side of a block of one colour in a toy batch


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
        """The network that looks for the steps of `deployed`: once, at what the first of them begins with, or at each frame of
        a film; none by default. A task that has one says what the steps are measured on: `steps_seen(dataset, seen)`, a
        sequence for each input, from what the encoder saw of `encoder_images`."""
        return None

    def encoder_images(self, images: np.ndarray) -> np.ndarray:
        """What of a network's images N×H×W×C its encoder looks at one by one; by default each as it is."""
        return images

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

    def _chosen_output(self, output: str | None) -> str:
        """What `build(output=)` asks for, by default the first of `outputs`.

        Raises:
            InputError: for what the task does not give.
        """
        if output not in (None, *self.outputs):
            raise unknown("output", output, self.outputs)
        return output or self.outputs[0]

    def channels(self, dataset: Any) -> int:
        """The channels of a data set's images: as it says, or else RGB of every frame."""
        return getattr(dataset, "channels", None) or 3 * self.frames

    def augmentation(self, native: bool = False) -> Any:
        """What changes pictures while they are learnt from, where nobody says otherwise; None where nothing may.

        Args:
            native: crops of the pictures' own pixels, not shrunk ones.
        """
        from zoo.data import Augment

        return Augment(native=native) if self.stretches else None

    def build_options(self, dataset: Dataset) -> Mapping[str, Any]:
        """Options of `zoo.build` that a data set decides, beyond its classes and channels; by default none."""
        return {}

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


def enlarged(blocks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """N×h×w×… with each value as a block of pixels, cut to (H, W)."""
    return blocks.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)[:, : size[0], : size[1]]
