"""Losses of joints: maps of heat, or coordinates, against places that are known, N×K×3 of `zoo.data.targets.Joints.stack`."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.losses.base import mean_of
from zoo.training import distribution


@keras.saving.register_keras_serializable(package="densezoo")
class JointHeatLoss(keras.losses.Loss):
    """The squared difference of each joint's map from a hill of height 1 around its place.

    Tompson et al., 2014, and Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", 2018. The hill is a
    Gaussian about the place itself, between cells too. The squares are added up over the cells and given over the hill's own,
    so that a map of zeros has the loss 1 whatever its size; the papers' mean over the cells is the same but for that factor.
    Joints whose place is not known do not count; where none is, the loss is 0.

    Predictions are N×h×w×K.

    Args:
        sigma: standard deviation of the hill in cells of the map, above 0; the paper's is 2.

    Raises:
        zoo.errors.InputError: for another sigma, and for targets of another number of joints.
    """

    def __init__(self, sigma: float = 2.0, name: str | None = "joint_heat") -> None:
        super().__init__(name=name, dtype="float32")
        if not sigma > 0:
            raise InputError(f"sigma={sigma}; expected a deviation in cells of the map, above 0")
        self.sigma = float(sigma)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        target, maps = _checked(y_true, y_pred.shape[-1]), ops.cast(y_pred, "float32")
        rows, columns = ops.shape(maps)[1], ops.shape(maps)[2]
        down, across = (self._slopes(target[..., axis], side) for axis, side in ((1, rows), (0, columns)))
        hill = ops.einsum("nky,nkx->nyxk", down, across)
        squares = ops.sum(ops.square(maps - hill), axis=(1, 2)) / (math.pi * self.sigma**2)
        return mean_of(squares, target[..., 2]) / distribution.parts()

    def _slopes(self, places: Any, side: Any) -> Any:
        """N×K×side: a Gaussian along one side about places N×K, which are shares of it."""
        cells = ops.cast(ops.arange(side), "float32") + 0.5
        distances = cells - places[..., None] * ops.cast(side, "float32")
        return ops.exp(-ops.square(distances) / (2 * self.sigma**2))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "sigma": self.sigma}


@keras.saving.register_keras_serializable(package="densezoo")
class JointPlaceLoss(keras.losses.Loss):
    """The squared distance of each joint from its place, in shares of the picture's sides.

    Toshev & Szegedy, "DeepPose: Human Pose Estimation via Deep Neural Networks", 2014. Joints whose place is not known do not
    count; where none is, the loss is 0. Predictions are N×2K, x and y of each joint in shares of the sides from the middle.

    Raises:
        zoo.errors.InputError: for targets of another number of joints.
    """

    def __init__(self, name: str | None = "joint_place") -> None:
        super().__init__(name=name, dtype="float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        joints = y_pred.shape[-1] // 2
        target = _checked(y_true, joints)
        places = ops.reshape(ops.cast(y_pred, "float32"), (-1, joints, 2)) + 0.5
        squares = ops.sum(ops.square(places - target[..., :2]), axis=-1)
        return mean_of(squares, target[..., 2]) / distribution.parts()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def _checked(y_true: Any, joints: int) -> Any:
    """Targets float32 N×K×3 of that many joints."""
    if len(y_true.shape) != 3 or y_true.shape[-1] != 3 or y_true.shape[1] not in (joints, None):
        raise InputError(
            f"targets of shape {tuple(y_true.shape)} for {joints} joints; expected N×{joints}×3: x and y in shares of the "
            "sides, and 1 where the place is known"
        )
    return ops.cast(y_true, "float32")
