"""Training of any network on any data set, under any Keras backend.

>>> import zoo
>>> result = zoo.train(model, zoo.data.open("scenes"), zoo.data.open("scenes", "val"), epochs=10, folder="runs/first")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.training.trainer import Result, train

_PUBLIC = {"Result": "zoo.training.trainer", "train": "zoo.training.trainer"}  # name → the module it lives in, loaded late

__all__ = ["Result", "train"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo.training' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
