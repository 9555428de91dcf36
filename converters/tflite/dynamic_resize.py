"""Resizing to a height and width that are known only when the graph runs.

`keras.ops.image.resize` asks whether the size is above zero before it looks at what it is, which a tensor in a TensorFlow
graph cannot answer; underneath, TensorFlow resizes to such sizes without trouble.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf


@contextlib.contextmanager
def open_sizes() -> Iterator[None]:
    """While it lasts, layers may call `keras.ops.image.resize` with tensors for height and width."""
    original = keras.ops.image.resize

    def resize(images: Any, size: Sequence[Any], interpolation: str = "bilinear", **options: Any) -> Any:
        if not any(tf.is_tensor(side) for side in size):
            return original(images, size, interpolation=interpolation, **options)
        if any(options.values()):
            raise ValueError(
                f"resizing to a size that is not known before the graph runs cannot be combined with {options}"
            )
        return tf.cast(tf.image.resize(images, tf.stack(size), interpolation), images.dtype)

    keras.ops.image.resize = resize
    try:
        yield
    finally:
        keras.ops.image.resize = original
