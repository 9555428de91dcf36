"""End-point error as a loss: the mean distance of vectors over the valid pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.losses.base import mean_of
from zoo.training import distribution

_TINY = 1e-6  # px², below the root, whose slope at 0 is infinite


@keras.saving.register_keras_serializable(package="densezoo")
class EndpointErrorLoss(keras.losses.Loss):
    """The mean of ‖v − target‖ in pixels over the valid pixels; exactly 0 for a batch without any.

    Targets are N×H×W×3 with 1 in the last channel where the vector counts (`zoo.data.targets.FlowField.stack`), or N×H×W×2
    where all do.
    """

    def __init__(self, name: str | None = "endpoint_error") -> None:
        super().__init__(name=name, dtype="float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target = ops.cast(y_true, "float32")
        vectors = target[..., :2]
        valid = target[..., 2] if target.shape[-1] == 3 else ops.ones_like(target[..., 0])
        # What is not valid may be anything, NaN too.
        difference = ops.where(valid[..., None] > 0, y_pred - vectors, 0.0)
        distance = ops.sqrt(ops.sum(ops.square(difference), axis=-1) + _TINY)
        return mean_of(distance, valid) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}
