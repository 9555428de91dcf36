"""Tasks whose answer is a sentence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import spread
from zoo.data.targets import Sentence
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.sentence import sentence_output, until_end
from zoo.outputs.vocabulary import SENTENCES, START
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

MARKS = SENTENCES  # in front of every vocabulary


class SentenceTask(ClassTask):
    """N×length×words scores of sentences against N×length numbers of words.

    Networks end in `zoo.layers.SentenceDecoder`: they learn each word behind the right ones, and are scored by what they say by
    themselves. A device runs `encoder` once and `deployed` once a word.
    """

    headline = "exact_match"
    outputs = ("sentence",)
    target = Sentence

    @abstractmethod
    def default_labels(self) -> tuple[str, ...]:
        """`MARKS`, and words."""

    def labels_for(self, classes: int | Sequence[str] | None) -> tuple[str, ...]:
        """The vocabulary: given, with the marks in front; of a number words without names; or the task's own.

        Raises:
            InputError: for one without the marks, or without a word.
        """
        if isinstance(classes, int) and classes > len(MARKS):
            default = self.default_labels()
            return default if len(default) == classes else (*MARKS, *(f"word{i}" for i in range(classes - len(MARKS))))
        labels = super().labels_for(classes)
        if labels[: len(MARKS)] != MARKS or len(labels) == len(MARKS):
            raise InputError(f"classes={classes!r}: expected a vocabulary, {', '.join(MARKS)} and words behind them")
        return labels

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Scores of the word at each place."""
        self._chosen_output(output)
        return sentence_output(labels)

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Exact match, BLEU and CIDEr."""
        from zoo.metrics.sentences import SentenceScores

        self._check_wishes(wishes)
        return [SentenceScores(dataset.classes, dataset.ignore)]

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """As many words as the data have, the same ones, and sentences as long."""
        super().check_fit(name, spec, dataset)
        words = tuple(dataset.classes)
        if spec.labels and tuple(spec.labels) != words:
            own, other = next(pair for pair in zip(spec.labels, words, strict=True) if pair[0] != pair[1])
            raise InputError(f"{name} says {own!r} where {dataset.name} has {other!r}; build it with classes=data.classes")
        length, longest = spec.options.get("length"), getattr(dataset, "length", None)
        if longest is not None and length not in (None, longest):
            raise InputError(
                f"{name} says sentences of {length} words, their end with them, and {dataset.name} has {longest}; build it "
                f"with length={longest}"
            )

    def augmentation(self, native: bool = False) -> Any:
        """Colours alone: a sentence is about all that a picture shows, and where it is."""
        from zoo.data import Augment

        return Augment(flip=0.0, scale=(1.0, 1.0), native=native) if self.stretches else None

    def encoder(self, model: keras.Model) -> keras.Model:
        """What looks at the question once."""
        from zoo.layers import encoder_network

        return encoder_network(model)

    def deployed(self, model: keras.Model) -> keras.Model:
        """One word of it, around which a device writes its loop."""
        from zoo.layers import word_network

        return word_network(model)

    def steps_seen(self, dataset: Dataset, seen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The right sentences behind what begins each, N×1×length×1, and what is seen of their pictures."""
        from zoo.layers.sentence_decoder import WORD

        places = spread(min(len(next(iter(seen.values()))), len(dataset)), len(dataset))
        sentences = np.stack([np.asarray(dataset[place].target) for place in places])
        begun = np.concatenate([np.full_like(sentences[:, :1], MARKS.index(START)), sentences[:, :-1]], axis=1)
        return {WORD: begun[:, None, :, None].astype(np.float32), **seen}

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """The words of the sentence that is learnt."""
        return until_end(np.asarray(target), spec.labels)
