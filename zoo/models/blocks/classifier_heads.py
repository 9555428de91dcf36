"""Classifier heads: from an encoder's deepest feature to logits."""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.encoders import Features


def average_top(features: Features, classes: int) -> Any:
    """Global average pooling of the deepest feature → Dense: the end of most classifiers since 2014."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features.deepest)
    return keras.layers.Dense(classes, name="fc")(x)


def pooled_top(features: Features, classes: int, *, dropout: float = 0.2) -> Any:
    """The same with dropout before the dense layer, as in the mobile networks."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features.deepest)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Dense(classes, name="fc")(x)


def fully_connected_top(
    features: Features, classes: int, *, fc: tuple[tuple[int, int], ...], dropout: float = 0.5
) -> Any:
    """The end of AlexNet and VGG: Flatten → (Dense, ReLU, dropout) for each row of `fc` → Dense; layers are fc6, fc7, …

    Args:
        fc: (kernel, units) of each hidden layer; the kernel is the side of the map it sees when read as a convolution,
            which is how FCN reads it. Here only the units count.
    """
    x = keras.layers.Flatten(name="flatten")(features.deepest)
    for number, (_, units) in enumerate(fc, start=6):
        x = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(x)
        x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    return keras.layers.Dense(classes, name=f"fc{6 + len(fc)}")(x)
