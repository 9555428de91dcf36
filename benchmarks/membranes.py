"""Membranes as ISBI 2012's challenge scores them: V_rand and V_info of unet.isbi after thinning, by threshold.

    python benchmarks/membranes.py PATH_OF_ISBI

Slices 24–29 of the labelled stack, which nothing was learnt from or chosen by; and 20–23, which chose the epoch. Beside the
best threshold of the slices themselves, which is what the challenge reports, stand the one that 20–23 choose, and the class
map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rows import write_table

import zoo
import zoo.data
from zoo.evaluation.predictor import Predictor
from zoo.metrics.membranes import MembraneScores

WEIGHTS, CELL = "unet.isbi", 1
COLUMNS = ("slices", "threshold of", "threshold", "v_rand", "v_info")


def main(
    isbi: Annotated[Path, typer.Argument(help="Folder of ISBI 2012.")],
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/membranes.csv"),
) -> None:
    """Score."""
    predictor = Predictor(zoo.build(WEIGHTS, output="probabilities"))
    scored = {split: _scored(predictor, zoo.data.open(f"isbi:{isbi}", split)) for split in ("val", "test")}
    chosen = scored["val"].best[0]
    rows = []
    for split, name in (("val", "20–23"), ("test", "24–29")):
        of_rand, of_info = scored[split].best
        best = scored[split].at(of_rand)[0], scored[split].at(of_info)[1]
        rows.append(_row(name, "the class map", "0.5", scored[split].at(0.5)))
        if split == "test":
            rows.append(_row(name, "slices 20–23", f"{chosen:g}", scored[split].at(chosen)))
        rows.append(_row(name, "these slices", f"{of_rand:g}, {of_info:g}", best))
    write_table(out, COLUMNS, rows)


def _scored(predictor: Predictor, slices: Any) -> MembraneScores:
    scores = MembraneScores(objects=CELL)
    for sample in slices:
        scores.update(np.asarray(sample.target), predictor.predict([sample.image])[0][..., CELL])
    return scores


def _row(slices: str, source: str, threshold: str, scores: tuple[float, float]) -> dict[str, Any]:
    row = {"slices": slices, "threshold of": source, "threshold": threshold}
    row |= {name: round(value, 4) for name, value in zip(("v_rand", "v_info"), scores, strict=True)}
    print(row, flush=True)
    return row


if __name__ == "__main__":
    typer.run(main)
