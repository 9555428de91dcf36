"""Figures: how an experiment's results look and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.training.checkpoints import write_whole
from zoo.training.history import write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK, QUIET = "#1f6f8b", "#d1603d", "#5b8c3a", "#222831", "#8a929b"


def sheet(panels: int, title: str, remark: str = "") -> tuple[Figure, Sequence[Axes]]:
    """A row of panels under a title and, in quiet ink, what to look for."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * panels, 4.4), layout="constrained")
    figure.suptitle(f"{title}\n", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    figure.text(0.01, 0.915, remark, fontsize=10, color=QUIET, va="center")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for one in axes:
        plain_axes(one)
    return figure, axes


def plain_axes(axes: Axes) -> None:
    """No box, a light grid, small quiet ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_axisbelow(True)


def label_ends(axes: Axes, ends: Iterable[tuple[str, float, float, str]], gap: float = 0.055) -> None:
    """Names lines at their right ends instead of in a legend; names that would overlap are moved apart.

    Args:
        ends: (text, x, y, colour) of each line's end.
        gap: least distance between two names, as a share of the axes' height.
    """
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    placed = sorted(((*to_axes.transform((x, y)), text, colour) for text, x, y, colour in ends), key=lambda end: end[1])
    floor = -1.0
    for x, y, text, colour in placed:
        floor = max(y, floor + gap)
        axes.text(x + 0.02, floor, text, color=colour, fontsize=9, va="center", transform=axes.transAxes, clip_on=False)


def save_figure(out: Path, name: str, rows: Sequence[Mapping[str, object]], figure: Figure) -> None:
    """Writes `NAME.csv` and `NAME.png` into the folder."""
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / f"{name}.csv", rows)
    write_whole(out / f"{name}.png", lambda file: figure.savefig(file, format="png", dpi=130))
