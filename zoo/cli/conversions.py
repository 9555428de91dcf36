"""`zoo conversions`: what becomes of every network in every form, as a table that is written row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.quiet import start_keras


def conversions(
    out: Annotated[Path, typer.Argument(help="The .csv; rows that it has already are not made again.")],
    pattern: Annotated[str, typer.Option("--models", help="Glob over names; default all.")] = "*",
    full: Annotated[
        bool, typer.Option("--full", help="The published widths and sizes, not tiny models of the same graphs.")
    ] = False,
) -> None:
    """Convert the registry's networks to every form and write down what came of it: it converts or not, bytes, parity with
    Keras on the CPU, whole on the GPU accelerator, parity there; and the reason of every 'no', with the operator that it is of.

    Tiny models are taught a toy problem for some seconds before, so that their answers can be compared; networks whose tiny
    models are one graph share a measurement, whose network is named in measured_on, and bytes are the tiny model's. With
    --full the networks are untrained and chaotic, so that int8 parity may fail where a trained one's passes; the error is in
    the reason. Interrupt at any moment; the same command goes on.

    Example: zoo conversions conversions.csv --models 'unet*'
    """
    start_keras()
    import edge
    from converters import matrix
    from edge.gpu.process import reused

    with reused():
        for row in matrix.complete(out, matrix.Gpu(edge.gpu_check, edge.gpu_bisect), pattern, full):
            print(" · ".join(str(row[column]) for column in matrix.COLUMNS if row[column]), flush=True)
