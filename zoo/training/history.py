"""History: the table and the curves of a run's epochs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.training.checkpoints import write_whole

Rows = Sequence[Mapping[str, float]]


def write_csv(path: Path, rows: Rows) -> None:
    """One line an epoch. Written whole each time, so a resumed run has each epoch once."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, lambda file: file.write(text.getvalue().encode()))


def draw_curves(path: Path, rows: Rows, headline: str, title: str) -> None:
    """Loss, validation score and learning rate over the epochs, as a PNG.

    Args:
        rows: one dict an epoch, as in `Result.rows`.
        headline: the validation score to draw, where a row has it as `val_…`.
    """
    from matplotlib.figure import Figure

    panels = [name for name in ("loss", f"val_{headline}", "learning_rate") if any(name in row for row in rows)]
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    figure.suptitle(title, parse_math=False)
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        axes.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else "", color="#1f6f8b")
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=110))
