"""Losses of saliency: a map of heat against where people looked."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.losses.base import mean_of
from zoo.training import distribution

_TINY = 1e-7


@keras.saving.register_keras_serializable(package="densezoo")
class GazeLoss(keras.losses.Loss):
    """Kullback–Leibler divergence, less correlation and normalised scanpath saliency, each with a weight.

    Targets are N×H×W×2, the map of fixations and their counts (`zoo.data.targets.Fixations.stack`); predictions N×H×W×1
    log-odds, whose logistic is the heat. The divergence is of the heat's shares from the map; the correlation is Pearson's with
    the map; the scanpath saliency is the mean of the standardised heat at the fixations. All three are what saliency is scored
    by (Bylinskii et al., "What do different evaluation metrics tell us about saliency models?", 2019), and a sum of them is
    what Droste, Jiao & Noble (UNISAL, 2020) train with. A picture without any fixation does not count.

    Args:
        divergence, correlation, scanpath: the weights, 0 or more, one of them above 0.

    Raises:
        zoo.errors.InputError: for other weights.
    """

    def __init__(
        self, divergence: float = 1.0, correlation: float = 0.5, scanpath: float = 0.2, name: str | None = "gaze"
    ) -> None:
        super().__init__(name=name, dtype="float32")
        weights = (divergence, correlation, scanpath)
        if min(weights) < 0 or not max(weights) > 0:
            raise InputError(f"divergence, correlation, scanpath={weights}; expected weights of 0 or more, one of them above 0")
        self.divergence, self.correlation, self.scanpath = map(float, weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        density, counts = _flat(target[..., 0]), _flat(target[..., 1])
        heat = ops.sigmoid(_flat(y_pred[..., 0]))
        points = ops.sum(counts, axis=1)
        share = heat / (ops.sum(heat, axis=1, keepdims=True) + _TINY)
        divergence = ops.sum(density * (ops.log(density + _TINY) - ops.log(share + _TINY)), axis=1)
        standard = _standardised(heat)
        correlation = ops.mean(standard * _standardised(density), axis=1)
        scanpath = ops.sum(standard * counts, axis=1) / ops.maximum(points, 1.0)
        loss = self.divergence * divergence - self.correlation * correlation - self.scanpath * scanpath
        return mean_of(loss, ops.cast(points > 0, "float32")) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        weights = {"divergence": self.divergence, "correlation": self.correlation, "scanpath": self.scanpath}
        return {"name": self.name, **weights}


@keras.saving.register_keras_serializable(package="densezoo")
class EuclideanMapLoss(keras.losses.Loss):
    """The mean squared difference of the last map and the map of fixations, which is stretched to −1 … 1 of each picture.

    Pan et al., "Shallow and Deep Convolutional Networks for Saliency Prediction", 2016, whose networks answer in that range.
    Targets and predictions as of `GazeLoss`.
    """

    def __init__(self, name: str | None = "euclidean_map") -> None:
        super().__init__(name=name, dtype="float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        density, points = _flat(target[..., 0]), ops.sum(_flat(target[..., 1]), axis=1)
        low, high = ops.min(density, axis=1, keepdims=True), ops.max(density, axis=1, keepdims=True)
        stretched = 2 * (density - low) / ops.maximum(high - low, _TINY) - 1
        loss = ops.mean(ops.square(_flat(y_pred[..., 0]) - stretched), axis=1)
        return mean_of(loss, ops.cast(points > 0, "float32")) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def _flat(maps: Any) -> Any:
    """N×H×W as N×pixels."""
    return ops.reshape(maps, (ops.shape(maps)[0], -1))


def _standardised(rows: Any) -> Any:
    """Rows less their means, over their standard deviations."""
    centred = rows - ops.mean(rows, axis=1, keepdims=True)
    return centred / (ops.sqrt(ops.mean(ops.square(centred), axis=1, keepdims=True)) + _TINY)
