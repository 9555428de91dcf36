"""`zoo card`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.cards import Card


def card(
    name: Annotated[str | None, typer.Argument(help="A name of zoo list.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every network instead, as CSV; takes minutes.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="With --all: the CSV file to write.")] = None,
) -> None:
    """What is known of a network: paper, parameters, multiply-accumulates, memory, receptive field, options.

    Example: zoo card fcn8s
    """
    if every == (name is not None) or (every and as_json) or (out is not None and not every):
        raise InputError("zoo card takes either a NAME (and --json), or --all (and --out PATH)")
    if every:
        _write_all(out)
        return
    from zoo.registry import architecture

    architecture(name)  # a wrong name need not wait for Keras
    start_keras()
    from zoo.cards import cards

    (found,) = cards([name])
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        _show(found)


def _write_all(out: Path | None) -> None:
    start_keras()
    from rich.console import Console
    from rich.progress import track

    from zoo.cards import cards, write
    from zoo.registry import list_models

    names = list_models()
    shown = track(cards(names), "counting", total=len(names), console=Console(stderr=True))
    found = list(shown)  # an error leaves the file as it was
    if out is None:
        write(found, sys.stdout)
        return
    with open(out, "w", newline="", encoding="utf-8") as file:
        write(found, file)


def _show(found: Card) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, title=found.name, title_justify="left", title_style="bold")
    paper = found.paper
    seen = "the answer" if found.task == "segmentation" else "the last map"
    rows = {
        "task": found.task,
        "paper": f"{paper.authors}, “{paper.title}”, {paper.year}\n{paper.url}",
        "input": "×".join(str(n) for n in (*found.input_size, found.channels)),
        "classes": str(found.classes),
        "parameters": f"{found.trainable:,} trainable",
        "MACs": f"{found.macs / 1e9:.3f} G at that input",
        "memory": f"{found.peak_bytes / 1e6:.4g} MB of float32 activations at their peak",
        "sees": f"{found.receptive_field} pixels from one position of {seen} (receptive field)",
        "encoder": found.encoder or "",
        "strides": ", ".join(str(stride) for stride in found.strides),
        "layers": ", ".join(found.ops),
        "mobile": "whole on the GPU accelerator" if found.mobile else "not made for a phone's GPU",
        "weights": ", ".join(f'weights="{weights}"' for weights in found.weights),
        "options": ", ".join(found.options),
    }
    for heading, text in rows.items():
        if text:
            table.add_row(f"[dim]{heading}[/]", text)
    Console().print(table)
