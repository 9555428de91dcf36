"""`zoo benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import shipped_file


def benchmark(
    files: Annotated[list[Path], typer.Argument(help=".tflite files, timed turn by turn in one run.")],
    accelerator: Annotated[list[str] | None, typer.Option("--accelerator", "-a", help="cpu, gpu; may recur.")] = None,
    threads: Annotated[list[int] | None, typer.Option("--threads", "-t", help="CPU threads; may recur.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Leave the rows there as CSV.")] = None,
) -> None:
    """Time files side by side, the reading of the answer included.

    Example: zoo benchmark a.tflite b.tflite --threads 1 --threads 2
    """
    from rich.console import Console

    import edge
    from edge.latency import table, write_csv

    given = [shipped_file(file) for file in files]
    rows = edge.benchmark(given, accelerators=tuple(accelerator or ["cpu"]), threads=tuple(threads or [1, 2]))
    Console().print(table(rows))
    if out is not None:
        write_csv(rows, out)
