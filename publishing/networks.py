"""Tables of the networks and of the shipped weights, from the registry, their cards and the conversions that were measured."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import zoo
from publishing.markers import table
from zoo import registry, tasks
from zoo.analysis.model_card import Row
from zoo.analysis.model_card import table as figures
from zoo.outputs.score import Score
from zoo.pretrained import catalog
from zoo.pretrained.catalog import Trained
from zoo.registry import Variant

CONVERSIONS = Path(__file__).parents[1] / "docs" / "results" / "conversions.csv"
# What a conversion has to have for a yes. Numbers of int8 are no part of it: the networks of that table are untrained and
# small, and round worse than trained ones, whose scores in int8 are on their cards.
INT8 = {"int8": ("converts",)}
GPU = {"float16": ("gpu_whole", "gpu_parity"), "int8": ("gpu_whole",)}
SHOWN = 4  # labels of a set of weights


def overview() -> str:
    """The README's table: of each task a row for each architecture with weights and one for the others, or one row for all."""
    rows: list[list[str]] = []
    for task in tasks.names():
        families = _families(task)
        trained = [names for names in families if _weights(names)]
        others = [name for names in families if names not in trained for name in names]
        firsts = [names[0] for names in families if names not in trained]
        if len(trained) == 1:
            rows.append([_words(task), _names([*trained[0], *firsts], [*trained[0], *others]), *_facts([*trained[0], *others])])
            continue
        rows += [[_words(task), _names(names, names), *_facts(names)] for names in trained]
        rows += [[_words(task), _names(firsts, others), *_facts(others)]] if others else []
    return table(("task", "networks", "shipped weights, as trained → in int8", "int8", "GPU"), rows)


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
        scores = weights.headlines
        trained = scores[catalog.WEIGHTS]
        rows.append(
            [
                f"`{name}`",
                ", ".join(weights.labels) if len(weights.labels) < SHOWN else f"{len(weights.labels)} classes",
                "×".join(map(str, weights.input_size)),
                weights.source,
                f"{trained.label} {trained.text}",
                _number(scores["int8"]) if "int8" in scores else "–",
                weights.license,
            ]
        )
    return table(("weights", "says", ">input", "learnt from", ">score", ">int8", "licence of the data"), rows)


def _families(task: str) -> list[list[str]]:
    """A task's networks by the file that registers them."""
    families: dict[str, list[str]] = {}
    for name in zoo.list_models(task=task):
        entry = registry.get(name)
        families.setdefault((entry.body or entry.builder).__module__, []).append(name)
    return list(families.values())


def _words(task: str) -> str:
    return task.replace("_", " ")


def _facts(names: list[str]) -> list[str]:
    return [_weights(names), _share(names, INT8), _share(names, GPU)]


def _row(entry: Variant, row: Row | None) -> list[str]:
    return [
        _words(entry.task),
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


def _names(shown: list[str], of: list[str]) -> str:
    """Some names out of more."""
    rest = len(of) - len(shown)
    return ", ".join(f"`{name}`" for name in shown) + (f" and {rest} more" if rest else "")


def _weights(names: Iterable[str]) -> str:
    return "; ".join(_scored(catalog.get(weights)) for name in names for weights in catalog.names(f"{name}.*"))


def _scored(weights: Trained) -> str:
    """A set's name with its headline score, as trained and in int8."""
    scores = weights.headlines
    trained = scores[catalog.WEIGHTS]
    texts = [_number(scores[form]) for form in (catalog.WEIGHTS, "int8") if form in scores]
    return f"`{weights.name}` {trained.label} {' → '.join(texts)} {trained.shown_unit}".rstrip()


def _number(score: Score) -> str:
    return score.text.removesuffix(f" {score.shown_unit}")


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
