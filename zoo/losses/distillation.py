"""Learning from a larger network's scores beside the labels."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.base import prepared


@keras.saving.register_keras_serializable(package="densezoo")
class Distillation(keras.losses.Loss):
    """(1 - weight) · hard + weight · T² · KL(softmax(teacher / T) ‖ softmax(logits / T)), the divergence a mean over positions.

    T² keeps the soft part's gradient as large as it is at T = 1 (Hinton, Vinyals, Dean 2015, arXiv:1503.02531). Positions
    that the hard loss ignores are still learnt from the teacher: it knows what nobody labelled.

    Targets are what the hard loss takes, with a last axis (the class indices, and what its `prepare` made), and after them
    the teacher's logits, `classes` numbers a position; `zoo.train(…, teacher=)` puts them there.

    Args:
        hard: the loss against the labels.
        temperature: T, above 0; the higher, the more the small scores say.
        weight: of the soft part, above 0, at most 1.

    Raises:
        zoo.errors.InputError: a temperature or weight out of range.
    """

    def __init__(
        self, hard: keras.losses.Loss, temperature: float = 2.0, weight: float = 0.5, name: str | None = "distillation"
    ) -> None:
        super().__init__(name=name, dtype="float32")
        if not (temperature > 0 and math.isfinite(temperature)):
            raise InputError(f"temperature={temperature!r}; expected a number above 0, such as 2")
        if not 0 < weight <= 1:
            raise InputError(f"weight={weight!r} of the teacher; expected above 0 and at most 1")
        self.hard, self.temperature, self.weight = hard, float(temperature), float(weight)

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """Targets as the hard loss wants them; see `zoo.losses.DenseLoss.prepare`."""
        return prepared(self.hard, targets, classes)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        classes = y_pred.shape[-1]
        labels, taught = y_true[..., :-classes], ops.cast(y_true[..., -classes:], "float32") / self.temperature
        hard = self.hard(labels[..., 0] if labels.shape[-1] == 1 else labels, y_pred)
        learnt = ops.log_softmax(y_pred / self.temperature, axis=-1)
        divergence = ops.sum(ops.softmax(taught, axis=-1) * (ops.log_softmax(taught, axis=-1) - learnt), axis=-1)
        return (1 - self.weight) * hard + self.weight * self.temperature**2 * ops.mean(divergence)

    def get_config(self) -> dict[str, Any]:
        hard = keras.saving.serialize_keras_object(self.hard)
        return {"name": self.name, "hard": hard, "temperature": self.temperature, "weight": self.weight}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Distillation:
        return cls(**{**config, "hard": keras.saving.deserialize_keras_object(config["hard"])})
