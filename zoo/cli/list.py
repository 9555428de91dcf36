"""`zoo list`."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.outputs.score import Score
    from zoo.pretrained.catalog import Trained
    from zoo.registry import Variant

WEIGHTS = "weights"  # the form of shipped weights that `zoo.build` reads

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}


def list_models(
    pattern: Annotated[str, typer.Argument(help="Glob, such as 'resnet*'.")] = "*",
    task: Annotated[str | None, typer.Option(help="Only this task, such as segmentation or optical_flow.")] = None,
    mobile: Annotated[bool, typer.Option("--mobile", help="Only networks made for a phone's GPU.")] = False,
    encoders: Annotated[bool, typer.Option("--encoders", help="Only networks usable as encoder=.")] = False,
    max_params: Annotated[str | None, typer.Option(help="Only up to so many trainable parameters: 5M, 800k.")] = None,
    max_gmacs: Annotated[float | None, typer.Option(help="Only up to so many 10⁹ multiply-accumulates: 0.5.")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="The trained weights that are shipped instead.")] = False,
    classical: Annotated[bool, typer.Option("--classical", help="The methods that learn nothing instead.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Names alone, one a line, for scripts.")] = False,
) -> None:
    """The networks there are, with their figures at their paper's input size; the classical methods follow them.

    Example: zoo list --task classification --max-params 5M
    """
    from zoo.build import list_models as find
    from zoo.errors import unknown

    if (weights or classical) and (mobile or encoders or max_params or max_gmacs or (weights and classical)):
        raise InputError("--weights and --classical list other things than networks; of the filters only --task goes with them")
    if weights:
        _list_weights(pattern, task, names)
        return
    methods = [] if mobile or encoders or max_params or max_gmacs else _methods(pattern, task)
    if not find(pattern) and not methods:
        raise unknown("model", pattern, [*find(), *_methods("*", None)])
    networks = [] if classical else _networks(pattern, task, mobile, encoders, max_params, max_gmacs)
    if not networks and not methods:
        raise InputError(f"none of the {len(find(pattern))} networks named {pattern} passes these filters; loosen one")
    if names:
        print("\n".join(methods if classical else networks or methods))
        return
    if networks:
        _show(networks)
    if methods:
        _show_methods(methods, apart=bool(networks))


def _networks(
    pattern: str, task: str | None, mobile: bool, encoders: bool, max_params: str | None, max_gmacs: float | None
) -> list[str]:
    from zoo.analysis.model_card import table
    from zoo.build import list_models as find

    rows = table()
    parameters = parse_count(max_params)
    return [
        name
        for name in find(pattern, task=task, mobile=mobile or None, encoder=encoders or None)
        if (parameters is None or (name in rows and rows[name].trainable <= parameters))
        and (max_gmacs is None or (name in rows and rows[name].gmacs <= max_gmacs))
    ]


def _methods(pattern: str, task: str | None) -> list[str]:
    """The classical methods whose name matches a glob."""
    from zoo import classical, tasks

    task_name = None if task is None else tasks.get(task).name
    methods = [classical.get(name) for name in classical.names() if fnmatch.fnmatchcase(name, pattern)]
    return [method.name for method in methods if task_name in (None, method.task)]


def _list_weights(pattern: str, task: str | None, names: bool) -> None:
    from zoo import tasks
    from zoo.errors import unknown
    from zoo.pretrained import catalog

    task_name = None if task is None else tasks.get(task).name
    sets = [catalog.get(name) for name in catalog.names(pattern)]
    sets = [weights for weights in sets if task_name in (None, weights.task)]
    if not sets and catalog.names():
        raise unknown("weights", pattern, catalog.names())
    if names:
        print("".join(f"{weights.name}\n" for weights in sets), end="")
    elif sets:
        _show_weights(sets)
    else:
        print("no weights are shipped here; zoo recipes shows how they are made")


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


def _show(names: list[str]) -> None:
    """A table that fits into 80 columns; "GPU" is whether a phone's takes the network whole, colours go without saying."""
    from rich.console import Console
    from rich.table import Table

    from zoo import registry
    from zoo.analysis.model_card import table

    rows = table()
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("name", "params", "GMACs", "input", "GPU", "paper"):
        shown.add_column(heading, no_wrap=True, justify="right" if heading in ("params", "GMACs") else "left")
    for name in names:
        entry = registry.get(name)
        row = rows.get(name)  # none for a network newer than the table
        shown.add_row(
            name,
            _short(row.trainable) if row else "",
            _places(row.gmacs) if row else "",
            "×".join(str(n) for n in entry.input_size) + ("" if entry.channels == 3 else f"×{entry.channels}"),
            "yes" if entry.mobile else "",
            _credit(entry),
        )
    Console().print(shown)


def _credit(entry: Variant) -> str:
    """The paper; of a network of our own, whose idea it follows most."""
    if entry.paper:
        return entry.paper.short
    return f"after {entry.inspired_by[0].first_author}" if entry.inspired_by else ""


def _show_methods(names: list[str], apart: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from zoo import classical

    if apart:
        print()
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("classical method", "task", "paper"):
        shown.add_column(heading, no_wrap=True)
    for method in map(classical.get, names):
        shown.add_row(method.name, method.task, method.paper.short)
    Console().print(shown)


def _show_weights(sets: list[Trained]) -> None:
    """Two tables that fit into 80 columns: what there is, and the licence of the data behind it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown, data = (Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0)) for _ in range(2))
    for heading in ("weights", "params", "size", "data", "score", "int8", "kB"):
        numbers = heading in ("params", "score", "int8", "kB")
        shown.add_column(heading, no_wrap=heading != "data", overflow="fold", justify="right" if numbers else "left")
    data.add_column("scored on", no_wrap=True)
    data.add_column("licence of the data")
    for weights in sets:
        scores = weights.headlines
        shown.add_row(
            Text(weights.name),
            _short(weights.parameters),
            "×".join(map(str, weights.input_size)),
            Text(re.split("[/-]", weights.score().dataset)[0]),
            f"{scores[WEIGHTS].label} {_number(scores[WEIGHTS])}",
            _number(scores["int8"]) if "int8" in scores else "",
            f"{weights.files[WEIGHTS].bytes / 1000:,.0f}",
        )
    for source, license in sorted({(weights.score().dataset, weights.license) for weights in sets}):
        data.add_row(Text(source), Text(license))
    Console().print(shown, "", data, sep="\n")


def _number(score: Score) -> str:
    return score.text.removesuffix(f" {score.shown_unit}")


def _short(count: int) -> str:
    return f"{count / 1e6:.1f}M" if count >= 10**6 else f"{count / 1e3:.0f}k"


def _places(gmacs: float) -> str:
    return f"{gmacs:.2f}" if gmacs >= 1 else f"{gmacs:.3f}" if gmacs >= 0.001 else f"{gmacs:.4f}"
