"""Layout: which axis of a tensor holds what, in letters, and how that is told from its shape and the picture's size.

    N batch   H rows   W columns   P positions, row by row   C channels   1 an axis of one   c the only channel, without axis

Kinds expect N×H×W×C of scores, N×H×W of indices and N×C of whole pictures; `arranged` makes that of any layout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError

Size = tuple[int, int]
CHANNELS_LAST, CHANNELS_FIRST = "NHWC", "NCHW"
_COARSEST, _FEWEST = 8, 8  # of a flattened map: pixels of the picture a position, and rows, where it is not the picture's own
_ORDER = "NHWPCc"  # of the axes in what `arranged` gives


def arranged(values: np.ndarray, layout: str, size: Size | None = None) -> np.ndarray:
    """A tensor of that layout in the order that kinds expect, its batch first.

    Args:
        values: of the layout's axes.
        layout: letters, one an axis; empty for what is in order already.
        size: (H, W) of the picture as the network sees it, which says how positions lie in rows.

    Raises:
        InputError: for another number of axes, and for positions that are no grid of the picture's shape.
    """
    if not layout:
        return values if values.ndim else values[None]
    letters = layout.replace("c", "")
    if values.ndim != len(letters):
        raise InputError(f"an output of shape {values.shape}; its layout {layout} has {len(letters)} axes")
    axes = [(letter, side) for letter, side in zip(letters, values.shape, strict=True) if letter != "1"]
    values = values.reshape([side for _, side in axes])
    names = [letter for letter, _ in axes]
    order = sorted(range(len(names)), key=lambda place: _ORDER.index(names[place]))
    values, names = values.transpose(order), [names[place] for place in order]
    if "N" not in names:
        values, names = values[None], ["N", *names]
    if "P" in names:
        at = names.index("P")
        values = values.reshape(*values.shape[:at], *grid(values.shape[at], size), *values.shape[at + 1 :])
    return values[..., None] if "c" in layout else values


def grid(positions: int, size: Size | None) -> Size:
    """The (rows, columns) of so many positions that lie over a picture of that size.

    Raises:
        InputError: where they do not.
    """
    if size is not None and positions > 0:
        factor = math.sqrt(positions / (size[0] * size[1]))
        rows, columns = (max(1, round(side * factor)) for side in size)
        if rows * columns == positions and is_grid((rows, columns), size):
            return rows, columns
    raise InputError(f"{positions} positions are no rows and columns of a picture of {size}")


def is_grid(sides: Sequence[int], size: Size) -> bool:
    """Whether rows and columns may lie over a picture of that size: of its proportions but for what strides round off."""
    if min(sides) < min(2, *size):  # a single row over a picture of many is a list, not a map
        return False
    least = max((side - 1) / whole for side, whole in zip(sides, size, strict=True))
    most = min((side + 1) / whole for side, whole in zip(sides, size, strict=True))
    return least < most


def of_scores(shape: Sequence[int], size: Size | None, batch: int = 1) -> list[str]:
    """The layouts that scores of that shape may have, the likeliest first; -1 stands for an open side.

    Args:
        shape: of the tensor.
        size: of the picture; None for any, whose maps have open sides.
        batch: how many pictures the network takes at once.
    """
    letters = "N" if len(shape) > 1 and shape[0] in (-1, batch) else ""
    rest = tuple(shape[len(letters) :])
    whole = [letters + "1" * (len(rest) - 1) + "C"] if rest and all(side == 1 for side in rest[:-1]) and rest[-1] > 0 else []
    dense = []
    if len(rest) == 3:
        dense += [letters + "HWC"] * _lies(rest[:2], size) + [letters + "CHW"] * _lies(rest[1:], size)
    if len(rest) == 2:
        dense += [letters + "HWc"] * _lies(rest, size)
        dense += [letters + "PC"] * _covers(rest[0], size) + [letters + "CP"] * _covers(rest[1], size)
    if len(rest) == 1:
        dense += [letters + "Pc"] * (rest[0] == -1 if size is None else rest[0] == size[0] * size[1])
    closed = [layout for layout in dense if _channels(layout, shape) > 0]
    return whole + closed


def of_indices(shape: Sequence[int], size: Size | None, batch: int = 1) -> list[str]:
    """The layouts that one class index a position, or one of the whole picture, may have in a tensor of that shape."""
    letters = ["1" if side == 1 else "" for side in shape]
    if shape and shape[0] in (-1, batch):
        letters[0] = "N"
    sides = [side for side, letter in zip(shape, letters, strict=True) if not letter]
    names = {0: "", 1: "P", 2: "HW"}.get(len(sides))
    fits = names is not None and (
        not sides or (_covers(sides[0], size) if len(sides) == 1 else _lies(tuple(sides), size))
    )
    if not fits:
        return []
    remaining = iter(names)
    return ["".join(letter or next(remaining) for letter in letters)]


def channels(layout: str, shape: Sequence[int]) -> int:
    """The number of channels of a tensor of that layout; 0 for one of indices."""
    return max(_channels(layout, shape), 0)


def is_dense(layout: str) -> bool:
    """Whether it has a value for each position."""
    return "P" in layout or "H" in layout


def _channels(layout: str, shape: Sequence[int]) -> int:
    if "c" in layout:
        return 1
    return shape[layout.index("C")] if "C" in layout else 0


def _lies(sides: tuple[int, ...], size: Size | None) -> bool:
    if size is None:  # a map of a picture of any size is open itself
        return all(side == -1 for side in sides)
    return -1 not in sides and is_grid(sides, size)


def _covers(positions: int, size: Size | None) -> bool:
    if size is None:
        return positions == -1
    try:
        rows, columns = grid(positions, size)
    except InputError:
        return False
    # A hundred boxes lie as ten by ten over any square picture; a map that was flattened is finer, and divides it.
    divides, stride = not size[0] % rows and not size[1] % columns, size[0] // rows
    return divides and min(size) > 1 and (stride == 1 or (stride <= _COARSEST and min(rows, columns) >= _FEWEST))
