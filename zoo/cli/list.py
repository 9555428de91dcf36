"""`zoo list`."""

from __future__ import annotations

from typing import Annotated

import typer


def list_models(
    pattern: Annotated[str, typer.Argument(help="Glob, such as 'resnet*'.")] = "*",
    task: Annotated[str | None, typer.Option(help="Only this task: classification, segmentation.")] = None,
    mobile: Annotated[bool, typer.Option("--mobile", help="Only networks made for a phone's GPU.")] = False,
    encoders: Annotated[bool, typer.Option("--encoders", help="Only networks usable as encoder=.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Names alone, one a line, for scripts.")] = False,
) -> None:
    """The networks there are.

    Example: zoo list 'fcn*'
    """
    from zoo.errors import unknown
    from zoo.registry import architecture
    from zoo.registry import list_models as find

    found = find(pattern, task=task, mobile=mobile or None, encoder=encoders or None)
    if not found:
        raise unknown("model", pattern, find())
    if names:
        print("\n".join(found))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("name", "task", "input", "strides/encoder", "mobile", "paper"):
        table.add_column(heading, no_wrap=True)
    for name in found:
        entry = architecture(name)
        paper = f"{entry.paper.first_author} {entry.paper.year}"
        size = "×".join(str(n) for n in (*entry.input_size, entry.channels))
        strides = " ".join(str(stride) for stride in entry.strides)
        encoder = strides or entry.default_encoder or ""
        table.add_row(name, entry.task, size, encoder, "yes" if entry.mobile else "", paper)
    Console().print(table)
