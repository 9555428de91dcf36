"""Target: the answer to a picture, which goes through every geometry that the picture goes through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

Size = tuple[int, int]
Batch = np.ndarray | dict[str, np.ndarray]


class Target(ABC):
    """An answer to a picture. Each change gives a new target; none changes this one.

    `np.asarray(target)` and `target.shape` are those of `values`.

    Attributes:
        values: the numbers; of what type and shape, each class says.
        holds_colours: whether the picture's colours are part of the answer, and so may not change without it.
    """

    holds_colours: ClassVar[bool] = False
    values: np.ndarray

    @property
    @abstractmethod
    def size(self) -> Size | None:
        """(H, W) of the picture that it belongs to; None for what lies nowhere in the picture."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `values`."""
        return self.values.shape

    @property
    def nbytes(self) -> int:
        """Bytes of memory of all arrays."""
        return sum(array.nbytes for array in self._arrays())

    def freeze(self) -> None:
        """Makes the arrays read-only, since others share them."""
        for array in self._arrays():
            array.setflags(write=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def padded_by(self, value: int) -> Self:
        """The target with `value` for what lies beyond its picture, unless it says itself what stands there."""
        return self

    def resize(self, size: Size) -> Self:
        """The target of the picture stretched to (H, W)."""
        from zoo.data.transforms.geometric import Placement

        return self if self.size in (None, tuple(size)) else self.place(Placement.stretch(self.size, tuple(size)))

    def may_flip(self, axis: int) -> bool:
        """Whether it is known of the mirrored picture too; a sample of which it is not is left as it is."""
        return True

    @abstractmethod
    def flip(self, axis: int) -> Self:
        """The target of the mirrored picture: axis 0 swaps top and bottom, 1 left and right."""

    @abstractmethod
    def place(self, placement: Placement) -> Self:
        """The target of the picture cut, magnified, turned and padded."""

    @abstractmethod
    def deform(self, shift: np.ndarray) -> Self:
        """The target of the picture deformed: each pixel is fetched from `shift` (float32 2×H×W: down, across) away."""

    @classmethod
    @abstractmethod
    def stack(cls, targets: Sequence[Self]) -> Batch:
        """Several targets as what Keras is given."""

    def _arrays(self) -> list[np.ndarray]:
        attributes = (getattr(self, field.name) for field in fields(self))
        return [value for value in attributes if isinstance(value, np.ndarray)]

    def _set(self, name: str, value: Any, dtype: type, *shape: int | None) -> None:
        """Checks and stores an array of a new target; in `shape`, None is any length."""
        array = np.asarray(value, dtype)
        if array.ndim != len(shape) or any(length not in (None, side) for side, length in zip(array.shape, shape, strict=True)):
            expected = "×".join("n" if side is None else str(side) for side in shape) or "one number"
            raise InputError(f"{type(self).__name__}: {name} of shape {array.shape}; expected {expected}")
        object.__setattr__(self, name, array)


class Nowhere(Target):
    """A target of a whole picture: geometry leaves it as it is."""

    @property
    def size(self) -> None:
        return None

    def flip(self, axis: int) -> Self:
        return self

    def place(self, placement: Placement) -> Self:
        return self

    def deform(self, shift: np.ndarray) -> Self:
        return self


def mirror(values: np.ndarray, axis: int) -> np.ndarray:
    """An array H×W×… mirrored along an axis."""
    return np.ascontiguousarray(np.flip(values, axis))


def rectangle(rows: Sequence[np.ndarray], padding: Sequence[int] | None = None) -> np.ndarray:
    """Arrays of different lengths as one, N×n×…, filled up with a number each."""
    longest = max(map(len, rows))
    result = np.zeros((len(rows), longest, *rows[0].shape[1:]), rows[0].dtype)
    for index, row in enumerate(rows):
        result[index] = 0 if padding is None else padding[index]
        result[index, : len(row)] = row
    return result
