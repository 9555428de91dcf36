"""Charbonnier: the distance of two pictures that is smooth near 0 and grows like the absolute difference."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.training import distribution


@keras.saving.register_keras_serializable(package="densezoo")
class Charbonnier(keras.losses.Loss):
    """The mean of √(d² + ε²) − ε over all pixels and channels, d in shares of the range 0–255.

    With a small ε it is the mean absolute difference, whose slope does not jump at 0 (Charbonnier et al., "Two deterministic
    half-quadratic regularization algorithms for computed imaging", 1994; Lai et al., LapSRN, 2017).

    Args:
        epsilon: ε > 0.

    Raises:
        zoo.errors.InputError: an epsilon that is not above 0.
    """

    def __init__(self, epsilon: float = 1e-3, name: str | None = "charbonnier") -> None:
        super().__init__(name=name, dtype="float32")
        if not epsilon > 0:
            raise InputError(f"epsilon={epsilon}; expected a number above 0, as 0.001")
        self.epsilon = float(epsilon)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        difference = self.difference(ops.cast(y_true, "float32"), y_pred) / 255
        return ops.mean(ops.sqrt(ops.square(difference) + self.epsilon**2) - self.epsilon) / distribution.parts()

    def difference(self, truth: Any, answer: Any) -> Any:
        """What an answer is off by, in levels of 0–255."""
        return answer - truth

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "epsilon": self.epsilon}
