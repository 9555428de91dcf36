"""`zoo lint`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import shipped_file


def lint(
    files: Annotated[list[Path], typer.Argument(help="Any .tflite files.")],
    level: Annotated[
        str, typer.Option(help="The mildest finding to fail for: crash, wrong, refused, overflow or unmeasured.")
    ] = "refused",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, a list with an entry a file.")] = False,
) -> None:
    """What is known of each operator of these files on a phone's GPU, worst first? Needs no GPU. Exit status 1 after a finding.

    Rests on measured graphs; zoo gpu-check runs the file itself, which alone is a verdict.

    Example: zoo lint model.tflite --level wrong
    """
    import edge

    results = [edge.gpu_lint(shipped_file(path)) for path in files]
    failing = [result for result in results if result.at(level)]
    if as_json:
        print(json.dumps([result.to_dict() for result in results], indent=1, ensure_ascii=False))
    else:
        print("\n".join(result.report() for result in results))
    raise typer.Exit(1 if failing else 0)
