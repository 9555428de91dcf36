"""Connected parts of a map, and their growth over a landscape: NumPy alone, and to the last pixel what the app computes."""

from __future__ import annotations

import heapq

import numpy as np


def connected_parts(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The parts of equal values that hang together over edges, numbered from 1 by their first pixels, row by row.

    Args:
        values: int H×W; 0 is of no part.

    Returns:
        int32 H×W, and how many there are.
    """
    values = np.asarray(values)
    if not values.any():
        return np.zeros(values.shape, np.int32), 0
    begins = np.ones(values.shape, bool)  # of runs along the rows
    begins[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = np.cumsum(begins.ravel()).reshape(values.shape) - 1
    touch = (values[1:] == values[:-1]) & (values[1:] != 0)
    pairs = np.unique(runs[:-1][touch].astype(np.int64) * (runs[-1, -1] + 1) + runs[1:][touch])
    root = _joined(int(runs[-1, -1]) + 1, *np.divmod(pairs, runs[-1, -1] + 1))
    counted = root[np.unique(runs[values != 0])]
    first, place = np.unique(counted, return_inverse=True)
    numbers = np.zeros(len(root), np.int32)
    numbers[np.unique(runs[values != 0])] = place + 1
    return np.where(values != 0, numbers[runs], 0).astype(np.int32), len(first)


def _joined(count: int, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The least member of the set that each of 0 … count − 1 is in, once these pairs are joined."""
    root = np.arange(count)
    while True:
        one, other = root[upper], root[lower]
        apart = one != other
        if not apart.any():
            return root
        np.minimum.at(root, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while (root[root] != root).any():
            root = root[root]


def flooded(numbers: np.ndarray, landscape: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Parts grown by a watershed (Meyer 1991): the lowest pixel beside any part joins it, until none is left within.

    Of equally low pixels the one that came beside a part first is first, and at the start the parts' own go row by row.

    Args:
        numbers: int H×W, of the parts; 0 is free.
        landscape: float32 H×W.
        within: bool H×W, what may be flooded.

    Returns:
        int32 H×W; what no part reaches stays 0.
    """
    height, width = numbers.shape
    result = np.zeros((height + 2, width + 2), np.int32)
    result[1:-1, 1:-1] = numbers
    free = np.zeros(result.shape, bool)
    free[1:-1, 1:-1] = within & (numbers == 0)
    heights = np.zeros(result.shape, np.float64)
    heights[1:-1, 1:-1] = landscape
    row = width + 2
    steps = (-row, -1, 1, row)
    beside = free[:-2, 1:-1] | free[1:-1, :-2] | free[1:-1, 2:] | free[2:, 1:-1]
    shore = np.flatnonzero(np.pad((numbers > 0) & beside, 1))
    values, marks, open_ = heights.ravel(), result.ravel().tolist(), bytearray(free.tobytes())
    heap = [(value, age, place) for age, (value, place) in enumerate(zip(values[shore].tolist(), shore.tolist(), strict=True))]
    age = len(heap)
    heapq.heapify(heap)
    while heap:
        _, _, place = heapq.heappop(heap)
        for step in steps:
            neighbour = place + step
            if open_[neighbour]:
                open_[neighbour] = 0
                marks[neighbour] = marks[place]
                heapq.heappush(heap, (float(values[neighbour]), age, neighbour))
                age += 1
    return np.array(marks, np.int32).reshape(result.shape)[1:-1, 1:-1]


def enlarged(numbers: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map of numbers at another size (H, W), int32: each pixel has the number of most weight among its four neighbours.

    The weights are those of bilinear resizing with half-pixel centres, so that slanting edges do not become stairs; of equal
    weights the upper left neighbour's number wins.
    """
    from zoo.outputs.resize import taps

    if numbers.shape == tuple(size):
        return numbers.astype(np.int32)
    above, below, down = taps(numbers.shape[0], size[0])
    left, right, across = taps(numbers.shape[1], size[1])
    result = numbers[above[:, None], left[None]].astype(np.int32)
    corners = [numbers[rows[:, None], columns[None]] for rows in (above, below) for columns in (left, right)]
    mixed = np.nonzero((corners[0] != corners[1]) | (corners[0] != corners[2]) | (corners[0] != corners[3]))
    four = [corner[mixed] for corner in corners]
    v, u = down.astype(np.float64)[mixed[0]], across.astype(np.float64)[mixed[1]]
    weights = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]
    best, most = four[0].copy(), np.full(len(v), -1.0)
    for number in four:
        total = np.zeros(len(v))
        for other, weight in zip(four, weights, strict=True):
            total = total + np.where(other == number, weight, 0.0)
        better = total > most
        best, most = np.where(better, number, best), np.where(better, total, most)
    result[mixed] = best
    return result
