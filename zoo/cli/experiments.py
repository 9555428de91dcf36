"""`zoo experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.quiet import start_keras
from zoo.errors import InputError


def experiments(
    name: Annotated[str | None, typer.Argument(help="An experiment; without one, they are listed.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the picture and the table.")] = Path("experiments"),
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="field: a name of zoo list; may recur to compare.")
    ] = None,
    weights: Annotated[Path | None, typer.Option("--weights", "-w", help="field: a trained model's file.")] = None,
) -> None:
    """The lectures' claims, each an experiment of a few minutes that leaves a picture and a CSV.

    Example: zoo experiments field --model resnet50 --model unet
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from zoo.experiments import EXPERIMENTS, experiment

    console = Console()
    if name is None:
        listed = Table(box=None, show_header=False, pad_edge=False)
        for key, question in EXPERIMENTS.items():
            listed.add_row(f"[bold]{key}[/]", question)
        console.print(listed)
        return
    if (model or weights) and name != "field":
        raise InputError(f"--model and --weights are for zoo experiments field; {name} builds its own networks")
    if weights and len(model or ()) != 1:
        raise InputError("--weights belong to one network; name it with --model")
    if name in EXPERIMENTS:
        start_keras()
    chosen = experiment(name)
    console.print(Text(f"{chosen.__doc__.strip()}\n", "dim"), highlight=False, soft_wrap=True)
    options = {"models": model, "weights": weights} if model else {}
    chosen.run(out, say=lambda line: console.print(line, highlight=False, markup=False, emoji=False), **options)
    console.print(Text.assemble((f"{out / name}.png", "bold"), f" and {name}.csv"))
