"""The base of every loss over dense class labels: the ignore label, float32, and targets that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.training import distribution


class DenseLoss(keras.losses.Loss):
    """Base of the losses: subclasses say what `measure` makes of the pixels.

    A target that is neither a class nor the ignore label makes the loss NaN under every backend (some would raise,
    others quietly clamp it); `zoo.train` then stops, saves the batch and names the value.

    Args:
        ignore: the target value to leave out, or None.
        name: of the loss.
    """

    def __init__(self, ignore: int | None = 255, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")  # the base class casts logits to it
        self.ignore = ignore

    def call(self, y_true: Any, y_pred: Any) -> Any:
        classes = y_pred.shape[-1]
        logits = ops.reshape(y_pred, (-1, classes))
        label, extra = _parted(y_true, y_pred)
        target = ops.cast(ops.reshape(label, (-1,)), "int32")
        inside = ops.logical_and(target >= 0, target < classes)
        if self.ignore is None:
            valid, impossible = inside, ops.logical_not(inside)
        else:
            counted = ops.not_equal(target, self.ignore)
            valid = ops.logical_and(inside, counted)
            impossible = ops.logical_and(ops.logical_not(inside), counted)
        loss = self.measure_prepared(ops.where(valid, target, 0), logits, ops.cast(valid, "float32"), extra)
        return ops.where(ops.any(impossible), float("nan"), loss) / distribution.parts()

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """Targets as the loss wants them: masks as they are, unless it needs something made of them with the batch.

        Args:
            targets: a batch of class indices.
            classes: how many there are.

        Returns:
            the targets, or float32 with one more axis: the indices first, then `classes` numbers a pixel. All losses take
            the latter, so that they can be summed, and those that need no more leave it aside.
        """
        return targets

    @property
    def prepares(self) -> bool:
        """Whether the loss makes anything of the targets."""
        return type(self).prepare is not DenseLoss.prepare

    def measure_prepared(self, target: Any, logits: Any, valid: Any, extra: Any) -> Any:
        """The loss as a scalar; `extra` is what `prepare` added, float32 P×classes, or None. The rest is as of `measure`."""
        return self.measure(target, logits, valid)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        """The loss as a scalar.

        Args:
            target: int32, P pixels, every value a class (0 where not valid).
            logits: float32, P×classes.
            valid: float32, P, 1 where the pixel counts and 0 where it is ignored.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "ignore": self.ignore}


@keras.saving.register_keras_serializable(package="densezoo")
class WeightedSum(keras.losses.Loss):
    """Several losses of the same logits, added up: `WeightedSum([SegmentationCrossEntropy(), DiceLoss()], [1, 0.5])`.

    Args:
        losses: the losses.
        weights: one factor each; 1 by default.

    Raises:
        zoo.errors.InputError: no loss, or another number of weights than of losses.
    """

    def __init__(
        self, losses: Sequence[keras.losses.Loss], weights: Sequence[float] | None = None, name: str | None = "weighted_sum"
    ) -> None:
        super().__init__(name=name, dtype="float32")
        self.losses = tuple(losses)
        self.weights = (1.0,) * len(self.losses) if weights is None else tuple(map(float, weights))
        if not self.losses or len(self.losses) != len(self.weights):
            raise InputError(
                f"{len(self.losses)} losses and {len(self.weights)} weights; one weight a loss, at least one"
            )
        preparing = {type(loss) for loss in self.losses if isinstance(loss, DenseLoss) and loss.prepares}
        if len(preparing) > 1:
            names = " and ".join(sorted(kind.__name__ for kind in preparing))
            raise InputError(f"{names} each make something else of the targets; a sum can hold one kind of these")

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """Targets as all of the losses want them; see `DenseLoss.prepare`."""
        for loss in self.losses:
            targets = prepared(loss, targets, classes)
        return targets

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return sum(weight * loss(y_true, y_pred) for loss, weight in zip(self.losses, self.weights, strict=True))

    def get_config(self) -> dict[str, Any]:
        losses = [keras.saving.serialize_keras_object(loss) for loss in self.losses]
        return {"name": self.name, "losses": losses, "weights": list(self.weights)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WeightedSum:
        losses = [keras.saving.deserialize_keras_object(loss) for loss in config["losses"]]
        return cls(**{**config, "losses": losses})


def prepared(loss: keras.losses.Loss, targets: np.ndarray, classes: int) -> np.ndarray:
    """Targets as a loss wants them (`DenseLoss.prepare`), ours or Keras's own."""
    return loss.prepare(targets, classes) if hasattr(loss, "prepare") else targets


def _parted(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Class indices, and what a loss's `prepare` added to them (P×classes) or None."""
    classes, shape = y_pred.shape[-1], y_true.shape
    if len(shape) != len(y_pred.shape) or shape[-1] in (1, None):
        return y_true, None
    if shape[-1] != 1 + classes:
        raise InputError(f"targets of {shape[-1]} channels for {classes} classes; class indices are expected, not one-hot")
    return y_true[..., 0], ops.reshape(ops.cast(y_true[..., 1:], "float32"), (-1, classes))


def mean_of(values: Any, weights: Any) -> Any:
    """Σ values·weights / Σ weights, and exactly 0 where no weight is left.

    Where each device sees a part of the batch, the weights are the whole batch's over the number of devices, so that the mean
    of the devices' means is that of the batch.
    """
    total = distribution.mean_over_parts(ops.sum(weights))
    return ops.sum(values * weights) / ops.where(total > 0, total, 1.0)
