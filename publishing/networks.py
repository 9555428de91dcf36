"""Tables of the networks and of the shipped weights, from the registry, their cards and the conversions that were measured."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import zoo
from publishing.markers import table
from zoo import registry
from zoo.analysis.model_card import Row
from zoo.analysis.model_card import table as figures
from zoo.pretrained import catalog
from zoo.pretrained.catalog import Trained
from zoo.registry import Variant

CONVERSIONS = Path(__file__).parents[1] / "docs" / "results" / "conversions.csv"
# What a conversion has to have for a yes. Numbers of int8 are no part of it: the networks of that table are untrained and
# small, and round worse than trained ones, whose scores in int8 are on their cards.
INT8 = {"int8": ("converts",)}
GPU = {"float16": ("gpu_whole", "gpu_parity"), "int8": ("gpu_whole",)}
SHOWN = 4  # names of a family


def overview() -> str:
    """The README's table: a row an architecture, and one for all that serve as encoders."""
    rows = [
        [registry.get(names[0]).task.replace("_", " "), _names(names), _weights(names), _share(names, INT8), _share(names, GPU)]
        for names in _families(encoders=False)
    ]
    encoders = _families(encoders=True)
    every = [name for names in encoders for name in names]
    first = registry.get(every[0])
    text = f"{len(every)} in {len(encoders)} families, from `{every[0]}` to `{every[-1]}`; each is an encoder too"
    rows.append([first.task, text, _weights(every), _share(every, INT8), _share(every, GPU)])
    return table(("task", "network", "shipped weights: mIoU → in int8", "int8", "GPU"), rows)


def every_network() -> str:
    """The documentation's table: a row a network."""
    rows = figures()
    names = sorted(zoo.list_models(), key=lambda name: (registry.get(name).body is not None, registry.get(name).task, name))
    return table(
        ("task", "network", ">parameters", ">GMACs", ">input", "int8", "GPU", "encoder", "weights", "after"),
        [_row(registry.get(name), rows.get(name)) for name in names],
    )


def shipped_weights() -> str:
    """The table of weights: a row a set, with its scores as they were trained and in int8."""
    rows = []
    for name in catalog.names():
        weights = catalog.get(name)
        metric, values = weights.headline
        rows.append(
            [
                f"`{name}`",
                ", ".join(weights.labels) if len(weights.labels) < SHOWN else f"{len(weights.labels)} classes",
                "×".join(map(str, weights.input_size)),
                weights.source,
                f"{metric} {100 * values[catalog.WEIGHTS]:.1f}",
                f"{100 * values['int8']:.1f}" if "int8" in values else "",
                weights.license,
            ]
        )
    return table(("weights", "says", ">input", "learnt from", ">score", ">int8", "licence of the data"), rows)


def _families(encoders: bool) -> list[list[str]]:
    """Names by the file that registers them, in the order of their tasks."""
    families: dict[tuple[str, str], list[str]] = {}
    for name in zoo.list_models():
        entry = registry.get(name)
        if (entry.body is not None) == encoders:
            families.setdefault((entry.task, (entry.body or entry.builder).__module__), []).append(name)
    return [families[key] for key in sorted(families)]


def _row(entry: Variant, row: Row | None) -> list[str]:
    return [
        entry.task.replace("_", " "),
        f"`{entry.name}`",
        f"{row.trainable / 1e6:.2f} M" if row else "",
        f"{row.gmacs:.3g}" if row else "",
        "×".join(map(str, entry.input_size)),
        _share([entry.name], INT8),
        _share([entry.name], GPU),
        "yes" if entry.body is not None else "",
        _weights([entry.name]),
        f"[{entry.paper.short}]({entry.paper.url})" if entry.paper else _inspiration(entry),
    ]


def _inspiration(entry: Variant) -> str:
    return f"own, after {entry.inspired_by[0].first_author}" if entry.inspired_by else "own"


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _weights(names: Iterable[str]) -> str:
    return "; ".join(_scored(catalog.get(weights)) for name in names for weights in catalog.names(f"{name}.*"))


def _scored(weights: Trained) -> str:
    """A set's name with its headline score, as trained and in int8."""
    _, values = weights.headline
    return f"`{weights.name}` {' → '.join(f'{100 * values[form]:.1f}' for form in (catalog.WEIGHTS, 'int8') if form in values)}"


def _share(names: list[str], demands: Mapping[str, tuple[str, ...]]) -> str:
    """How many of the networks have a yes in every column that is demanded of a form.

    Returns:
        "yes", "no", "3 of 5", or a dash where nothing was measured.
    """
    rows = _conversions()
    answers = [
        all(rows[name, form][column] == "yes" for form, columns in demands.items() for column in columns)
        for name in names
        if all((name, form) in rows for form in demands)
    ]
    if not answers:
        return "–"
    return "yes" if all(answers) else f"{sum(answers)} of {len(answers)}" if any(answers) else "no"


@functools.cache
def _conversions() -> dict[tuple[str, str], dict[str, str]]:
    with open(CONVERSIONS, newline="", encoding="utf-8") as file:
        return {(row["model"], row["form"]): row for row in csv.DictReader(file)}
