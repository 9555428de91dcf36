"""Questions about scenes: each with four answers of which one is true, drawn so that the picture must be seen.

A class wears its own texture nearly always and most scenes have two things, so that "what is dotted?" and "how many are there?"
would answer themselves. What is asked has answers that are about as likely as each other, and of those of numbers, the usual
ones are asked for less. Chance is 1/4; what a model can get that knows how often each answer is right to each question, and
never sees a picture, is `blind_optimum`, about 1/3; tests/data/test_questions.py holds it below 1/2.

>>> question(scene(0, 1, 64))
Question(kind='where', words=('where', 'is', 'the', 'disk', '?'), answers=('top left', …), truth=2)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.datasets.scenes.grammar import NUMBERS, TEXTURES, Name, Words, noun
from zoo.data.datasets.scenes.scene import Scene
from zoo.data.datasets.scenes.sentences import leads
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.data.datasets.scenes.things import ASIDE, OUTERMOST, Thing, things
from zoo.outputs.vocabulary import PADDING

CHOICES = 4
CHANCE = 1 / CHOICES
_STREAM = 6  # of random numbers, beside those of the scene
CORNERS = tuple(f"{row} {column}" for row in ("top", "bottom") for column in ("left", "right"))
COUNTS = ("none", *NUMBERS[1:])
ANSWERS: Words = (*SHAPES, *TEXTURES.values(), *CORNERS, *COUNTS)
"""All answers that are ever given, in one order for ever."""
# How often, beside others, a number is asked for, by what is true: what most scenes have less often.
_TOTAL_WEIGHTS = (0.0, 0.3, 0.3, 0.8, 1.0)
_COUNT_WEIGHTS = (0.25, 0.35, 1.0, 1.0, 0.0)
_BESIDE = {"left": ("left", "of"), "right": ("right", "of"), "above": ("above",), "below": ("below",)}
_END = {"left": ("to", "the", "left"), "right": ("to", "the", "right"), "above": ("up",), "below": ("down",)}


@dataclass(frozen=True)
class Question:
    """A question about a scene.

    Attributes:
        kind: what it asks for, a key of `KINDS`.
        words: of the question, with its mark.
        answers: four of `ANSWERS`, in an order that tells nothing.
        truth: which of them is true, 0 to 3.
    """

    kind: str
    words: Words
    answers: Words
    truth: int


@dataclass(frozen=True)
class _Candidate:
    """A question that could be asked, its true answer, the answers that others are drawn from, and how often it is asked."""

    words: Words
    true: str
    others: Words
    weight: float = 1.0


def question(one: Scene, number: int = 0) -> Question:
    """A question that is asked about a scene, the same for ever: of a kind that can be, as often one as another.

    Args:
        one: square, of any size.
        number: which of them; each is drawn by itself.
    """
    further = (number,) if number else ()
    seen, random = things(one), np.random.default_rng((_STREAM, one.seed, one.index, *further))
    possible = {kind: found for kind, ask in KINDS.items() if (found := list(ask(seen, random)))}
    kind = _drawn(list(possible), [max(each.weight for each in found) for found in possible.values()], random)
    candidate = _drawn(possible[kind], [each.weight for each in possible[kind]], random)
    wrong = [answer for answer in candidate.others if answer != candidate.true]
    given = [candidate.true, *(wrong[at] for at in random.permutation(len(wrong))[: CHOICES - 1])]
    order = random.permutation(CHOICES)
    return Question(kind, candidate.words, tuple(given[at] for at in order), int(np.argmin(order)))


def _drawn(choices: Sequence[Any], weights: Sequence[float], random: np.random.Generator) -> Any:
    return choices[random.choice(len(choices), p=np.array(weights) / sum(weights))]


def vocabulary() -> Words:
    """All words of questions and answers, in one order for ever: what fills up, then by alphabet."""
    plural = {noun(Name(shape), plural=True)[-1] for shape in SHAPES}
    fixed = "what is pattern on the thing at where how many things are there largest furthest to up down of above below ?"
    words = {*fixed.split(), *plural, *(word for answer in ANSWERS for word in answer.split())}
    return (PADDING, *sorted(words))


def blind_optimum(known: Iterable[Question], asked: Iterable[Question]) -> float:
    """The share that a model gets right which never sees a picture: the likeliest of the given answers, by the question.

    Wrong answers are drawn evenly, so that those which are given tell nothing beyond what they leave out.

    Args:
        known: from which it knows how often each answer is right to each question.
        asked: that it is scored by; others than those.
    """
    right: dict[Words, Counter[str]] = defaultdict(Counter)
    for each in known:
        right[each.words][each.answers[each.truth]] += 1
    hits = [int(np.argmax([right[each.words][answer] for answer in each.answers])) == each.truth for each in asked]
    return float(np.mean(hits))


# Whether one thing is certainly at a side of another, and whether it is there at all.
_SIDES: dict[str, tuple[Callable[[Thing, Thing], bool], Callable[[Thing, Thing], bool]]] = {
    "left": (lambda one, other: one.is_left_of(other), lambda one, other: one.x < other.x),
    "right": (lambda one, other: other.is_left_of(one), lambda one, other: one.x > other.x),
    "above": (lambda one, other: one.is_above(other), lambda one, other: one.y < other.y),
    "below": (lambda one, other: other.is_above(one), lambda one, other: one.y > other.y),
}


def _beside(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    """What is beside the only one of its shape, where but one thing is on that side at all."""
    for thing in seen:
        if sum(other.shape == thing.shape for other in seen) > 1:
            continue
        others = [other for other in seen if other is not thing]
        for side, (certainly, at_all) in _SIDES.items():
            there = [other for other in others if at_all(other, thing)]
            if len(there) == 1 and certainly(there[0], thing):
                words = ("what", "is", *_BESIDE[side], "the", thing.shape, "?")
                yield _Candidate(words, there[0].shape, tuple(shape for shape in SHAPES if shape != thing.shape))


def _alone_in_corner(seen: tuple[Thing, ...]) -> Iterator[tuple[Thing, tuple[str, str]]]:
    """Things in a corner where no other one is, nor near."""
    for thing in seen:
        if not thing.corner:
            continue
        down, across = np.sign(thing.y), np.sign(thing.x)
        others = (other for other in seen if other is not thing)
        if not any(other.y * down > -ASIDE and other.x * across > -ASIDE for other in others):
            yield thing, thing.corner


def _at_corner(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    for thing, corner in _alone_in_corner(seen):
        yield _Candidate(("what", "is", "at", "the", *corner, "?"), thing.shape, tuple(SHAPES))


def _pattern(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    """The texture of what is named by its place: its shape would tell it."""
    words = ("what", "pattern", "is", "on", "the", "thing", "at", "the")
    for thing, corner in _alone_in_corner(seen):
        yield _Candidate((*words, *corner, "?"), TEXTURES[thing.texture], tuple(TEXTURES.values()))


def _outermost(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    for thing in seen:
        for side, lead in leads(thing, seen).items():
            if OUTERMOST <= lead < np.inf:
                yield _Candidate(("what", "is", "furthest", *_END[side], "?"), thing.shape, tuple(SHAPES))


def _largest(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    for thing in seen:
        others = [other for other in seen if other is not thing]
        if others and all(map(thing.is_larger_than, others)):
            yield _Candidate(("what", "is", "the", "largest", "thing", "?"), thing.shape, tuple(SHAPES))


def _where(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    for thing in seen:
        if thing.corner and sum(other.shape == thing.shape for other in seen) == 1:
            yield _Candidate(("where", "is", "the", thing.shape, "?"), " ".join(thing.corner), CORNERS)


def _total(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    count = len(seen)
    words = ("how", "many", "things", "are", "there", "?")
    yield _Candidate(words, COUNTS[count], COUNTS[1:], _TOTAL_WEIGHTS[count])



def _count(seen: tuple[Thing, ...], random: np.random.Generator) -> Iterator[_Candidate]:
    """One question a number that is true of some shape, so that numbers are as even as scenes let them be."""
    counts = Counter(thing.shape for thing in seen)
    by_count: dict[int, list[str]] = defaultdict(list)
    for shape in SHAPES:
        by_count[counts[shape]].append(shape)
    for count, shapes in by_count.items():
        if not _COUNT_WEIGHTS[count]:
            continue
        plural = noun(Name(shapes[random.integers(len(shapes))]), plural=True)
        words = ("how", "many", *plural, "are", "there", "?")
        yield _Candidate(words, COUNTS[count], COUNTS[:CHOICES], _COUNT_WEIGHTS[count])


KINDS: dict[str, Callable[[tuple[Thing, ...], np.random.Generator], Iterator[_Candidate]]] = {
    "beside": _beside,
    "at corner": _at_corner,
    "pattern": _pattern,
    "outermost": _outermost,
    "largest": _largest,
    "where": _where,
    "total": _total,
    "count": _count,
}
