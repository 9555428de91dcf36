"""Catalogs: the classes of a package, a file each, found by themselves, and those that others enter."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from typing import Generic, TypeVar

from zoo.errors import InputError, unknown

Entry = TypeVar("Entry")


class Catalog(Generic[Entry]):
    """One instance of each concrete class of `base` that a package's files define, by its `name`, and those registered.

    Args:
        base: the class that entries derive from.
        package: the package's name.
        path: its folders, as its `__path__`.
        noun: what an entry is called in errors, "task".
    """

    def __init__(self, base: type[Entry], package: str, path: Sequence[str], noun: str) -> None:
        self._base, self._package, self._path, self._noun = base, package, path, noun
        self._registered: dict[str, Entry] = {}

    @functools.cached_property
    def _own(self) -> dict[str, Entry]:
        modules = [importlib.import_module(f"{self._package}.{file.name}") for file in pkgutil.iter_modules(self._path)]
        classes = {
            each.name: each
            for module in modules
            for each in vars(module).values()
            if inspect.isclass(each) and issubclass(each, self._base) and each.__module__ == module.__name__
            if each is not self._base and not inspect.isabstract(each)
        }
        return {name: each() for name, each in classes.items()}

    def register(self, entry: Entry) -> None:
        """Enters one that is not of the package.

        Raises:
            InputError: if its name is taken.
        """
        if entry.name in self.names():
            raise InputError(f"a {self._noun} named {entry.name!r} is there already; choose another name")
        self._registered[entry.name] = entry

    def withdraw(self, name: str) -> None:
        """Takes one that was registered out again."""
        self._registered.pop(name, None)

    def names(self) -> list[str]:
        """The names of all, sorted."""
        return sorted({**self._own, **self._registered})

    def get(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            InputError: for an unknown name.
        """
        entries = {**self._own, **self._registered}
        if name not in entries:
            raise unknown(self._noun, name, entries)
        return entries[name]
