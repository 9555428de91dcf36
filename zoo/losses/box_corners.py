"""The loss of detectors of two stages, whose boxes come as corners: what their network says that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.box_targets import ROWS, padded
from zoo.outputs.spec import OutputSpec
from zoo.training import distribution


@keras.saving.register_keras_serializable(package="densezoo")
class StagesLoss(keras.losses.Loss):
    """The sum of the losses that a network says while it is shown the truth, N×losses (`zoo.layers.TwoStageBoxes.shown`).

    Its regions are drawn within a step, so nobody else knows what they are to learn. Targets are
    `zoo.data.targets.Boxes.stack`'s, which the network is shown too.
    """

    def __init__(self, name: str | None = "stages") -> None:
        super().__init__(name=name, dtype="float32")

    def prepare(self, targets: Mapping[str, np.ndarray] | np.ndarray, classes: int) -> np.ndarray:
        """Targets of one shape for all batches; see `zoo.losses.box_targets.padded`."""
        return padded(targets, ROWS)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_pred.shape) != 2:
            raise InputError(
                f"predictions of shape {tuple(y_pred.shape)}; a detector of two stages learns by the network of "
                "zoo.layers.supervised(model), which zoo.train takes, and which says its losses"
            )
        return ops.mean(ops.sum(y_pred, axis=-1)) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def loss_of(spec: OutputSpec) -> StagesLoss:
    """The loss of an output of this coding."""
    return StagesLoss()
