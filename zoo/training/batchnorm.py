"""Batch normalisation brought to rest on given pictures, as training would bring it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from zoo.errors import InputError


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Gives every batch normalisation the statistics of these pictures (N×H×W×C, 0–255).

    An untrained network's own, mean 0 and variance 1, let its signal fade to nothing on the way.
    """
    recalibrate(model, [images])


def recalibrate(model: keras.Model, batches: Iterable[np.ndarray]) -> None:
    """Gives every batch normalisation that is `trainable` the statistics of all these pictures together.

    Of each batch (N×H×W×C, 0–255) mean and variance are measured where earlier layers are normalised by that batch, as in
    training, and pooled over the batches by their number of pictures: the mean of the means, and of the variances plus that
    of the means. Dropout stands still meanwhile, since a network that is asked has none.

    Raises:
        InputError: no batch was given.
    """
    norms = [n for n in _layers(model) if isinstance(n, keras.layers.BatchNormalization) and n.trainable]
    if not norms:
        return
    pictures, sums = 0, [[0.0, 0.0] for _ in norms]
    with _measuring(model, norms):
        for images in batches:
            model(images, training=True)
            pictures += len(images)
            for norm, total in zip(norms, sums, strict=True):
                mean = keras.ops.convert_to_numpy(norm.moving_mean).astype(np.float64)
                total[0] += len(images) * mean
                total[1] += len(images) * (keras.ops.convert_to_numpy(norm.moving_variance) + mean**2)
    if not pictures:
        raise InputError("no picture was given to measure batch normalisation's statistics on")
    for norm, (first, second) in zip(norms, sums, strict=True):
        mean = first / pictures
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(np.maximum(second / pictures - mean**2, 0))


@contextmanager
def _measuring(model: keras.Model, norms: list[keras.layers.BatchNormalization]) -> Iterator[None]:
    """Lets one batch decide the statistics, and dropout do nothing."""
    held = [(norm, "momentum", norm.momentum) for norm in norms]
    held += [(layer, "rate", layer.rate) for layer in _layers(model) if isinstance(layer, keras.layers.Dropout)]
    for layer, name, _ in held:
        setattr(layer, name, 0.0)
    try:
        yield
    finally:
        for layer, name, value in held:
            setattr(layer, name, value)


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
