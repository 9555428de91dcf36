"""Keras, imported at first use, so that `import zoo` and `zoo list` never wait for a framework.

Architecture files say `from zoo.lazy import keras` and then read like any other Keras code.
"""

from __future__ import annotations

import importlib
import types
from typing import TYPE_CHECKING


class _LazyModule(types.ModuleType):
    """Stands for a module until one of its attributes is asked for."""

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):  # tools that inspect modules must not trigger the import
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)


if TYPE_CHECKING:
    import keras
else:
    keras = _LazyModule("keras")

__all__ = ["keras"]
