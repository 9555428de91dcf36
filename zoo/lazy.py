"""Keras, imported at first use, so that `import zoo` and `zoo list` never wait for a framework.

Architecture files say `from zoo.lazy import keras` and then read like any other Keras code. What has to happen as soon as
somebody imports Keras, as registering the zoo's layers, or just before it, waits for that with `when_imported`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING


class _LazyModule(types.ModuleType):
    """Stands for a module until one of its attributes is asked for."""

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):  # tools that inspect modules must not trigger the import
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)


class _Watch(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module as everybody else does, and calls back when it has been imported."""

    def __init__(self, module: str, call: Callable[[], object], before: Callable[[], object]) -> None:
        self._module, self._call, self._before = module, call, before
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, loaded by this object; None for any other module."""
        if fullname != self._module or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)  # it is imported once
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """The module as its own loader makes it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the module by its own loader, which it has again from then on, and calls back before and after."""
        self._before()
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call()


def when_imported(module: str, call: Callable[[], object], before: Callable[[], object] = lambda: None) -> None:
    """Calls a function once a module is imported: at once where it is, else right after somebody imports it.

    What is to happen just before the import is left out where the module is there already.
    """
    if module in sys.modules:
        call()
    else:
        sys.meta_path.insert(0, _Watch(module, call, before))


if TYPE_CHECKING:
    import keras
else:
    keras = _LazyModule("keras")

__all__ = ["keras", "when_imported"]
