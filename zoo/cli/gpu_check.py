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
    bisect: Annotated[
        bool, typer.Option("--bisect", help="If not, find the first operator that is refused or wrong.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="With --bisect: the small file of the fault; default FILE_alone.tflite.")
    ] = None,
    float16: Annotated[bool, typer.Option("--float16", help="Rehearse float16 on the CPU, whatever the GPU has.")] = False,
) -> None:
    """Will a phone's GPU run this file whole, and say the same as the CPU? Exit status 1 if not.

    Examples: zoo gpu-check model.tflite photo.jpg

    zoo gpu-check model.tflite photo.jpg --bisect
    """
    import edge
    from zoo.data.image_files import read_rgb

    said = parse_meaning(labels, output, input_range)
    path, pictures = shipped_file(file), [read_rgb(path) for path in images] if images else None
    verdict = edge.gpu_check(path, pictures, **said, rehearse=float16)
    print(verdict.report())
    if bisect and verdict.faulty:
        target = out or Path(f"{file.stem}_alone.tflite")
        print(edge.gpu_bisect(path, pictures, **said, target=target).report())
    raise typer.Exit(0 if verdict.ok else 1)
