"""Question answering: which of the given answers to a question about a picture is the right one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import spread
from zoo.data.sheets import ANSWER, CHOICES, LINES, QUESTION, apart, sheet
from zoo.data.targets import Label
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.choices import OUTPUTS, choice_output
from zoo.outputs.vocabulary import PADDING
from zoo.tasks.base import ToyBatch
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_DEFAULT = 50  # words of a vocabulary that nobody gave


class QuestionAnswering(ClassTask):
    """N×answers scores against N integers, which answer is right.

    Networks learn from sheets (`zoo.data.sheets`): the picture, the question's line and a line for each answer. A device runs
    them on picture, question and answers side by side.
    """

    name = "question_answering"
    headline = "choice_accuracy"
    outputs = tuple(OUTPUTS)
    target = Label
    squashes = False
    toy_build = {}  # noqa: RUF012 (the base says that it is a class's)

    def default_labels(self) -> tuple[str, ...]:
        """A vocabulary of words without names."""
        return self.labels_for(_DEFAULT)

    def labels_for(self, classes: int | Sequence[str] | None) -> tuple[str, ...]:
        """The vocabulary: given, with what fills up lines in front; or so many words without names.

        Raises:
            InputError: for one without that, or without a word.
        """
        if isinstance(classes, int) and classes > 1:
            return (PADDING, *(f"word{number}" for number in range(1, classes)))
        labels = super().labels_for(classes)
        if len(labels) == 1 or labels[0] != PADDING:
            raise InputError(f"classes={classes!r}: expected a vocabulary, {PADDING} and words behind it")
        return labels

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """A score for each of the given answers."""
        return choice_output(labels, output or self.outputs[0])

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """The share of right choices, beside chance and what a model gets that never sees the picture, where the data know."""
        from zoo.metrics.choices import ChoiceScores

        self._check_wishes(wishes)
        return [ChoiceScores(getattr(dataset, "blind", None))]

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The same words under the same numbers."""
        super().check_fit(name, spec, dataset)
        if spec.labels and spec.labels != tuple(dataset.classes):
            raise InputError(f"{name} knows other words than {dataset.name} has; build it with classes=data.classes")

    def class_weights(self, dataset: Dataset, rule: str) -> Sequence[float]:
        """None: answers are right wherever they stand."""
        raise self._no_classes(f"class_weights={rule!r}")

    def deployed(self, model: keras.Model) -> keras.Model:
        """The network of picture, question and answers."""
        from zoo.layers import parts_network

        return parts_network(model)

    def asked(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """A sheet as picture, question and answers."""
        picture, lines = apart(image, LINES)
        return {
            "picture": picture,
            "question": lines[None, :1, :QUESTION, None].astype(np.float32),
            "answers": lines[None, 1:, :ANSWER, None].astype(np.float32),
        }

    def calibration(
        self, dataset: Dataset, count: int, size: tuple[int, int], tiles: bool = False
    ) -> dict[str, np.ndarray]:
        """Pictures N×H×W×3 with their questions and answers."""
        chosen = [self.asked(dataset[at].image) for at in spread(min(count, len(dataset)), len(dataset))]
        pictures = np.stack([each["picture"] for each in chosen])
        return {"picture": pictures} | {
            name: np.concatenate([each[name] for each in chosen]) for name in ("question", "answers")
        }

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """All of the probability for the right answer."""
        return np.eye(CHOICES, dtype=np.float32)[int(np.asarray(target))]

    def counted(self, targets: np.ndarray, ignore: int | None) -> set[int] | None:
        """None: places of answers are no classes."""
        return None

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Grey pictures of four brightnesses, each a word; the answers are these words in any order."""
        height, width, channels = shape
        random = np.random.default_rng(seed)
        pages, truths = [], []
        for _ in range(count):
            words, kind = random.permutation(CHOICES), random.integers(0, CHOICES)
            picture = random.normal(40 + 55 * kind, 8, (height - LINES, width, channels)).clip(0, 255).astype(np.uint8)
            pages.append(sheet(picture, [[1, 2], *([3 + word] for word in words)]))
            truths.append(int(np.argmax(words == kind)))
        return ToyBatch(np.stack(pages).astype(np.float32), np.array(truths, np.int32))
