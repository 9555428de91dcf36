"""Losses that are a mean over pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.base import DenseLoss, mean_of
from zoo.losses.pixel_cross_entropy import pixel_cross_entropy
from zoo.training import distribution


@keras.saving.register_keras_serializable(package="densezoo")
class SegmentationCrossEntropy(DenseLoss):
    """Cross-entropy from logits, the mean over the pixels that are not ignored.

    With class weights it is the weighted mean, Σ w·loss / Σ w with w the weight of each pixel's target class (PyTorch's
    convention): doubling all weights changes nothing. With label smoothing s, a target is 1 - s on its class plus s /
    classes on every class, and the smooth part is weighted class by class, again as in PyTorch.

    Args:
        ignore: the target value to leave out, or None.
        class_weights: one positive weight a class, or None.
        label_smoothing: s, 0 ≤ s < 1.

    Raises:
        zoo.errors.InputError: a weight that is negative or not finite, or smoothing out of range.
    """

    def __init__(
        self,
        ignore: int | None = 255,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        name: str | None = "cross_entropy",
    ) -> None:
        super().__init__(ignore, name)
        if not 0 <= label_smoothing < 1:
            raise InputError(f"label_smoothing={label_smoothing}; expected 0 or more and below 1")
        self.class_weights = checked_weights(class_weights)
        self.label_smoothing = float(label_smoothing)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        losses = pixel_cross_entropy(target, logits)
        weights = pixel_weights(self.class_weights, target, valid, logits.shape[-1])
        loss = mean_of(losses, weights)
        if not self.label_smoothing:
            return loss
        surprise = -ops.log_softmax(logits, axis=-1)
        if self.class_weights is not None:
            surprise = surprise * ops.convert_to_tensor(self.class_weights, "float32")
        total = distribution.mean_over_parts(ops.sum(weights))
        smooth = ops.sum(ops.mean(surprise, axis=-1) * valid) / ops.where(total > 0, total, 1.0)
        return (1 - self.label_smoothing) * loss + self.label_smoothing * smooth

    def get_config(self) -> dict[str, Any]:
        own = {"class_weights": self.class_weights, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="densezoo")
class FocalLoss(DenseLoss):
    """Cross-entropy times (1 - p)^γ, p the probability of the right class: easy pixels count less (Lin et al. 2017).

    Args:
        ignore: the target value to leave out, or None.
        gamma: γ ≥ 0; 0 is cross-entropy.
        class_weights: one positive weight a class (the paper's α), averaged as in `SegmentationCrossEntropy`.
    """

    def __init__(
        self,
        ignore: int | None = 255,
        gamma: float = 2.0,
        class_weights: Sequence[float] | None = None,
        name: str | None = "focal",
    ) -> None:
        super().__init__(ignore, name)
        if not gamma >= 0:
            raise InputError(f"gamma={gamma}; expected 0 or more")
        self.gamma = float(gamma)
        self.class_weights = checked_weights(class_weights)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        losses = pixel_cross_entropy(target, logits)
        if self.gamma:
            # 1 - p from the loss itself; held off 0, where a power below 1 has an infinite slope.
            losses = losses * ops.power(ops.maximum(-ops.expm1(-losses), 1e-7), self.gamma)
        return mean_of(losses, pixel_weights(self.class_weights, target, valid, logits.shape[-1]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma, "class_weights": self.class_weights}


@keras.saving.register_keras_serializable(package="densezoo")
class HardPixelCrossEntropy(DenseLoss):
    """Cross-entropy over the hard pixels of the batch only (OHEM: Shrivastava et al. 2016; for pixels as in BiSeNet).

    Hard is a pixel whose right class has a probability of at most `threshold`. If fewer than `least` of the pixels
    are, the hardest `least` of them are taken (with all others that tie with the last of these).

    Args:
        ignore: the target value to leave out, or None.
        threshold: probability, 0 < threshold ≤ 1.
        least: share of the valid pixels of the batch that is kept at least, 0 < least ≤ 1.
    """

    def __init__(
        self,
        ignore: int | None = 255,
        threshold: float = 0.7,
        least: float = 1 / 16,
        name: str | None = "hard_pixel_cross_entropy",
    ) -> None:
        super().__init__(ignore, name)
        if not (0 < threshold <= 1 and 0 < least <= 1):
            raise InputError(f"threshold={threshold}, least={least}; both must be above 0 and at most 1")
        self.threshold, self.least = float(threshold), float(least)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        losses = pixel_cross_entropy(target, logits)
        rank = ops.where(valid > 0, ops.stop_gradient(losses), -1.0)  # ignored pixels last
        ranked = ops.flip(ops.sort(rank), axis=0)
        count = ops.ceil(self.least * ops.sum(valid))
        last = ops.take(ranked, ops.cast(ops.maximum(count - 1, 0), "int32"))
        bar = ops.minimum(last, -math.log(self.threshold))
        return mean_of(losses, valid * ops.cast(losses >= bar, "float32"))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold, "least": self.least}


def checked_weights(weights: Sequence[float] | None) -> list[float] | None:
    """Class weights as a list of floats.

    Raises:
        zoo.errors.InputError: one is negative or not finite, or all are 0.
    """
    if weights is None:
        return None
    try:
        array = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any() or not array.any():
        raise InputError(f"class_weights={weights!r}; expected a list, in the classes' order: a finite weight of 0 or more")
    return array.tolist()


def pixel_weights(class_weights: list[float] | None, target: Any, valid: Any, classes: int) -> Any:
    """The weight of every pixel: its class's where it is valid, else 0."""
    if class_weights is None:
        return valid
    if len(class_weights) != classes:
        raise InputError(
            f"{len(class_weights)} class weights for a network of {classes} classes; one a class is expected"
        )
    return valid * ops.take(ops.convert_to_tensor(class_weights, "float32"), target)
