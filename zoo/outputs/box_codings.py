"""Box codings: how the numbers of a network's last map become boxes and scores.

An `OutputSpec` of boxes says in its `options` what the last map holds, as plain data:

    coding    "points", "anchors", "cells" or "corners", below
    scores    "sigmoid" (of each class its own; the default), "softmax" (over the classes and, first of all, the background) or
              "shares" (as they are)
    grids     [[rows, columns], …] of the levels whose positions lie after another in N×P×C; a map N×h×w×C is one level itself
    anchors   of "anchors": a list a level of [width, height], as shares of the picture's sides
    variances of "anchors": what the offsets of centre x, centre y, width and height are multiplied by; 1 by default
    boxes     of "cells": how many each cell has

Everything is relative to the picture, so that a picture that was stretched to a network's size is answered at its own: row r
of h has its middle at (r + ½) / h of the height. A row of C numbers is

    points    left, top, right, bottom, then the scores: logarithms of the distances to the box's edges, in cells of the level's
              grid, from the middle of the cell (FCOS, Tian et al. 2019)
    anchors   x, y, w, h, then the scores, for each anchor of a cell in turn: the offset of the centre over the anchor's side,
              and the logarithm of the side over the anchor's (Faster R-CNN, Ren et al. 2015; SSD, Liu et al. 2016)
    cells     `boxes` times (x, y, w, h, confidence), then one share a class: the centre within the cell, the square roots of
              the sides as shares of the picture's; the score is confidence times share (YOLO, Redmon et al. 2016)
    corners   x0, y0, x1, y1 as shares of the picture's sides, then the scores

All is computed in float64 by additions, products and quotients in one order, and `exponential` with them, so that the app,
which computes in the same order (edge/app/src/boxes/codings.ts), has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.errors import InputError, unknown

_SIDES = 4
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # ln 2 in two parts, whose first has few bits
_TERMS = 13  # of the exponential's series, whose argument is at most half of ln 2
_FARTHEST = 80.0  # exponents beyond it are cut off: no box is e⁸⁰ cells wide

Candidates = tuple[np.ndarray, np.ndarray]  # boxes float64 P×4 (x0, y0, x1, y1) as shares of the sides, and scores float64 P×K


def exponential(values: np.ndarray) -> np.ndarray:
    """e to the power of each value, float64: to the last bit what the app computes, which no library's own is. Of nan, nan."""
    unknown_values = np.isnan(values)
    values = np.clip(np.where(unknown_values, 0.0, values), -_FARTHEST, _FARTHEST).astype(np.float64)
    power = np.floor(values / np.log(2.0) + 0.5)
    rest = (values - power * _LN2_HIGH) - power * _LN2_LOW
    total = np.ones_like(rest)
    for term in range(_TERMS, 0, -1):
        total = 1.0 + total * rest / term
    return np.where(unknown_values, np.nan, np.ldexp(total, power.astype(np.int64)))


def candidates(output: np.ndarray, options: Mapping[str, Any]) -> Candidates:
    """All boxes that a raw output holds, and the score of each class for each.

    Args:
        output: of one picture, h×w×C, P×C, or of a fully connected layer all numbers in a row.
        options: of the output's spec.

    Raises:
        InputError: for an unknown coding, and an output of another shape than the options say.
    """
    coding = options.get("coding", "points")
    if coding not in _CODINGS:
        raise unknown("coding of boxes", coding, _CODINGS)
    boxes, scores = _CODINGS[coding](np.asarray(output, np.float64), options)
    known = np.isfinite(boxes).all(axis=1) & np.isfinite(scores).all(axis=1)
    return np.where(known[:, None], boxes, 0.0), np.where(known[:, None], scores, 0.0)


def rows_of(output: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A raw output as rows P×C, one a position, and the (rows, columns) of its levels."""
    grids = _grids(output, options)
    return _as_rows(output, sum(rows * columns for rows, columns in grids), grids), grids


def _grids(output: np.ndarray, options: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The (rows, columns) of a raw output's levels."""
    grids = [(int(rows), int(columns)) for rows, columns in options.get("grids") or ()]
    if output.ndim == 3 and not grids:
        grids = [output.shape[:2]]
    if not grids:
        raise InputError(
            f"boxes of shape {output.shape}, and nothing says how their positions lie: build the network with a fixed "
            "input_shape, which gives its output its `grids`"
        )
    return grids


def _as_rows(output: np.ndarray, count: int, grids: Sequence[tuple[int, int]]) -> np.ndarray:
    if output.size % count or (output.ndim == 2 and len(output) != count):
        raise InputError(f"boxes of shape {output.shape}; the grids {grids} have {count} rows")
    return output.reshape(count, -1)


def middles(grid: Sequence[int]) -> np.ndarray:
    """The middles of a grid's cells (x, y) as shares of the sides, row by row: float64 P×2."""
    rows, columns = grid
    x, y = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
    return np.stack([np.tile(x, rows), np.repeat(y, columns)], axis=1)


def _points(output: np.ndarray, options: Mapping[str, Any]) -> Candidates:
    rows, grids = rows_of(output, options)
    points = np.concatenate([middles(grid) for grid in grids])
    cells = np.concatenate([np.tile([float(grid[1]), float(grid[0])], (grid[0] * grid[1], 1)) for grid in grids])
    reach = exponential(rows[:, :_SIDES])
    boxes = np.concatenate([points - reach[:, :2] / cells, points + reach[:, 2:] / cells], axis=1)
    return boxes, _scores(rows[:, _SIDES:], options)


def _anchors(output: np.ndarray, options: Mapping[str, Any]) -> Candidates:
    anchors = [np.asarray(sides, np.float64).reshape(-1, 2) for sides in options["anchors"]]
    grids = _grids(output, options)
    if len(anchors) != len(grids):
        raise InputError(f"anchors of {len(anchors)} levels and {len(grids)} grids; give each level its anchors")
    points = np.concatenate([middles(grid).repeat(len(sides), axis=0) for grid, sides in zip(grids, anchors, strict=True)])
    sides = np.concatenate([np.tile(own, (grid[0] * grid[1], 1)) for grid, own in zip(grids, anchors, strict=True)])
    rows = _as_rows(output, len(points), grids)
    moved = rows[:, :_SIDES] * np.asarray(options.get("variances") or (1.0,) * _SIDES, np.float64)
    centre = points + moved[:, :2] * sides
    half = sides * exponential(moved[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1), _scores(rows[:, _SIDES:], options)


def _cells(output: np.ndarray, options: Mapping[str, Any]) -> Candidates:
    rows, grids = rows_of(output, options)
    (grid,), count = grids, int(options["boxes"])
    own = rows[:, : count * (_SIDES + 1)].reshape(len(rows), count, _SIDES + 1)
    corner = middles(grid) - 0.5 / np.array([grid[1], grid[0]])
    centre = corner[:, None] + own[..., :2] / np.array([float(grid[1]), float(grid[0])])
    half = own[..., 2:_SIDES] * own[..., 2:_SIDES] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=-1)
    shares = rows[:, None, count * (_SIDES + 1) :]
    return boxes.reshape(-1, _SIDES), (own[..., _SIDES:] * shares).reshape(len(rows) * count, -1)


def _corners(output: np.ndarray, options: Mapping[str, Any]) -> Candidates:
    rows = output.reshape(-1, output.shape[-1])
    return rows[:, :_SIDES], _scores(rows[:, _SIDES:], options)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + exponential(-values))


def _softmax(values: np.ndarray) -> np.ndarray:
    """Over the classes, the first of which is the background and is left out."""
    powers = exponential(values - values.max(axis=1, keepdims=True))
    total = np.zeros(len(values))
    for column in powers.T:  # one after the other, as the app adds up
        total = total + column
    return powers[:, 1:] / total[:, None]


def _scores(values: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    name = options.get("scores", "sigmoid")
    if name not in _SCORES:
        raise unknown("scores of boxes", name, _SCORES)
    return _SCORES[name](values)


_CODINGS: dict[str, Callable[[np.ndarray, Mapping[str, Any]], Candidates]] = {
    "points": _points,
    "anchors": _anchors,
    "cells": _cells,
    "corners": _corners,
}
_SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "shares": lambda values: values,
}
