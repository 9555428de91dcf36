"""A case: one small graph by name, the operator that it asks about, and where it was first seen."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from converters.gpu_graphs.draft import Draft, Value

Drawing = Callable[[Draft], Value | Iterable[Value]]
MEASURED = "densezoo"


@dataclass(frozen=True)
class Case:
    """One graph.

    Args:
        name: of small letters, digits and underscores, its own among all.
        operator: the code of the operator that it asks about.
        drawing: draws it and gives its results.
        source: who reported it, as LiteRT#8599; "densezoo" where it was met here.
        integers: whether it has an int8 form too.
        samples: how many; large maps have one.
    """

    name: str
    operator: str
    drawing: Drawing
    source: str = MEASURED
    integers: bool = False
    samples: int = 2

    def draft(self) -> Draft:
        """The graph, drawn: the same one each time."""
        draft = Draft(seed=sum(map(ord, self.name)), samples=self.samples)
        results = self.drawing(draft)
        draft.result(*([results] if isinstance(results, Value) else results))
        return draft


@functools.cache
def all_cases() -> dict[str, Case]:
    """Every case by name, in the order of their families' files."""
    from converters.gpu_graphs import cases

    result: dict[str, Case] = {}
    for module in pkgutil.iter_modules(cases.__path__):
        for case in importlib.import_module(f"{cases.__name__}.{module.name}").CASES:
            if case.name in result:
                raise ValueError(f"two cases are called {case.name!r}")
            result[case.name] = case
    return result
