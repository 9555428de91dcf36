"""Joint decoding: from a network's maps of heat, or its coordinates, to places in shares of the picture's sides and scores.

The network says K maps h×w, one a joint, or 2K numbers: x and y of each joint, in shares of the sides from the picture's
middle.
Of maps, `OutputSpec.options["decode"]` says how a place is read:

- "quarter": the hottest cell, a quarter of a cell towards its hotter neighbour, along each side (Newell et al., 2016, and Xiao
  et al., 2018). At an edge, and between neighbours as hot, nothing is shifted.
- "argmax": the middle of the hottest cell, the first one of several.
- "soft_argmax": the mean of all cells' middles, weighed by the softmax of `options["sharpness"]` times the heat (Luvizon et
  al., 2017; Sun et al., 2018).

A score is the heat of the hottest cell, cut to 0 … 1. Coordinates come without one: theirs is 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import InputError, unknown

DECODINGS = ("quarter", "argmax", "soft_argmax")
SHARPNESS = 30.0  # a hill of height 1 then outweighs thousands of cold cells, and a cell at 0.9 has 5 % of the top's weight
_QUARTER = 0.25


def decoded(output: np.ndarray, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Places float64 K×2, x and y in shares of the sides, and scores float64 K, from h×w×K or 2K numbers.

    Raises:
        InputError: for another shape, and for a decoding that there is not.
    """
    if output.ndim == 1 and output.size % 2 == 0:
        places = np.reshape(np.asarray(output, np.float64), (-1, 2)) + 0.5
        return places, np.ones(len(places))
    if output.ndim != 3 or not output.size:
        raise InputError(f"an output of shape {output.shape}; joints are maps h×w×K, or 2K coordinates")
    how = options.get("decode", DECODINGS[0])
    if how not in DECODINGS:
        raise unknown("decoding of joints", how, DECODINGS)
    rows, columns, heats = hottest(output)
    size = np.array([output.shape[1], output.shape[0]], np.float64)
    if how == "soft_argmax":
        return _means(output, float(options.get("sharpness", SHARPNESS))) / size, heats.clip(0, 1)
    places = np.stack([columns, rows], axis=1) + 0.5
    if how == "quarter":
        places += _QUARTER * np.stack([_slope(output, rows, columns, 1), _slope(output, rows, columns, 0)], axis=1)
    return places / size, heats.clip(0, 1)


def hottest(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, column, heat) of the hottest cell of each of h×w×K maps, the first one of several; NaN is cold."""
    flat = np.nan_to_num(np.asarray(maps, np.float64), nan=-np.inf).reshape(-1, maps.shape[-1])
    at = flat.argmax(axis=0)
    return at // maps.shape[1], at % maps.shape[1], flat[at, np.arange(flat.shape[1])]


def _slope(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray, axis: int) -> np.ndarray:
    """1 where the neighbour after a cell is hotter than the one before, −1 where it is colder, 0 at an edge."""
    places = [rows, columns]
    inside = (places[axis] > 0) & (places[axis] < maps.shape[axis] - 1)
    each, heat = np.arange(maps.shape[-1]), []
    for step in (1, -1):
        moved = list(places)
        moved[axis] = np.where(inside, places[axis] + step, places[axis])
        heat.append(maps[moved[0], moved[1], each].astype(np.float64))
    return np.nan_to_num(np.sign(heat[0] - heat[1]))


def _means(maps: np.ndarray, sharpness: float) -> np.ndarray:
    """K×2, x and y in cells."""
    values = sharpness * np.asarray(maps, np.float64)
    weights = np.exp(values - values.max(axis=(0, 1)))
    weights /= weights.sum(axis=(0, 1))
    rows, columns = (np.arange(side) + 0.5 for side in maps.shape[:2])
    return np.stack([columns @ weights.sum(axis=0), rows @ weights.sum(axis=1)], axis=1)
