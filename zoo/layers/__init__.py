"""The zoo's own layers: registered, serialisable, and few. Keras is imported when the first of them is asked for."""

from __future__ import annotations

import importlib

_PUBLIC = {  # name → the module it lives in
    "Answer": "zoo.layers.answer",
    "answer": "zoo.layers.answer",
    "Bilinear": "zoo.layers.bilinear",
    "CropLike": "zoo.layers.fit",
    "LocalResponseNormalization": "zoo.layers.normalization",
    "MirrorPadding2D": "zoo.layers.fit",
    "ResizeLike": "zoo.layers.fit",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo.layers' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
