"""What becomes of each layer of Keras, and of each activation, in float32, int8, ONNX, folded and over the tf_keras bridge.

    python benchmarks/layer_conversions.py

Every case is a small network around the layer (`converters.layer_cases`). A conversion is right by numbers, or refused by an
InputError that names the layer; in int8, where eight bits are too few, a warning may name it. Anything else is a bug, and the
command ends with status 1.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
_KEPT = ("right", "refused", "warned")
COLUMNS = ("layer", "setting", "form", "verdict", "error", "reason")


def main(
    pattern: Annotated[str, typer.Argument(help='Glob over the names of layers; "activation" for the activations.')] = "*",
    forms: Annotated[str, typer.Option(help="With commas between them.")] = "float32,int8,onnx,fold,bridge",
    engine: Annotated[str | None, typer.Option(help="That writes .tflite files; the converter's default.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep what is right or refused in the table already.")] = False,
    out: Annotated[Path, typer.Option(help="The table, as .csv.")] = Path("docs/results/layer_conversions.csv"),
) -> None:
    """Convert each layer in every form, and count what became of it."""
    from converters import layer_matrix

    known = {}
    if keep and out.is_file():
        with out.open(newline="", encoding="utf-8") as file:
            before = [layer_matrix.Row(**row) for row in csv.DictReader(file)]
        known = {(row.layer, row.setting, row.form): row for row in before if row.verdict in _KEPT}
    table = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in layer_matrix.rows(pattern, tuple(forms.split(",")), engine, known):
            table.append(row)
            writer.writerow(row.as_dict())
            file.flush()
            if row.verdict not in layer_matrix.FINE:
                print(f"{row.layer}({row.setting}), {row.form}: {row.verdict} {row.error} {row.reason}", flush=True)
    for form, verdicts in layer_matrix.counts(table).items():
        print(f"{form:8} " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    raise typer.Exit(any(row.verdict not in layer_matrix.FINE for row in table))


if __name__ == "__main__":
    typer.run(main)
