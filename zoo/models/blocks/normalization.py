"""Normalisation of an image as the published networks do it before their first convolution, as one layer of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.errors import unknown
from zoo.lazy import keras

# Mean and spread of each channel, RGB in 0–255, of the training set.
STATISTICS = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),  # torchvision, DenseNet
    "imagenet_mean": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),  # Caffe: the mean only
    "cifar": ((125.307, 122.950, 113.865), (62.993, 62.089, 66.705)),
    "lite": ((127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),  # EfficientNet-Lite
    "symmetric": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),  # −1 … 1
}


def normalize(image: Any, statistics: str) -> Any:
    """Subtracts the mean and divides by the spread of each channel.

    Args:
        image: N×H×W×C, 0–255.
        statistics: a key of `STATISTICS`. For any other number of channels than three, each gets the three's average.

    Raises:
        InputError: for an unknown key.
    """
    if statistics not in STATISTICS:
        raise unknown("normalisation", statistics, STATISTICS)
    mean, spread = (_for_channels(values, image.shape[-1]) for values in STATISTICS[statistics])
    scale = [1 / s for s in spread]
    offset = [-m / s for m, s in zip(mean, spread, strict=True)]
    if len(set(scale)) == 1:  # one number where one will do: simpler for every converter
        scale = scale[0]
    return keras.layers.Rescaling(scale, offset=offset, name="normalise")(image)


def rescale(image: Any) -> Any:
    """0–255 to −1 … 1, for any number of channels: what most networks of Keras see."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)


def _for_channels(values: Sequence[float], channels: int) -> list[float]:
    return list(values) if channels == len(values) else [sum(values) / len(values)] * channels
