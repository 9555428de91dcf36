"""Decoding: texts written on, token by token, from what a network says of the next one.

Around a network that gives logarithms of probabilities and hands states on: greedily, by drawing, or by a search that keeps
several texts. NumPy alone, whatever computes the step.

>>> written = write_on(step, read(step, None, prompt), Sampling(temperature=0.8, nucleus=0.95), np.random.default_rng(0))
>>> "".join(labels[token] for token in itertools.islice(written, 200))
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import InputError

Step = Callable[[int, Any], tuple[np.ndarray, Any]]  # a token and the states before it → V logarithms, the states after it
NORMALIZATION = 0.6  # of a text's length, the usual one (Wu et al. 2016)
_BEFORE = 5  # tokens that a text's length is counted from, likewise


@dataclass(frozen=True)
class Place:
    """A place in a text that is being written: what is said of the token to come, and the states there.

    Attributes:
        next: float V, logarithms of probabilities.
        states: as the step gives and takes them.
    """

    next: np.ndarray
    states: Any


@dataclass(frozen=True)
class Sampling:
    """The way in which a token is drawn.

    Attributes:
        temperature: that scores are divided by; 0 takes the likeliest token, of equals the first.
        top_k: so many of the likeliest tokens have a chance; None for all.
        nucleus: the fewest of the likeliest tokens that have this share together (Holtzman et al. 2020); None for all.

    Raises:
        InputError: for numbers out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    nucleus: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise InputError(f"temperature={self.temperature}; expected 0 (the likeliest) or more")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k={self.top_k}; expected 1 or more, or None for all tokens")
        if self.nucleus is not None and not 0 < self.nucleus <= 1:
            raise InputError(f"nucleus={self.nucleus}; expected a share above 0, at most 1, or None for all tokens")

    def shares(self, scores: np.ndarray) -> np.ndarray:
        """The chance of each token, float64 V, from logarithms of probabilities."""
        scores = np.asarray(scores, np.float64)
        if self.temperature == 0:
            return np.eye(1, len(scores), int(scores.argmax()))[0]
        order = np.argsort(-scores, kind="stable")
        chances = np.exp((scores[order] - scores[order[0]]) / self.temperature)
        chances /= chances.sum()
        if self.top_k is not None:
            chances[self.top_k :] = 0
            chances /= chances.sum()
        if self.nucleus is not None:
            before = np.concatenate([[0.0], np.cumsum(chances)[:-1]])
            chances[before >= self.nucleus] = 0
        result = np.zeros_like(chances)
        result[order] = chances / chances.sum()
        return result

    def choose(self, scores: np.ndarray, random: np.random.Generator) -> int:
        """A token, drawn by its chance."""
        if self.temperature == 0:
            return int(np.argmax(scores))
        return int(random.choice(len(scores), p=self.shares(scores)))


GREEDY = Sampling(temperature=0)


def read(step: Step, states: Any, tokens: Sequence[int]) -> Place:
    """The place behind tokens that are given.

    Args:
        step: of the network.
        states: before the first of them.
        tokens: one or more.

    Raises:
        InputError: for no tokens.
    """
    if not len(tokens):
        raise InputError("nothing to write on from; give a prompt of one token or more")
    for token in tokens:
        scores, states = step(token, states)
    return Place(scores, states)


def write_on(step: Step, place: Place, sampling: Sampling, random: np.random.Generator | None = None) -> Iterator[int]:
    """Tokens one after the other, without an end.

    Args:
        step: of the network.
        place: where to begin.
        sampling: how each is drawn.
        random: that they are drawn by; by default of seed 0.
    """
    random = np.random.default_rng(0) if random is None else random
    while True:
        token = sampling.choose(place.next, random)
        yield token
        place = Place(*step(token, place.states))


@dataclass(frozen=True)
class Hypothesis:
    """A text that a search has found.

    Attributes:
        tokens: without the one that ends it.
        log_probability: of the tokens, and of the end where it is ended.
        score: that, over the length to a power: what texts are ranked by.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


def beam_search(
    step: Step, place: Place, beams: int, longest: int, end: int | None = None, normalization: float = NORMALIZATION
) -> list[Hypothesis]:
    """The likeliest texts of those that a search sees which keeps some beginnings, the best first, at most `beams`.

    Texts are ranked by log p / ((5 + n) / 6)^normalization, n their tokens with the end (Wu et al. 2016): by the
    probability alone, normalization=0, a short text beats every longer one that begins likewise.

    Args:
        step: of the network.
        place: where to begin.
        beams: beginnings that are kept; with 1 it is greedy.
        longest: tokens of a text; what is not ended by then counts as it is.
        end: the token that ends a text, or None.
        normalization: the power of the length.

    Raises:
        InputError: for no beam or no token.
    """
    if beams < 1 or longest < 1:
        raise InputError(f"beams={beams}, longest={longest}; expected 1 or more of each")
    alive: list[tuple[float, tuple[int, ...], Place]] = [(0.0, (), place)]
    ended: list[Hypothesis] = []
    for length in range(1, longest + 1):
        grown = heapq.nsmallest(beams, _continuations(alive, beams), key=lambda entry: entry[:3])
        alive = []
        for cost, parent_tokens, token, parent in grown:
            if token == end:
                ended.append(Hypothesis(parent_tokens, -cost, _ranked(-cost, length, normalization)))
            elif length == longest:
                ended.append(Hypothesis((*parent_tokens, token), -cost, _ranked(-cost, length, normalization)))
            else:
                alive.append((-cost, (*parent_tokens, token), Place(*step(token, parent.states))))
        if not alive or _settled(ended, alive, beams, longest, normalization):
            break
    return sorted(ended, key=lambda text: (-text.score, text.tokens))[:beams]


def _continuations(
    alive: Sequence[tuple[float, tuple[int, ...], Place]], beams: int
) -> Iterator[tuple[float, tuple[int, ...], int, Place]]:
    """Each beginning by each of its likeliest tokens, with what it costs."""
    for log_probability, tokens, place in alive:
        scores = np.asarray(place.next, np.float64)
        for token in np.argsort(-scores, kind="stable")[:beams]:
            yield -(log_probability + float(scores[token])), tokens, int(token), place


def _ranked(log_probability: float, length: int, normalization: float) -> float:
    return log_probability / ((_BEFORE + length) / (_BEFORE + 1)) ** normalization


def _settled(
    ended: Sequence[Hypothesis],
    alive: Sequence[tuple[float, tuple[int, ...], Place]],
    beams: int,
    longest: int,
    normalization: float,
) -> bool:
    """Whether no beginning can become better than `beams` ended texts: at its longest it would still rank below."""
    if len(ended) < beams:
        return False
    worst = sorted((text.score for text in ended), reverse=True)[beams - 1]
    return all(_ranked(log_probability, longest, normalization) <= worst for log_probability, *_ in alive)
