"""Weights: the numbers of a constant, read from where the backend keeps them when a file is written, and block by block.

Nothing here holds a copy of a model's variables. A kernel that is transposed, scaled by a folded normalisation and rounded to
float16 is a view on the variable and a list of functions, each of which is applied to a few MiB at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

BLOCK = 8 << 20  # bytes that are worked on at a time
_TILE = 128  # rows and columns of what fits into a processor's nearest memory
Step = Callable[[np.ndarray, int], np.ndarray]  # a block of rows and the number of its first → the block in its place


def numbers(variable: Any) -> np.ndarray:
    """The numbers of a Keras variable or of a backend's tensor: a view where the backend can give one."""
    value = getattr(variable, "value", variable)
    value = value() if callable(value) else value
    if hasattr(value, "detach"):  # PyTorch
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):
            value = value.float()
        return value.numpy()
    return np.asarray(value.read_value() if hasattr(value, "read_value") else value)


@dataclass(frozen=True)
class Weights:
    """A constant's numbers, not yet read.

    Args:
        shape: of the array.
        dtype: a NumPy name, of what `blocks` gives.
        read: gives the array before the steps, in the same shape; called at each reading and not kept.
        steps: applied in turn to each block of rows of the first axis.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, array: Any, dtype: str | None = None) -> Weights:
        """Those of an array that is there."""
        array = np.asarray(array, dtype)
        return cls(array.shape, array.dtype.name, lambda: array)

    @classmethod
    def variable(cls, variable: Any, dtype: str = "float32") -> Weights:
        """Those of a Keras variable or a backend's tensor."""
        return cls(tuple(int(side) for side in variable.shape), dtype, lambda: numbers(variable))

    @property
    def nbytes(self) -> int:
        """The number of bytes that `blocks` gives."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def array(self) -> np.ndarray:
        """All of it."""
        return self._finish(self.read(), 0)

    def blocks(self) -> Iterator[np.ndarray]:
        """All of it in contiguous pieces, some rows of the first axis at a time."""
        array = self.read()
        if array.ndim == 0 or array.size == 0:
            yield np.ascontiguousarray(self._finish(array, 0))
            return
        rows = max(1, BLOCK * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), rows):
            yield _contiguous(self._finish(array[start : start + rows], start))

    def transposed(self, axes: Sequence[int]) -> Weights:
        """With its axes in another order."""
        source = self.array if self.steps else self.read
        return Weights(tuple(self.shape[axis] for axis in axes), self.dtype, lambda: source().transpose(axes))

    def reshaped(self, shape: Sequence[int]) -> Weights:
        """With the same numbers in another shape."""
        source = self.array if self.steps else self.read
        return Weights(tuple(shape), self.dtype, lambda: source().reshape(shape))

    def broadcast(self, shape: Sequence[int]) -> Weights:
        """Repeated to a shape, as NumPy broadcasts."""
        source = self.array if self.steps else self.read
        return Weights(tuple(shape), self.dtype, lambda: np.broadcast_to(source(), shape))

    def through(self, step: Step, dtype: str | None = None) -> Weights:
        """With a step more, which keeps the shape."""
        return replace(self, steps=(*self.steps, step), dtype=dtype or self.dtype)

    def scaled(self, factor: np.ndarray, axis: int) -> Weights:
        """Times a factor for each index of an axis; a factor of one number is for all."""
        factor = np.asarray(factor, np.float32).reshape(-1)
        if factor.size == 1:
            return self.through(lambda rows, start: rows * factor[0])
        if axis % len(self.shape) == 0:
            tail = (1,) * (len(self.shape) - 1)
            return self.through(lambda rows, start: rows * factor[start : start + len(rows)].reshape(-1, *tail))
        shape = [1] * len(self.shape)
        shape[axis] = -1
        return self.through(lambda rows, start: rows * factor.reshape(shape))

    def astype(self, dtype: str) -> Weights:
        """In another number type."""
        return self if dtype == self.dtype else self.through(lambda rows, start: rows.astype(dtype), dtype)

    def _finish(self, rows: np.ndarray, start: int) -> np.ndarray:
        for step in self.steps:
            rows = step(rows, start)
        return rows if rows.dtype == self.dtype else rows.astype(self.dtype)


def _contiguous(array: np.ndarray) -> np.ndarray:
    """The array in C's order; a transposed one is copied tile by tile, more than twice as fast as NumPy does it."""
    if array.flags.c_contiguous or array.ndim < 2 or array.nbytes < 1 << 20:
        return np.ascontiguousarray(array)
    try:
        matrix = array.reshape(len(array), -1, copy=False)
    except ValueError:  # not a view
        return np.ascontiguousarray(array)
    result = np.empty(matrix.shape, array.dtype)
    for row in range(0, matrix.shape[0], _TILE):
        for column in range(0, matrix.shape[1], _TILE):
            tile = slice(row, row + _TILE), slice(column, column + _TILE)
            result[tile] = matrix[tile]
    return result.reshape(array.shape)
