"""Sentences of scenes: what is certainly true of one, as meanings that each language says in its way (`grammar`)."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

from zoo.data.datasets.scenes.grammar import (
    MOST,
    TEXTURES,
    Beside,
    Corner,
    Count,
    Larger,
    Largest,
    Meaning,
    Name,
    Outermost,
    Row,
    Total,
    Wears,
)
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.data.datasets.scenes.things import ORDER, OUTERMOST, Thing
from zoo.errors import InputError


def meanings(seen: tuple[Thing, ...]) -> tuple[Meaning, ...]:
    """All that the grammar can say of a scene, in one order for ever; what is too close to call is not among it.

    A thing is called "the star" where it is the only star, "the dotted star" where no other star is dotted.

    Args:
        seen: its things, as `things` gives them.

    Raises:
        InputError: for more things than a sentence lists.
    """
    if len(seen) > MOST:
        raise InputError(f"a scene of {len(seen)} things; sentences are of up to {MOST}, as squares have them")
    names = {thing.number: _names(thing, seen) for thing in seen}
    result: list[Meaning] = [*rows(seen), Total(len(seen)), *_counts(seen)]
    for one, other in itertools.permutations(seen, 2):
        sides = [side for side, true in _sides(one, other) if true]
        for other_name in names[other.number]:
            for name in names[one.number]:
                result += [Beside(name, side, other_name) for side in sides]
                result += [Larger(name, other_name)] * one.is_larger_than(other)
            for name in (Name(one.shape), Name(one.shape, one.texture)):
                result += [Beside(name, side, other_name, shows=True) for side in sides]
                result += [Larger(name, other_name, shows=True)] * one.is_larger_than(other)
    for thing in seen:
        others = [other for other in seen if other is not thing]
        for name in names[thing.number]:
            result += [Largest(name)] * (bool(others) and all(map(thing.is_larger_than, others)))
            result += [Outermost(name, side) for side, lead in leads(thing, seen).items() if OUTERMOST <= lead < math.inf]
        if thing.corner:
            result += [Corner(name, thing.corner) for name in (Name(thing.shape), Name(thing.shape, thing.texture))]
        if Name(thing.shape) in names[thing.number]:
            result.append(Wears(thing.shape, thing.texture))
    return tuple(dict.fromkeys(result))


def rows(seen: tuple[Thing, ...]) -> tuple[Row, ...]:
    """The things from left to right, in their very order first; things within `ORDER` stand in any order."""
    right = [order for order in itertools.permutations(seen) if _is_in_order(order)]
    return tuple(dict.fromkeys(Row(tuple(Name(thing.shape, thing.texture) for thing in order)) for order in right))


def _is_in_order(order: tuple[Thing, ...]) -> bool:
    return all(before.x < after.x + ORDER for before, after in itertools.combinations(order, 2))


def _names(thing: Thing, seen: tuple[Thing, ...]) -> tuple[Name, ...]:
    """What the thing, and no other one, is called."""
    shapes = Counter(other.shape for other in seen)
    both = Counter((other.shape, other.texture) for other in seen)
    exact = (Name(thing.shape, thing.texture),) if both[thing.shape, thing.texture] == 1 else ()
    return (Name(thing.shape), *exact) if shapes[thing.shape] == 1 else exact


def _counts(seen: tuple[Thing, ...]) -> Iterator[Count]:
    """How many there are of each shape, and of each shape in each texture."""
    for shape in SHAPES:
        ones = [thing.texture for thing in seen if thing.shape == shape]
        yield Count(Name(shape), len(ones))
        yield from (Count(Name(shape, texture), ones.count(texture)) for texture in TEXTURES)


def _sides(one: Thing, other: Thing) -> tuple[tuple[str, bool], ...]:
    """Whether the one is at each side of the other."""
    return (
        ("left", one.is_left_of(other)),
        ("right", other.is_left_of(one)),
        ("above", one.is_above(other)),
        ("below", other.is_above(one)),
    )


def leads(thing: Thing, seen: tuple[Thing, ...]) -> dict[str, float]:
    """By how much a thing is ahead of all others at each side, in sides of the picture; infinite where it is alone."""
    others = [other for other in seen if other is not thing]
    return {
        "left": min((other.x - thing.x for other in others), default=math.inf),
        "right": min((thing.x - other.x for other in others), default=math.inf),
        "above": min((other.y - thing.y for other in others), default=math.inf),
        "below": min((thing.y - other.y for other in others), default=math.inf),
    }
