"""Field: what a tensor sees of the image, and how the kinds of layers change that; `zoo.analysis.receptive_field` adds it up.

Sizes are shapes N×H×W×C. No Keras here: layers say with these functions what they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """Along one axis: the pixels from `low` to `high` that position 0 sees, and the pixels from position to position."""

    low: Fraction
    high: Fraction
    step: Fraction

    @property
    def pixels(self) -> int:
        """The number of pixels that a position sees."""
        return math.ceil(self.high - self.low) + 1

    def shift(self, positions: int | Fraction) -> Line:
        """The line whose position 0 is this one's at `positions`."""
        return Line(self.low + positions * self.step, self.high + positions * self.step, self.step)

    def window(self, taps: int, stride: int = 1, dilation: int = 1, before: int = 0) -> Line:
        """After a window of that many taps, which begins `before` positions ahead of its place."""
        reach = (taps - 1) * dilation * self.step
        first = self.shift(-before)
        return Line(first.low, first.high + reach, self.step * stride)

    def scale(self, ratio: Fraction, taps: int, centre: Fraction) -> Line:
        """On a grid `ratio` times as coarse, whose position 0 lies at `centre` and sees `taps` positions around it."""
        half = Fraction(taps - 1, 2) * self.step
        placed = self.shift(centre)
        return Line(placed.low - half, placed.high + half, self.step * ratio)


@dataclass(frozen=True)
class Field:
    """The field that a tensor sees: rows and columns, and whether it is a map still or sums up all positions of one."""

    lines: tuple[Line, Line]
    whole: bool = False


def united(fields: Sequence[Field]) -> Field:
    """Each position sees what it saw; of several inputs, all of them, but of a gate only the map that it gates."""
    maps = [field for field in fields if not field.whole] or list(fields)
    rows, columns = (
        Line(min(line.low for line in axis), max(line.high for line in axis), axis[0].step)
        for axis in zip(*(field.lines for field in maps), strict=True)
    )
    return Field((rows, columns), maps[0].whole)


def summed_up(field: Field) -> Field:
    """After a sum over all positions."""
    return Field(field.lines, whole=True)


def shifted(field: Field, first: tuple[int, int]) -> Field:
    """After rows and columns were cut at the top and the left; negative: were added there."""
    rows, columns = (line.shift(count) for line, count in zip(field.lines, first, strict=True))
    return Field((rows, columns), field.whole)


def windowed(
    field: Field,
    source: Shape,
    result: Shape,
    window: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int] = (1, 1),
    padding: str = "valid",
) -> Field:
    """After convolution or pooling of a map of shape `source` to one of shape `result`."""
    if field.whole:
        return field
    lines = []
    for axis, line in enumerate(field.lines):
        before = 0
        if padding == "same":  # Keras pads so much that there are ⌈size / stride⌉ windows, the odd row at the end
            span = (window[axis] - 1) * dilations[axis] + 1
            before = max((result[1 + axis] - 1) * strides[axis] + span - source[1 + axis], 0) // 2
        lines.append(line.window(window[axis], strides[axis], dilations[axis], before))
    return Field((lines[0], lines[1]))


def resized(field: Field, source: Shape, result: Shape, interpolation: str, grid: Field | None = None) -> Field:
    """After interpolation with half-pixel centres.

    Args:
        source, result: shapes before and after.
        interpolation: "nearest", or another that sees two positions along each axis.
        grid: of a map on whose positions the result lies, whatever the rounding of the sizes.
    """
    if field.whole:  # one position spread over a map, as in pyramid pooling: still no field of its own
        return field
    lines = []
    for axis, line in enumerate(field.lines):
        ratio = Fraction(source[1 + axis], result[1 + axis])
        taps = 1 if ratio == 1 or interpolation == "nearest" else 2
        line = line.scale(ratio, taps, (ratio - 1) / 2)
        lines.append(line if grid is None else Line(line.low, line.high, grid.lines[axis].step))
    return Field((lines[0], lines[1]))
