"""Batch normalisation brought to rest on given pictures, as training would bring it there."""

from __future__ import annotations

import keras
import numpy as np


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Gives every batch normalisation the statistics of these pictures (N×H×W×C, 0–255).

    An untrained network's own, mean 0 and variance 1, let its signal fade to nothing on the way.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
