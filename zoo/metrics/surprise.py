"""Surprise: how little a language model expected the tokens that came."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score


class Surprise(Metric):
    """Cross-entropy a token in nats and in bits, its exponential (perplexity), and the share that was the likeliest.

    All are means over the tokens that count, of all texts together.

    Args:
        ignore: the target value that does not count, or None.
    """

    def __init__(self, ignore: int | None = None) -> None:
        self._ignore = ignore
        self._nats, self._right, self._tokens = 0.0, 0, 0

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one text.

        Args:
            target: the n tokens that came.
            answer: n×tokens, the logarithms of probabilities.

        Raises:
            InputError: shapes differ, or a token is none of the vocabulary.
        """
        values, answer = np.asarray(target).reshape(-1), np.asarray(answer)
        if answer.ndim != 2 or len(answer) != len(values):
            raise InputError(f"{len(values)} tokens came, the answer is of shape {answer.shape}; expected {len(values)}×tokens")
        counted = np.ones(len(values), bool) if self._ignore is None else values != self._ignore
        values, answer = values[counted], answer[counted]
        if values.size and not 0 <= values.min() <= values.max() < answer.shape[1]:
            raise InputError(f"tokens from {values.min()} to {values.max()}; the answer knows 0 to {answer.shape[1] - 1}")
        self._nats -= float(answer[np.arange(len(values)), values].sum(dtype=np.float64))
        self._right += int((answer.argmax(axis=1) == values).sum()) if values.size else 0
        self._tokens += len(values)

    def merge(self, other: Metric) -> Surprise:
        self._nats += other._nats
        self._right += other._right
        self._tokens += other._tokens
        return self

    def scores(self) -> list[Score]:
        tokens = self._tokens or math.nan
        nats = self._nats / tokens
        return [
            Score("cross_entropy", nats, "nats", higher_is_better=False),
            Score("bits", nats / math.log(2), "bits", higher_is_better=False),
            Score("perplexity", math.exp(nats), "", higher_is_better=False),
            Score("next_token_accuracy", self._right / tokens),
        ]
