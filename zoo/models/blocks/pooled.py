"""The end of most classifiers since 2014: the average over all positions, and one dense layer."""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.encoders import Features


def average_top(features: Features, classes: int) -> Any:
    """Global average pooling of the deepest feature → Dense."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features.deepest)
    return keras.layers.Dense(classes, name="fc")(x)


def pooled_top(features: Features, classes: int, *, dropout: float = 0.2) -> Any:
    """The same with dropout before the dense layer, as in the mobile networks."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features.deepest)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Dense(classes, name="fc")(x)
