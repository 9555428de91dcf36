"""`zoo card`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.arguments import Size, parse_size
from zoo.cli.memory import show_memory
from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from zoo.analysis.model_card import Card
    from zoo.classical import Method
    from zoo.paper import Paper
    from zoo.pretrained.catalog import Trained


def card(
    name: Annotated[str | None, typer.Argument(help="A name of zoo list.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every network instead, as CSV; takes minutes.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="With --all: the CSV file to write.")] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="What each layer holds instead, and what training and testing need.")
    ] = False,
    size: Size = None,
) -> None:
    """What is known of a network: paper, parameters, multiply-accumulates, memory, receptive field, options.

    Of shipped weights also data, licence and scores; of a classical method what it assumes, and its parameters. With --memory
    NAME may be a .keras file too.

    Example: zoo card fcn8s
    """
    if size is not None and not memory:
        raise InputError("--size goes with --memory; a card's figures are for the paper's input size")
    if memory:
        if every or name is None or out is not None:
            raise InputError("zoo card --memory takes a NAME (and --size, --json)")
        show_memory(name, parse_size(size), as_json)
        return
    if every == (name is not None) or (every and as_json) or (out is not None and not every):
        raise InputError("zoo card takes either a NAME (and --json), or --all (and --out PATH)")
    if every:
        _write_all(out)
        return
    from zoo import classical
    from zoo.build import variant
    from zoo.pretrained import catalog

    if name in classical.names():
        _show_method(classical.get(name), as_json)
        return
    weights = catalog.get(name) if "." in name else None  # a wrong name need not wait for Keras
    variant(weights.model if weights else name)
    start_keras()
    from zoo.analysis.model_card import cards

    (figures,) = cards([name])
    if as_json:
        facts = {} if weights is None else {"weights_facts": weights.as_dict()}
        print(json.dumps({**figures.as_dict(), **facts}, indent=2, ensure_ascii=False))
        return
    _show(figures)
    if weights:
        _show_trained(weights)


def _write_all(out: Path | None) -> None:
    start_keras()
    from rich.console import Console
    from rich.progress import track

    from zoo.analysis.model_card import cards, write
    from zoo.registry import list_models

    names = list_models()
    shown = track(cards(names), "counting", total=len(names), console=Console(stderr=True))
    rows = list(shown)  # an error leaves the file as it was
    if out is None:
        write(rows, sys.stdout)
        return
    with open(out, "w", newline="", encoding="utf-8") as file:
        write(rows, file)


def _table(title: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    return Table(box=None, show_header=False, pad_edge=False, title=Text(title), title_justify="left", title_style="bold")


def _show(figures: Card) -> None:
    table = _table(figures.name)
    place = "the last map" if figures.strides else "the answer"  # an encoder's classifier sums its last map up
    rows = {
        "task": figures.task,
        "paper": _cited(figures.paper) if figures.paper else "none: a network of this zoo's own",
        "inspired by": "\n".join(map(_cited, figures.inspired_by)),
        "input": "×".join(str(n) for n in (*figures.input_size, figures.channels)),
        "classes": str(figures.classes),
        "parameters": f"{figures.trainable:,} trainable",
        "MACs": f"{figures.macs / 1e9:.3f} G at that input",
        "memory": f"{figures.peak_bytes / 1e6:.4g} MB of float32 activations at their peak",
        "sees": f"{figures.receptive_field} pixels from one position of {place} (receptive field)",
        "encoder": figures.encoder or "",
        "strides": ", ".join(str(stride) for stride in figures.strides),
        "layers": ", ".join(figures.ops),
        "mobile": "whole on the GPU accelerator" if figures.mobile else "not made for a phone's GPU",
        "weights": ", ".join(f'weights="{weights}"' for weights in figures.weights),
        "trained": ", ".join(figures.trained),
        "options": ", ".join(figures.options),
    }
    _print_rows(rows, table)


def _cited(paper: Paper) -> str:
    return f"{paper.authors}, “{paper.title}”, {paper.year}\n{paper.url}"


def _print_rows(rows: dict[str, str], table: Table) -> None:
    from rich.console import Console
    from rich.text import Text

    for heading, text in rows.items():
        if text:
            table.add_row(Text(heading, "dim"), Text(text))
    Console().print(table)


def _show_trained(weights: Trained) -> None:
    """The card of weights: what they learnt from, what each of their forms scored, and how they were made."""
    run, best = weights.training, weights.training["best"]
    rows = {
        "data": f"{weights.source}\nlicence: {weights.license}",
        "classes": ", ".join(weights.labels),
        "recipe": f"zoo train --recipe {weights.recipe}",
        "trained": f"{run['epochs']} epochs in {run['seconds'] / 60:.0f} min"
        + (f" on {run['hardware']}" if run["hardware"] else "")
        + (f"; best {best['metric']} {best['score']:.4f} in epoch {best['epoch']}" if best else ""),
    }
    for score in weights.measured:
        scores = ", ".join(f"{result.label} {result.text}" for result in score.results)
        file = weights.files.get(score.form)
        size_of_file = f" · {file.name}, {file.bytes / 1000:,.0f} kB" if file else ""
        size = "×".join(map(str, score.size))
        rows[score.form] = f"{scores}\non {score.dataset}, {score.images} images at {size}{size_of_file}"
    _print_rows(rows, _table("weights"))


def _show_method(method: Method, as_json: bool) -> None:
    """A classical method's paper and parameters, and what its file says of it."""
    parameters = {key: {"default": method.defaults[key], "meaning": text} for key, text in method.described.items()}
    if as_json:
        facts = {"name": method.name, "kind": "classical", "task": method.task, "paper": asdict(method.paper)}
        print(json.dumps({**facts, "trainable": 0, "parameters": parameters}, indent=2, ensure_ascii=False))
        return
    rows = {
        "task": method.task,
        "kind": "classical: nothing in it is learnt",
        "paper": _cited(method.paper),
        **{key: f"{row['default']}   {row['meaning']}" for key, row in parameters.items()},
    }
    _print_rows(rows, _table(method.name))
    print(f"\n{method.text}")
