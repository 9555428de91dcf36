"""The table of optical flow: python docs/flow_table.py PATH writes results/flow.csv beside this file.

PATH is what `flow:PATH` takes: Middlebury's pairs with known flow and FlyingChairs's two examples. Every method sees the same
pairs at their own size, on the CPU; a row a method and pair, then one of the mean over the pairs.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import zoo
from zoo import classical
from zoo.data.datasets.flow import FlowFolder, flow
from zoo.pretrained import catalog

METHODS = ("zero_flow", "farneback", "dis")
OUT = Path(__file__).parent / "results" / "flow.csv"
COLUMNS = ("method", "pair", "end_point_error_px", "outliers_share", "angular_error_degrees", "ms")


def rows(name: str, model: Any, path: str) -> list[dict[str, Any]]:
    """A row a pair, and their mean."""
    pairs = flow(Path(path), "test").pairs
    table = []
    for pair in pairs:
        evaluation = zoo.evaluate(model, FlowFolder(pair.name, [pair]), progress=False)
        values = [score.value for score in evaluation.results]
        table.append(dict(zip(COLUMNS, (name, pair.name, *values, evaluation.ms_per_image), strict=True)))
    means = {column: fmean(row[column] for row in table) for column in COLUMNS[2:]}
    return [*table, {"method": name, "pair": "mean", **means}]


def main(path: str) -> None:
    """Scores every method and every trained network of optical flow, and writes the table."""
    table = [row for name in METHODS for row in rows(name, classical.open(name), path)]
    for name in (name for name in catalog.names() if catalog.get(name).task == FlowFolder.task):
        table += rows(name, zoo.build(name), path)
    with open(OUT, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in table:
            writer.writerow({key: value if isinstance(value, str) else f"{value:.4g}" for key, value in row.items()})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
