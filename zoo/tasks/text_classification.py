"""Text classification: a sentence gets one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.datasets.scenes.grammar import vocabulary
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.errors import InputError
from zoo.outputs import OutputSpec
from zoo.outputs.vocabulary import END, SENTENCES
from zoo.tasks.base import ToyBatch
from zoo.tasks.classification import Classification

if TYPE_CHECKING:
    from zoo.data import Dataset


def vocabulary_of(words: Sequence[str] | None) -> tuple[str, ...]:
    """The words of a network that reads: given, or those of English sentences about scenes.

    Raises:
        InputError: for one without what fills up and ends a sentence in front, or without a word.
    """
    known = vocabulary("english") if words is None else tuple(words)
    if isinstance(words, str) or known[: len(SENTENCES)] != SENTENCES or len(known) == len(SENTENCES):
        raise InputError(f"vocabulary={words!r}: expected {', '.join(SENTENCES)} and words behind them")
    return known


class TextClassification(Classification):
    """N×classes logits of sentences N×1×S×1 against N integers."""

    name = "text_classification"

    def default_labels(self) -> tuple[str, ...]:
        """The shapes of things in scenes."""
        return tuple(SHAPES)

    @property
    def stretches(self) -> bool:
        """No: words are no pixels."""
        return False

    def channels(self, dataset: Any) -> int:
        """One: a word's number."""
        return 1

    def build_options(self, dataset: Dataset) -> Mapping[str, Any]:
        """The words of the data."""
        words = getattr(dataset, "vocabulary", None)
        return {} if words is None else {"vocabulary": words}

    def check_fit(self, name: str, spec: OutputSpec, dataset: Dataset) -> None:
        """The same words under the same numbers, and sentences that are no longer than what is read."""
        super().check_fit(name, spec, dataset)
        known, words = spec.options.get("vocabulary"), getattr(dataset, "vocabulary", None)
        if known is not None and words is not None and tuple(known) != tuple(words):
            raise InputError(f"{name} knows other words than {dataset.name} has; build it with vocabulary=data.vocabulary")
        reads, longest = spec.options.get("reads"), getattr(dataset, "length", None)
        if reads is not None and longest is not None and reads != longest:
            raise InputError(
                f"{name} reads {reads} words, their end with them, and {dataset.name} has {longest}; build it with "
                f"input_shape=(1, {longest}, 1)"
            )

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Sentences of two words; which comes first is the class, so that the words alone tell nothing."""
        random, first = np.random.default_rng(seed), len(SENTENCES)
        words = min(spec.classes or spec.channels, len(spec.options["vocabulary"]) - first)
        said = np.argsort(random.random((count, words)), axis=1)[:, :2]
        images = np.zeros((count, *shape), np.float32)
        images[:, 0, :2, 0] = said + first
        images[:, 0, 2, 0] = SENTENCES.index(END)
        return ToyBatch(images, said[:, 0].astype(np.int32))
