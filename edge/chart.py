"""The picture of a benchmark: score against milliseconds, a disc a file whose area is the file's size. SVG, by hand.

The better stands higher, whichever direction that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from edge.errors import InputError
from edge.timing import Row
from zoo.outputs.score import SHARE, Score

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 64, 56  # margins: the names of the rightmost discs stand in the right one
LARGEST = 30.0  # radius of the largest file's disc
LINE = 14.0  # pixels that a name needs
COLOURS = ("#1f6b4e", "#c2571a", "#3565a8", "#8a4a92", "#6b6a1e")  # one a pair of accelerator and threads
_STYLE = (
    "text{font:12px system-ui,'Segoe UI',Roboto,sans-serif;fill:#1b211d}.quiet{fill:#5b655e}"
    ".title{font-size:15px;font-weight:600}.grid{stroke:#e2ded3}.tie{stroke:#a1aca3}.name{paint-order:stroke;stroke:#fffefa;"
    "stroke-width:3px}"
)


def draw(rows: Sequence[Row], path: str | Path) -> None:
    """Writes the picture of those rows that were timed and have a score.

    Raises InputError where there is none, or for a file that is not to end in .svg.
    """
    path = Path(path)
    if path.suffix.lower() != ".svg":
        raise InputError(f"{path} is to be a picture; give a name that ends in .svg")
    shown = [row for row in rows if not row.error and not math.isnan(row.score)]
    if not shown:
        raise InputError("nothing to draw: none of the files was timed and has a score")
    path.write_text(svg(shown), encoding="utf-8")


def svg(rows: Sequence[Row]) -> str:
    """The picture's text."""
    x, y = _times([row.median_ms for row in rows]), _scores([row.result for row in rows])
    kinds = list(dict.fromkeys(_kind(row) for row in rows))
    largest = max(row.bytes for row in rows)
    parts = [*_axes(x, y, rows), *_legend(kinds, largest)]
    for name, own in _by_file(rows).items():
        at = [(x(row.median_ms), y(row.result.shown)) for row in own]
        parts.append(f'<path class="tie" fill="none" d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in sorted(at))}"/>')
        for row, (a, b) in sorted(zip(own, at, strict=True), key=lambda pair: -pair[0].bytes):
            colour = COLOURS[kinds.index(_kind(row)) % len(COLOURS)]
            title = f"{name}: {row.result.text}, {row.median_ms:.2f} ms, {row.bytes / 1e6:.2f} MB, {_kind(row)}"
            parts.append(
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{_radius(row.bytes, largest):.1f}" fill="{colour}" '
                f'fill-opacity=".45" stroke="{colour}"><title>{escape(title)}</title></circle>'
            )
    parts += _names(rows, x, y, largest)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n<style>{_STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fffefa"/>\n{body}\n</svg>\n'
    )


def _kind(row: Row) -> str:
    threads = f", {row.threads} thread{'s' if row.threads > 1 else ''}" if row.threads else ""
    return (row.adapter or row.accelerator.upper()) + threads


def _by_file(rows: Sequence[Row]) -> dict[str, list[Row]]:
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.file.removesuffix(".tflite"), []).append(row)
    return files


def _radius(size: int, largest: int) -> float:
    return max(LARGEST * math.sqrt(size / largest), 2.5)


# -------------------------------------------------------------------------------------------------------- the axes


class _Axis:
    """From a value to a place on the page, and where its ticks are."""

    def __init__(self, low: float, high: float, start: float, stop: float, ticks: Sequence[float], power: bool) -> None:
        self._low, self._span = (math.log(low), math.log(high / low)) if power else (low, high - low)
        self._start, self._length, self._power = start, stop - start, power
        self.ticks = ticks

    def __call__(self, value: float) -> float:
        return self._start + self._length * ((math.log(value) if self._power else value) - self._low) / self._span


def _times(values: Sequence[float]) -> _Axis:
    """From nought, or in powers of ten where the slowest takes over ten times the fastest."""
    if max(values) <= 10 * min(values):
        high = 1.15 * max(values)
        return _Axis(0.0, high, LEFT, WIDTH - RIGHT, _round(0.0, high), power=False)
    low, high = min(values) / 1.3, max(values) * 1.3
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5) if low <= step * 10.0**decade <= high]
    return _Axis(low, high, LEFT, WIDTH - RIGHT, ticks, power=True)


def _scores(scores: Sequence[Score]) -> _Axis:
    """Room for the discs above and below; at least two points of a share, and of other values a hundredth, lest noise look
    like a mountain."""
    values, first = [score.shown for score in scores], scores[0]
    middle = (min(values) + max(values)) / 2
    spread = max(max(values) - min(values), 2.0 if first.unit == SHARE else abs(middle) / 50 or 1.0)
    low, high = middle - 0.7 * spread, middle + 0.7 * spread
    bottom, top = (HEIGHT - BOTTOM, TOP) if first.higher_is_better else (TOP, HEIGHT - BOTTOM)
    return _Axis(low, high, bottom, top, _round(low, high), power=False)


def _round(low: float, high: float) -> list[float]:
    """Round numbers between two, eight at most."""
    power = 10.0 ** math.floor(math.log10((high - low) / 8))
    step = next(size * power for size in (1, 2, 5, 10) if (high - low) / (size * power) <= 8)
    return [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _axes(x: _Axis, y: _Axis, rows: Sequence[Row]) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tick in x.ticks:
        parts.append(f'<path class="grid" d="M{x(tick):.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text class="quiet" text-anchor="middle" x="{x(tick):.1f}" y="{bottom + 18}">{tick:g}</text>')
    for tick in y.ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{right}"/>')
        parts.append(f'<text class="quiet" text-anchor="end" x="{LEFT - 8}" y="{y(tick) + 4:.1f}">{tick:.4g}</text>')
    middle = (LEFT + right) / 2
    parts.append(f'<text text-anchor="middle" x="{middle:.0f}" y="{HEIGHT - 14}">median ms, read-back included</text>')
    score, data = rows[0].result, rows[0].scored_on
    title = score.label + (f" in {score.shown_unit}" if score.shown_unit else "") + (f" on {data}" if data else "")
    parts.append(f'<text class="title" x="{LEFT}" y="26">{escape(title)}, against latency</text>')
    return parts


def _legend(kinds: Sequence[str], largest: int) -> list[str]:
    parts, at = [], float(LEFT)
    for index, kind in enumerate(kinds):
        parts.append(f'<circle cx="{at + 6:.0f}" cy="45" r="5" fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(f'<text class="quiet" x="{at + 16:.0f}" y="49">{escape(kind)}</text>')
        at += 34 + 6.6 * len(kind)
    area = f"area: the file's size, largest {largest / 1e6:.1f} MB"
    return [*parts, f'<text class="quiet" x="{at:.0f}" y="49">{area}</text>']


def _names(rows: Sequence[Row], x: _Axis, y: _Axis, largest: int) -> list[str]:
    """Each file's name right of its rightmost disc, moved down where it would lie on another."""
    labels = []
    for name, own in _by_file(rows).items():
        last = max(own, key=lambda row: row.median_ms)
        labels.append((y(last.result.shown), x(last.median_ms) + _radius(last.bytes, largest) + 5, name))
    placed: list[tuple[float, float, float]] = []  # baseline, left, right
    parts = []
    for b, a, name in sorted(labels):
        right = a + 6.6 * len(name)
        near = [before for before in placed if before[1] < right and a < before[2]]
        b = max([b, *(before[0] + LINE for before in near)])
        placed.append((b, a, right))
        parts.append(f'<text class="name" x="{a:.1f}" y="{b + 4:.1f}">{escape(name)}</text>')
    return parts
