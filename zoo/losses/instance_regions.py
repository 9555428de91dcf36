"""The loss of instances by regions: what a network of two stages with masks says that it is."""

from __future__ import annotations

import keras
import numpy as np

from zoo.data.targets import NO_BOX
from zoo.errors import InputError
from zoo.losses.box_corners import StagesLoss
from zoo.losses.box_targets import COLUMNS, ROWS
from zoo.losses.two_stage import MASK
from zoo.outputs.spec import OutputSpec

_SHAPE = 4  # axes of stacked targets, N×H×W×2


@keras.saving.register_keras_serializable(package="densezoo")
class MaskStagesLoss(StagesLoss):
    """`StagesLoss` of networks that are shown things with masks (`zoo.layers.TwoStageMasks`).

    Targets are `zoo.data.targets.InstanceMask.stack`'s.
    """

    def __init__(self, name: str | None = "mask_stages") -> None:
        super().__init__(name=name)

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """int N×H×W×2, numbers and classes → float32 N×rows×(6 + 56·56): the box around each thing as
        `zoo.losses.box_targets.padded` has it, and its mask stretched over that. Such an array stays as it is.

        Raises:
            InputError: for targets of another shape, and a picture of more things than there are rows.
        """
        targets = np.asarray(targets)
        if targets.ndim == _SHAPE - 1:
            return targets
        if targets.ndim != _SHAPE or targets.shape[-1] != 2:
            raise InputError(f"targets of shape {targets.shape}; {self.name} learns from zoo.data.InstanceMask, N×H×W×2")
        result = np.zeros((len(targets), ROWS, COLUMNS + MASK * MASK), np.float32)
        result[..., 4] = NO_BOX
        for rows, (numbers, kinds) in zip(result, np.moveaxis(targets, -1, 1), strict=True):
            present = np.unique(numbers[numbers > 0])
            if len(present) > ROWS:
                raise InputError(f"a picture of {len(present)} objects; the loss has room for {ROWS}: cut smaller pictures")
            for row, number in zip(rows, present, strict=False):
                row[:] = _thing(numbers == number, int(kinds[numbers == number].max()))
        return result


def _thing(mask: np.ndarray, kind: int) -> np.ndarray:
    """The row of an object of these pixels; a class below 1 neither counts as right nor as wrong."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    y, x = (slice(places[0], places[-1] + 1) for places in (rows, columns))
    height, width = mask.shape
    box = [x.start / width, y.start / height, x.stop / width, y.stop / height, max(kind - 1, 0), float(kind < 1)]
    part = mask[y, x]
    down, across = ((np.arange(MASK) + 0.5) * side / MASK for side in part.shape)
    return np.concatenate([box, part[down.astype(int)[:, None], across.astype(int)[None]].ravel()]).astype(np.float32)


def loss_of(spec: OutputSpec) -> MaskStagesLoss:
    """The loss of an output of this coding."""
    return MaskStagesLoss()
