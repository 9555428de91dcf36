"""Task: what a network learns from, how it is scored, and what it answers with when nobody says otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.data.targets import NO_LABEL
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset


class Task(ABC):
    """One kind of question that a network can answer.

    Attributes:
        name: how the task is called in the registry, on the command line and in a file's metadata.
        headline: name of the score that tells better from worse.
        outputs: what `build(output=)` can ask for, the default first.
    """

    name: ClassVar[str]
    headline: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """What a network's output means.

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
        """What to train on, from the last map before its activation.

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
        classes, count = spec.classes or spec.channels, len(dataset.classes)
        if classes != count:
            raise InputError(
                f"{name} tells {classes} classes apart and {dataset.name} has {count}; build it with classes={count}"
            )

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """Cross-entropy over the positions that count."""
        from zoo.losses import SegmentationCrossEntropy

        return SegmentationCrossEntropy(ignore, class_weights)
