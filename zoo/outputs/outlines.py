"""Best classes of enlarged scores: enlarged along the outlines between classes alone, and the same to the last pixel.

Bilinear weights are not negative. So between four scores whose largest is of one class, that class is the largest
everywhere, and most of a picture is a repeat. Only cells where the four differ have their scores enlarged, and of these only
the classes that can win there. Rounding keeps order but may make two scores equal, and then the first class would be the
best one: a class that leads by less than rounding can move counts as no leader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.outputs.resize import strips, taps

_ROUNDING = np.float32(2.0**-19)  # of the largest score: three times what rounding may move two enlarged ones apart
_TINY = np.finfo(np.float32).tiny
_BLOCK = 1 << 17  # scores looked at together: they stay in the processor's cache
_PIXELS = 1 << 17  # enlarged together
_FEW = 4  # classes; cells where more can win are enlarged with all of them


def best_classes(scores: np.ndarray, size: tuple[int, int], cut: float = 0.0) -> np.ndarray:
    """The best class of each pixel once the scores are bilinearly resized: what `argmax` of `resize_rows` says.

    Args:
        scores: h×w×C, of at most 256 classes; of a single channel the score of the second of two classes.
        size: (H, W) of the answer.
        cut: where the second class begins, of a single channel.

    Returns:
        uint8 H×W; of equal scores the first class.
    """
    scores = scores.astype(np.float32, copy=False)
    height, width, _ = scores.shape
    if (height, width) == tuple(size):
        return _chosen(scores, cut)
    largest = np.abs(scores).max(initial=0)
    if size[0] * size[1] < height * width or not np.isfinite(largest):
        answer = np.empty(size, np.uint8)
        for rows, values in strips(scores, size):
            answer[rows] = _chosen(values, cut)
        return answer
    grid = _Grid(scores, size, cut, margin=largest * _ROUNDING + _TINY)
    return grid.answer()


def _chosen(scores: np.ndarray, cut: float, lead: np.ndarray | None = None) -> np.ndarray:
    """The best class of scores h×w×C, uint8 h×w; of equal ones the first, and NaN above all as NumPy has it.

    Into `lead`, float32 h×w, goes by how much it leads.
    """
    height, width, classes = scores.shape
    best = np.zeros((height, width), np.uint8)
    if classes == 1:
        np.greater(scores[..., 0], np.float32(cut), out=best.view(bool))
        if lead is not None:
            np.abs(scores[..., 0] - np.float32(cut), out=lead)
        return best
    step = max(1, min(height, _BLOCK // (width * classes)))
    block = np.empty((classes, step * width), np.float32)  # one for all: to be given fresh memory takes as long as to fill it
    for start in range(0, height, step):
        rows = slice(start, start + step)
        # A class after the other: NumPy's argmax over a short last axis takes twice as long.
        index = best[rows].reshape(-1)
        values = block[:, : index.size]
        values[:] = scores[rows].reshape(-1, classes).T
        top = values[0].copy()
        second = np.full_like(top, -np.inf) if lead is not None else None
        for label in range(1, classes):
            np.maximum(index, (values[label] > top).view(np.uint8) * np.uint8(label), out=index)
            if second is not None:
                np.maximum(second, np.minimum(top, values[label]), out=second)
            np.maximum(top, values[label], out=top)
        if second is not None:
            lead[rows] = (top - second).reshape(-1, width)
        if np.isnan(top).any():
            index[:] = values.argmax(axis=0)
    return best


@dataclass(frozen=True)
class _Axis:
    """One side: for each pixel the score before it, the one after and its weight; for each score its pixels."""

    before: np.ndarray
    after: np.ndarray
    weight: np.ndarray
    start: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, side: int, out: int) -> _Axis:
        before, after, weight = taps(side, out)
        start = np.searchsorted(before, np.arange(side))
        return cls(before, after, weight, start, np.searchsorted(before, np.arange(side), side="right") - start)


class _Grid:
    """Scores h×w×C that are to be enlarged, in cells: what lies between a score and its neighbours below and to the right."""

    def __init__(self, scores: np.ndarray, size: tuple[int, int], cut: float, margin: np.float32) -> None:
        self._scores, self._size, self._cut, self._margin = scores, size, cut, margin
        self._rows, self._columns = (_Axis.of(*sides) for sides in zip(scores.shape[:2], size, strict=True))

    def answer(self) -> np.ndarray:
        """uint8 H×W."""
        lead = np.empty(self._scores.shape[:2], np.float32)
        best = _chosen(self._scores, self._cut, lead)
        wide = best[:, self._columns.before]
        answer = wide[self._rows.before]
        places = np.flatnonzero(~_agreed(best, lead > self._margin))
        for classes, cells in self._by_candidates(places):
            for part in self._parts(cells):
                self._enlarge(answer, classes[:, part], cells[part])
        return answer

    def _corners(self, cells: np.ndarray) -> tuple[np.ndarray, ...]:
        """The places of the four scores around each cell: upper left, upper right, lower left, lower right."""
        height, width = self._scores.shape[:2]
        y, x = np.divmod(cells, width)
        below, right = np.minimum(y + 1, height - 1) * width, np.minimum(x + 1, width - 1)
        return cells, y * width + right, below + x, below + right

    def _by_candidates(self, cells: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(classes n×cells in rising order, cells) of the cells where so many classes can win."""
        flat = self._scores.reshape(-1, self._scores.shape[-1])
        classes = flat.shape[1]
        if classes <= 2:
            yield np.repeat(np.arange(classes)[:, None], len(cells), axis=1), cells
            return
        four = [flat[corner] for corner in self._corners(cells)]
        least, most = np.minimum.reduce(four), np.maximum.reduce(four)
        # Some class is nowhere below its least score; one whose largest is less than that never wins.
        wins = most > least.max(axis=1, keepdims=True) - self._margin
        counts = wins.sum(axis=1)
        counts[counts > _FEW] = classes
        for count in np.unique(counts):
            which = counts == count
            order = np.argsort(~wins[which], axis=1, kind="stable")[:, :count] if count < classes else None
            every = np.broadcast_to(np.arange(classes), (which.sum(), classes))
            yield (every if order is None else order).T, cells[which]

    def _parts(self, cells: np.ndarray) -> Iterator[slice]:
        """The cells in parts of about as many pixels as are enlarged together."""
        y, x = np.divmod(cells, self._scores.shape[1])
        pixels = np.cumsum(self._rows.count[y] * self._columns.count[x])
        start = 0
        while start < len(cells):
            done = pixels[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(pixels, done + _PIXELS, side="right")))
            yield slice(start, stop)
            start = stop

    def _enlarge(self, answer: np.ndarray, classes: np.ndarray, cells: np.ndarray) -> None:
        """Writes the best of these classes n×cells at each pixel of the cells; the sums are those of `resize_rows`."""
        rows, columns = self._rows, self._columns
        y, x = np.divmod(cells, self._scores.shape[1])
        line, row = _spread(rows.start[y], rows.count[y])  # a line: the pixels of one row in one cell
        pixel, column = _spread(columns.start[x][line], columns.count[x][line])
        down, across = rows.weight[row], columns.weight[column]
        corners = [corner[line] for corner in self._corners(cells)]
        flat = self._scores.reshape(-1, self._scores.shape[-1])
        winner, top = classes[0][line][pixel].astype(np.uint8), None
        for each in classes:
            label = each[line]
            four = [flat[corner, label] for corner in corners]
            left = four[0] * (1 - down) + four[2] * down
            right = four[1] * (1 - down) + four[3] * down
            score = left[pixel] * (1 - across) + right[pixel] * across
            if top is None:
                top = score
                continue
            better = score > top
            winner = np.where(better, label.astype(np.uint8)[pixel], winner)
            top = np.maximum(top, score)
        if flat.shape[1] == 1:
            winner = top > np.float32(self._cut)
        answer.reshape(-1)[row[pixel] * self._size[1] + column] = winner


def _spread(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(which span, the number) of every number in spans that begin at `starts` and hold `counts`."""
    span = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return span, np.arange(len(span)) - (first - starts)[span]


def _agreed(best: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Whether the four scores around each cell have one best class, and none narrowly; neighbours off the edge repeat it."""
    one = clear.copy()
    one[:-1] &= clear[1:] & (best[:-1] == best[1:])
    agreed = one.copy()
    agreed[:, :-1] &= one[:, 1:] & (best[:, :-1] == best[:, 1:])
    return agreed
