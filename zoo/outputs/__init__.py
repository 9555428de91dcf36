"""Kinds: what the numbers of an output mean. A file a kind, found by itself; NumPy only, for `edge` imports it too.

>>> spec = OutputSpec("class_scores", channels=2, labels=("background", "person"))
>>> kind(spec).decode(np.zeros((4, 4, 2)), spec, (8, 8)).shape
(8, 8)
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from zoo.errors import InputError, unknown
from zoo.outputs.base import Kind
from zoo.outputs.comparison import Comparison, Tolerance
from zoo.outputs.spec import InputSpec, OutputSpec

__all__ = ["Comparison", "InputSpec", "Kind", "OutputSpec", "Tolerance", "get", "kind", "names", "register", "withdraw"]

_own: dict[str, Kind] = {}  # of others, entered by `register`


@functools.cache
def _found() -> dict[str, Kind]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {each.name: each() for each in Kind.__subclasses__() if each.__module__.startswith(f"{__name__}.")}


def register(own: Kind) -> None:
    """Enters a kind that is not of this package.

    Raises:
        InputError: if its name is taken.
    """
    if own.name in names():
        raise InputError(f"a kind named {own.name!r} is there already; choose another name")
    _own[own.name] = own


def withdraw(name: str) -> None:
    """Takes a kind of `register` out again."""
    _own.pop(name, None)


def names() -> list[str]:
    """The names of all kinds, sorted."""
    return sorted({**_found(), **_own})


def get(name: str) -> Kind:
    """The kind of that name.

    Raises:
        InputError: for an unknown name.
    """
    kinds = {**_found(), **_own}
    if name not in kinds:
        raise unknown("kind of output", name, kinds)
    return kinds[name]


def kind(spec: OutputSpec) -> Kind:
    """The kind of an output.

    Raises:
        InputError: for an unknown one.
    """
    return get(spec.kind)
