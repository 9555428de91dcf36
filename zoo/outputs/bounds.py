"""Bounds: between which values an output lies whatever the picture, as its last operations say; from them its activation.

A sigmoid gives numbers from 0 to 1, a softmax such that add up to 1 over the channels; neither resizing nor reshaping changes
that, a factor does. So the bounds are followed from the operations that set them to the output, in Keras' graph and a file's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

_CLOSE = 1e-3  # factors are stored in half precision and in 8 bits


@dataclass(frozen=True)
class Bounds:
    """The values that a tensor may have.

    Attributes:
        low: no value lies below it.
        high: none lies above.
        total: what the channels of a position add up to; None where that is not known.
    """

    low: float = -math.inf
    high: float = math.inf
    total: float | None = None

    def scaled(self, factor: float, offset: float = 0.0) -> Bounds:
        """Those of factor · x + offset."""
        ends = sorted(_product(factor, end) + offset for end in (self.low, self.high))
        return Bounds(ends[0], ends[1], None if self.total is None or offset else self.total * factor)

    def plus(self, other: Bounds) -> Bounds:
        """Those of x + y."""
        total = None if self.total is None or other.total is None else self.total + other.total
        return Bounds(self.low + other.low, self.high + other.high, total)

    def times(self, other: Bounds) -> Bounds:
        """Those of x · y."""
        corners = [_product(one, two) for one in (self.low, self.high) for two in (other.low, other.high)]
        return Bounds(min(corners), max(corners))

    def cut(self, low: float, high: float) -> Bounds:
        """Those of x where what lies outside is moved to the end."""
        return Bounds(min(max(self.low, low), high), max(min(self.high, high), low))

    def mixed(self) -> Bounds:
        """Those of some of the values, or of values of several positions: what the channels add up to is lost."""
        return replace(self, total=None)

    @property
    def free(self) -> bool:
        """Whether there are none."""
        return math.isinf(self.low) and math.isinf(self.high)

    @property
    def unit(self) -> bool:
        """Whether all values are from 0 to 1."""
        return self.low > -_CLOSE and self.high < 1 + _CLOSE

    def activation(self, channels: int) -> str | None:
        """The activation that scores of so many channels end in, as `OutputSpec` names it; None where it can't be told."""
        if self.free:
            return "linear"
        if not (self.unit and self.high > 1 - _CLOSE and self.low < _CLOSE):
            return None
        shares = self.total is not None and abs(self.total - 1) < _CLOSE
        return "softmax" if shares and channels > 1 else "sigmoid"


FREE = Bounds()
UNIT = Bounds(0.0, 1.0)
SHARES = Bounds(0.0, 1.0, 1.0)
SYMMETRIC = Bounds(-1.0, 1.0)
POSITIVE = Bounds(0.0, math.inf)


def united(several: Sequence[Bounds]) -> Bounds:
    """The bounds of tensors joined, or of the larger or smaller of them."""
    return Bounds(min(each.low for each in several), max(each.high for each in several))


def _product(one: float, other: float) -> float:
    return 0.0 if not one or not other else one * other  # 0 · ∞ is 0 here: a factor of 0 leaves nothing
