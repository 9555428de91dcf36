"""Run lengths: masks as COCO writes them, compressed, in Fortran's order: column by column, first what is not in the mask.

Lengths are written as differences from the last but one, from the fourth on, in groups of five bits, the lowest first; the
sixth bit says that another group follows, the fifth of the last group is the sign, and 48 is added to make a letter of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.errors import InputError

_BITS, _MORE, _SIGN, _FIRST = 5, 0x20, 0x10, 48
_LETTERS = "".join(chr(_FIRST + value) for value in range(64))


def encoded(mask: np.ndarray) -> dict[str, Any]:
    """A mask, bool H×W, as COCO's {"size": [H, W], "counts": text}."""
    mask = np.asarray(mask, bool)
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    lengths = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return {"size": list(mask.shape), "counts": "".join(map(_written, _differences(lengths)))}


def decoded(counts: Mapping[str, Any]) -> np.ndarray:
    """The mask, bool H×W, of COCO's {"size", "counts"}: text or a list of lengths.

    Raises:
        InputError: for lengths that are not those of a mask of that size.
    """
    height, width = (int(side) for side in counts["size"])
    lengths = _lengths(counts["counts"])
    if any(length < 0 for length in lengths) or sum(lengths) != height * width:
        raise InputError(f"run lengths of {sum(lengths)} pixels for a mask of {height}×{width} (H×W), {height * width}")
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape((height, width), order="F")


def _differences(lengths: Sequence[int]) -> list[int]:
    return [length - lengths[place - 2] if place > 2 else length for place, length in enumerate(lengths)]


def _written(value: int) -> str:
    text = ""
    while True:
        group, value = value & (_MORE - 1), value >> _BITS
        more = value != (-1 if group & _SIGN else 0)
        text += _LETTERS[group | (_MORE if more else 0)]
        if not more:
            return text


def _lengths(counts: str | bytes | Sequence[int]) -> list[int]:
    if not isinstance(counts, str | bytes):
        return [int(length) for length in counts]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    lengths: list[int] = []
    value = shift = 0
    for letter in text:
        group = ord(letter) - _FIRST
        if not 0 <= group < len(_LETTERS):
            raise InputError(f"run lengths hold {letter!r}, which is no letter of COCO's; is it another coding?")
        value |= (group & (_MORE - 1)) << shift
        shift += _BITS
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise InputError("run lengths end in the middle of a number; is the text whole?")
    return lengths
