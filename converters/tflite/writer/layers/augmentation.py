"""Layers that change pictures while a network learns, and hand them on when it answers."""

from __future__ import annotations

import keras

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.registry import lowers

_NAMES = [name for name in dir(keras.layers) if name.startswith("Random")]
_NAMES += ["AugMix", "CutMix", "MixUp", "RandAugment"]
_CHANGE = ("RandomCrop",)  # which answers with a crop from the middle


@lowers(*(getattr(keras.layers, name) for name in _NAMES if hasattr(keras.layers, name) and name not in _CHANGE))
def _handed_on(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    return build.cast(x, layer.compute_dtype)
