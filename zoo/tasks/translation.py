"""Translation: a sentence said in another language."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.outputs import OutputSpec
from zoo.outputs.vocabulary import END, SENTENCES
from zoo.tasks.base import ToyBatch
from zoo.tasks.sentences import SentenceTask

_LENGTH = 6  # of toy sentences, the end with them
_END = SENTENCES.index(END)


class Translation(SentenceTask):
    """The words of a sentence N×1×S×1, in one vocabulary with those of its translation."""

    name = "translation"
    toy_size = (1, _LENGTH)

    def default_labels(self) -> tuple[str, ...]:
        """The words of English and German sentences about scenes."""
        from zoo.data.datasets.scenes.grammar import LANGUAGES, vocabulary

        return vocabulary(*LANGUAGES)

    @property
    def stretches(self) -> bool:
        """No: words are no pixels."""
        return False

    def channels(self, dataset: Any) -> int:
        """One: a word's number."""
        return 1

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Sentences of two words, the second said first in the translation."""
        first, words = len(SENTENCES), (spec.classes or spec.channels) - len(SENTENCES)
        random = np.random.default_rng(seed)
        said = random.integers(0, min(words, 2), (count, 2)) + first
        images = np.zeros((count, *shape), np.float32)
        targets = np.zeros((count, spec.options["length"]), np.int32)
        images[:, 0, :3, 0] = np.pad(said, ((0, 0), (0, 1)), constant_values=_END)
        targets[:, :3] = np.pad(said[:, ::-1], ((0, 0), (0, 1)), constant_values=_END)
        return ToyBatch(images, targets)
