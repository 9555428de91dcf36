"""Language model: which token comes next in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import spread
from zoo.data.targets import Tokens
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.tokens import OUTPUTS, token_output
from zoo.tasks.base import ToyBatch
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_PRINTABLE = ("\n", *map(chr, range(ord(" "), ord("~") + 1)))  # ASCII's characters
_JOINED = 8  # windows of a text that ranges are measured on
_FAITHFUL = 0.9  # share of a toy text that goes its way


class LanguageModel(ClassTask):
    """N×H×W×tokens logits against N×(H·W) tokens, those that come next."""

    name = "language_model"
    headline = "cross_entropy"
    outputs = tuple(OUTPUTS)
    target = Tokens
    toy_size = (2, 20)  # two texts

    def default_labels(self) -> tuple[str, ...]:
        """The printable characters of ASCII and the end of a line."""
        return _PRINTABLE

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Scores of the next token at every position."""
        return token_output(labels, self._chosen_output(output))

    def channels(self, dataset: Any) -> int:
        """One: a token's number."""
        return 1

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Cross-entropy, bits and perplexity a token."""
        from zoo.metrics.surprise import Surprise

        self._check_wishes(wishes)
        return [Surprise(dataset.ignore)]

    def deployed(self, model: keras.Model) -> keras.Model:
        """One step of it, around which a device writes its loop."""
        from zoo.layers import step_network

        return step_network(model)

    def calibration(self, dataset: Dataset, count: int, size: tuple[int, int], tiles: bool = False) -> np.ndarray:
        """Texts of several windows each, N×1×n×1: states take a while to become as large as they ever are."""
        windows = min(_JOINED, len(dataset))
        first = spread(max(1, count // windows), len(dataset) - windows + 1)
        texts = [np.concatenate([dataset[at + place].image for place in range(windows)], axis=1) for at in first]
        return np.stack(texts).astype(np.float32)

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """All of the probability for the token that came, as logarithms."""
        values = np.asarray(target)
        answer = np.full((len(values), spec.classes or spec.channels), -np.inf, np.float32)
        answer[np.arange(len(values)), values.clip(0)] = 0.0
        return answer

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Texts in which each token is mostly followed by the one of the next number."""
        height, width, _ = shape
        tokens = spec.classes or spec.channels
        random = np.random.default_rng(seed)
        sides = (count, height, width + 1)
        steps = np.where(random.random(sides) < _FAITHFUL, 1, random.integers(0, tokens, sides))
        texts = steps.cumsum(axis=-1) % tokens
        images = texts[..., :-1, None].astype(np.float32)
        return ToyBatch(images, texts[..., 1:].reshape(count, height * width).astype(np.int32))
