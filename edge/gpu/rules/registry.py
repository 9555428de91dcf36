"""The registry of rules."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from edge.graph import Graph, Operator

CRASH, WRONG, REFUSED, OVERFLOW = "crash", "wrong", "refused", "overflow"
KINDS = (CRASH, WRONG, REFUSED, OVERFLOW)  # the worst first
Search = Callable[[Graph, Operator], bool]


@dataclass(frozen=True)
class Rule:
    """What is known of some operators.

    Attributes:
        kind: one of KINDS. OVERFLOW is what goes wrong in float16 first.
        what: what happens, in words.
        advice: what to write instead.
        matches: whether an operator of a graph is such a one.
        below_zero: whether it happens to values below zero alone, so that samples may never show it.
    """

    kind: str
    what: str
    advice: str
    matches: Search
    below_zero: bool = False


_RULES: dict[str, list[Rule]] = {}  # operator → its rules; "" has those of every operator


def rule(
    *operators: str, kind: str, what: str, advice: str, below_zero: bool = False
) -> Callable[[Search], Search]:
    """Enters a rule of operators by name, of all where none is named."""

    def enter(search: Search) -> Search:
        for operator in operators or ("",):
            _RULES.setdefault(operator, []).append(Rule(kind, what, advice, search, below_zero))
        return search

    return enter


def rules_of(operator: str) -> list[Rule]:
    """The rules that look at operators of that name."""
    rules = _loaded()
    return [*rules.get(operator, ()), *rules.get("", ())]


def matching(graph: Graph, operator: Operator, kinds: Collection[str] = KINDS) -> list[Rule]:
    """The rules of some kinds that an operator of a graph is one of."""
    return [each for each in rules_of(operator.name) if each.kind in kinds and each.matches(graph, operator)]


def known(*kinds: str) -> tuple[str, ...]:
    """What the rules of some kinds say, each once."""
    return tuple(dict.fromkeys(each.what for rules in _loaded().values() for each in rules if each.kind in kinds))


@functools.cache
def _loaded() -> Mapping[str, list[Rule]]:
    package = importlib.import_module(__package__)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda entry: entry.name):
        importlib.import_module(f"{__package__}.{module.name}")
    return _RULES
