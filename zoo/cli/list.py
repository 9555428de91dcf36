"""`zoo list`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from zoo.errors import InputError

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}


def list_models(
    pattern: Annotated[str, typer.Argument(help="Glob, such as 'resnet*'.")] = "*",
    task: Annotated[str | None, typer.Option(help="Only this task: classification, segmentation.")] = None,
    mobile: Annotated[bool, typer.Option("--mobile", help="Only networks made for a phone's GPU.")] = False,
    encoders: Annotated[bool, typer.Option("--encoders", help="Only networks usable as encoder=.")] = False,
    max_params: Annotated[str | None, typer.Option(help="Only up to so many trainable parameters: 5M, 800k.")] = None,
    max_gmacs: Annotated[float | None, typer.Option(help="Only up to so many 10⁹ multiply-accumulates: 0.5.")] = None,
    names: Annotated[bool, typer.Option("--names", help="Names alone, one a line, for scripts.")] = False,
) -> None:
    """The networks there are, with their figures at their paper's input size.

    Example: zoo list --task classification --max-params 5M
    """
    from zoo.cards import table
    from zoo.errors import unknown
    from zoo.registry import list_models as find

    if not find(pattern):
        raise unknown("model", pattern, find())
    rows = table()
    parameters = parse_count(max_params)
    found = [
        name
        for name in find(pattern, task=task, mobile=mobile or None, encoder=encoders or None)
        if (parameters is None or (name in rows and rows[name].trainable <= parameters))
        and (max_gmacs is None or (name in rows and rows[name].gmacs <= max_gmacs))
    ]
    if not found:
        raise InputError(f"none of the {len(find(pattern))} networks named {pattern} passes these filters; loosen one")
    if names:
        print("\n".join(found))
    else:
        _show(found)


def parse_count(text: str | None) -> float | None:
    """ "5M", "800k" or "1.5e6" as a number.

    Raises:
        InputError: for anything else.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgb]?)", text.strip().lower())
    if not match:
        raise InputError(f"number {text!r}: expected one such as 5M, 800k or 5000000")
    return float(match[1]) * UNITS[match[2]]


def _show(found: list[str]) -> None:
    """A table that fits into 80 columns."""
    from rich.console import Console
    from rich.table import Table

    from zoo.cards import table
    from zoo.registry import architecture

    rows = table()
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("name", "params", "GMACs", "input", "mobile", "paper"):
        shown.add_column(heading, no_wrap=True, justify="right" if heading in ("params", "GMACs") else "left")
    for name in found:
        entry = architecture(name)
        row = rows.get(name)  # none for a network newer than the table
        shown.add_row(
            name,
            _short(row.trainable) if row else "",
            _places(row.gmacs) if row else "",
            "×".join(str(n) for n in (*entry.input_size, entry.channels)),
            "yes" if entry.mobile else "",
            f"{entry.paper.first_author} {entry.paper.year}",
        )
    Console().print(shown)


def _short(count: int) -> str:
    return f"{count / 1e6:.1f}M" if count >= 10**6 else f"{count / 1e3:.0f}k"


def _places(gmacs: float) -> str:
    return f"{gmacs:.2f}" if gmacs >= 1 else f"{gmacs:.3f}" if gmacs >= 0.001 else f"{gmacs:.4f}"
