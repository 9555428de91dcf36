"""Scores of choices: how often the right one of the given answers is chosen, beside chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score


class ChoiceScores(Metric):
    """The share of questions whose true answer scores highest among those that were given; of equals the first counts.

    Beside it stands chance, the mean of one over how many were given; and, where it is known, what a model gets that never sees
    what was asked about, and the gap to it: the proof that the picture was looked at.

    Args:
        blind: that model's share, or None.
    """

    def __init__(self, blind: float | None = None) -> None:
        self._blind = blind
        self._right: list[bool] = []
        self._chances: list[float] = []

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts one question.

        Args:
            target: which of the given answers is true, from 0.
            answer: float n, the scores of the given answers in their order.

        Raises:
            InputError: for an answer of another shape, and a truth that is not among them.
        """
        truth, answer = np.asarray(target).reshape(-1), np.asarray(answer)
        if answer.ndim != 1 or truth.size != 1 or not 0 <= truth[0] < len(answer):
            raise InputError(
                f"a truth {truth.tolist()} and scores of shape {answer.shape}; expected one number and a score an answer"
            )
        self._right.append(int(answer.argmax()) == int(truth[0]))
        self._chances.append(1 / len(answer))

    def merge(self, other: Metric) -> ChoiceScores:
        self._right += other._right
        self._chances += other._chances
        return self

    def scores(self) -> list[Score]:
        accuracy, chance = (float(np.mean(each)) if each else np.nan for each in (self._right, self._chances))
        scores = [Score("choice_accuracy", accuracy), Score("chance", chance)]
        if self._blind is not None:
            scores += [Score("blind", self._blind), Score("gap", accuracy - self._blind)]
        return scores
