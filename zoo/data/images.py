"""Images: the old place of `zoo.data.image_files`, until 0.3."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    from zoo.data import image_files

    if name.startswith("_") or not hasattr(image_files, name):
        raise AttributeError(f"module 'zoo.data.images' has no attribute {name!r}")
    warnings.warn("zoo.data.images is now zoo.data.image_files; the old name goes with 0.3", DeprecationWarning, stacklevel=2)
    return getattr(image_files, name)
