"""Sides: which labels are of the left and which of the right, that a mirrored picture exchanges."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIDE = re.compile(r"(?<![A-Za-z])(left|right)(?![A-Za-z])", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}


def opposites(labels: Sequence[str]) -> tuple[int, ...]:
    """The place of each label's counterpart: of "left knee" that of "right knee", of any other label its own.

    What is called left without a counterpart of the same name on the right keeps its place.

    >>> opposites(("nose", "left_eye", "right_eye"))
    (0, 2, 1)
    """
    places = {label.casefold(): place for place, label in enumerate(labels)}
    counterparts = (_SIDE.sub(lambda side: _OTHER[side[0].casefold()], label).casefold() for label in labels)
    return tuple(places.get(name, place) for place, name in enumerate(counterparts))


def side_of(label: str) -> str:
    """ "left", "right", or nothing where a label says neither."""
    match = _SIDE.search(label)
    return match[0].casefold() if match else ""
