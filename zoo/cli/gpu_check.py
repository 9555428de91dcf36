"""`zoo gpu-check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import InputRange, Labels, Output, parse_meaning, shipped_file


def gpu_check(
    file: Annotated[Path, typer.Argument(help="Any .tflite file.")],
    images: Annotated[list[Path] | None, typer.Argument(help="Pictures to compare the numbers on.")] = None,
    labels: Labels = None,
    output: Output = None,
    input_range: InputRange = None,
) -> None:
    """Will a phone's GPU run this file whole, and say the same as the CPU? Exit status 1 if not.

    Example: zoo gpu-check model.tflite photo.jpg
    """
    import edge
    from zoo.data.image_files import read_rgb

    said = parse_meaning(labels, output, input_range)
    verdict = edge.gpu_check(shipped_file(file), [read_rgb(path) for path in images] if images else None, **said)
    print(verdict.report())
    raise typer.Exit(0 if verdict.ok else 1)
