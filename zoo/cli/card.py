"""`zoo card`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from zoo.cli.quiet import start_keras


def card(
    name: Annotated[str, typer.Argument(help="A name of zoo list.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What is known of a network: paper, parameters, multiply-accumulates, options.

    Example: zoo card fcn8s
    """
    start_keras()
    from zoo.cards import card as make

    found = make(name)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, title=found.name, title_justify="left", title_style="bold")
    paper = found.paper
    rows = {
        "task": found.task,
        "paper": f"{paper.authors}, “{paper.title}”, {paper.year}\n{paper.url}",
        "input": "×".join(str(n) for n in (*found.input_size, found.channels)),
        "classes": str(found.classes),
        "parameters": f"{found.trainable:,} trainable",
        "MACs": f"{found.macs / 1e9:.3f} G at that input",
        "encoder": found.encoder or "",
        "strides": ", ".join(str(stride) for stride in found.strides),
        "mobile": "whole on the GPU accelerator" if found.mobile else "not made for a phone's GPU",
        "options": ", ".join(found.options),
    }
    for heading, text in rows.items():
        if text:
            table.add_row(f"[dim]{heading}[/]", text)
    Console().print(table)
