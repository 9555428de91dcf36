"""Captioning: a sentence that says what a picture shows."""

from __future__ import annotations

import numpy as np

from zoo.outputs import OutputSpec
from zoo.outputs.vocabulary import END
from zoo.tasks.base import ToyBatch, enlarged
from zoo.tasks.sentences import MARKS, SentenceTask

_BLOCK_SIDE = 16  # pixels of a toy picture's blocks
_DARK, _BRIGHT = 40.0, 215.0


class Captioning(SentenceTask):
    """The words of a picture."""

    name = "captioning"

    def default_labels(self) -> tuple[str, ...]:
        """The words of captions of scenes in English."""
        from zoo.data.datasets.scenes.grammar import vocabulary

        return vocabulary("english")

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Pictures that are dark or bright at each side; the sentence says by two words of each side which, then it ends."""
        height, width, channels = shape
        random = np.random.default_rng(seed)
        sides = random.integers(0, 2, (count, 2))
        rows, columns = -(-height // _BLOCK_SIDE), -(-width // _BLOCK_SIDE)
        blocks = sides[:, None, (np.arange(columns) * 2 // columns)].repeat(rows, axis=1)
        images = enlarged(np.where(blocks, _BRIGHT, _DARK), (height, width))[..., None].repeat(channels, -1)
        images = images + random.normal(0, 10, images.shape)
        first, length = len(MARKS), spec.options["length"]
        other = first + 1 if (spec.classes or spec.channels) > first + 1 else first
        words = np.where(sides, first, other)
        ends = np.full((count, 1), MARKS.index(END))
        sentences = np.concatenate([words, ends, np.zeros((count, length), int)], axis=1)[:, :length]
        return ToyBatch(images.clip(0, 255).astype("float32"), sentences.astype("int32"))
