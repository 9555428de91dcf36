"""Recalibration of batch normalisation: its statistics measured anew on whole pictures ("precise" statistics).

The moving averages of a run are of augmented crops and of weights that were still changing, and a moving average of the weights
has seen none of its own (Wu & Johnson, "Rethinking 'Batch' in BatchNorm", 2021). An untrained network's, mean 0 and variance
1, let its signal fade to nothing on the way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.errors import InputError
from zoo.metrics import Score

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.evaluation.evaluate import Evaluation
    from zoo.training.batch_source import BatchSource
    from zoo.training.callback import RunCallback
    from zoo.training.config import TrainingConfig


def recalibrate_batchnorm(model: keras.Model, batches: Iterable[np.ndarray]) -> None:
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
    settings = [(norm, "momentum", norm.momentum) for norm in norms]
    settings += [(layer, "rate", layer.rate) for layer in _layers(model) if isinstance(layer, keras.layers.Dropout)]
    for layer, name, _ in settings:
        setattr(layer, name, 0.0)
    try:
        yield
    finally:
        for layer, name, value in settings:
            setattr(layer, name, value)


def recalibrate_best(
    network: keras.Model,
    callback: RunCallback,
    source: BatchSource,
    config: TrainingConfig,
    validate: Callable[[], Evaluation] | None,
) -> None:
    """Recalibrates the best weights, which the model holds, and takes it back where validation is worse for it.

    Raises:
        InputError: the run has batches of its own and no data set.
    """
    if callback.best is None:
        return
    if source.dataset is None:
        images = config.recalibrate_batchnorm
        raise InputError(f"recalibrate_batchnorm={images} needs a Dataset to take images from; these batches are made already")
    before = [keras.ops.convert_to_numpy(variable) for variable in network.variables]
    native = getattr(config.augment, "native", False)
    size = config.val_size or (None if native else config.size)
    recalibrate_batchnorm(network, _pictures(source.dataset, config, size))
    if validate is None:
        return
    headline = validate().headline
    score = headline.value
    without = Score(headline.name, callback.best["score"], headline.unit, headline.higher_is_better)
    better = not without.better_than(score)
    if not better:
        for variable, value in zip(network.variables, before, strict=True):
            variable.assign(value)
    callback.best = {**callback.best, "recalibrated": score, "recalibration_kept": better}


def _pictures(dataset: Dataset, config: TrainingConfig, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    """Batches float32 N×H×W×C of images spread evenly over the data; one at a time where they keep their own size."""
    from zoo.data import spread
    from zoo.data.transforms.geometric import resize

    chosen = spread(config.recalibrate_batchnorm or 0, len(dataset))
    together = 1 if size is None else config.batch_size
    for first in range(0, len(chosen), together):
        images = [dataset[index].image for index in chosen[first : first + together]]
        yield np.stack([resize(image, size) for image in images]).astype(np.float32)


def settle(model: keras.Model, images: np.ndarray) -> None:
    """`recalibrate_batchnorm` on one batch, under its name of 0.1."""
    warnings.warn(
        "settle(model, images) is now recalibrate_batchnorm(model, [images]); the old name goes with 0.3",
        DeprecationWarning,
        stacklevel=2,
    )
    recalibrate_batchnorm(model, [images])


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
