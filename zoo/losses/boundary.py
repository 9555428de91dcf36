"""A loss over distances: how far from the true contour the wrong probability lies."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.base import DenseLoss, mean_of


@keras.saving.register_keras_serializable(package="densezoo")
class BoundaryLoss(DenseLoss):
    """Probability times signed distance to the target's contour (Kervadec et al., "Boundary loss", 2019).

    The distance φ of class c at a pixel is, in pixels and as in the authors' release, outside of c that to the nearest
    pixel of c, and inside 1 less than that to the nearest pixel of another class, with a minus. The loss is the mean of
    softmax·φ over all valid pixels and all classes; it is below 0 where the answer is right. It is flat on the contour
    itself and of large numbers far from it, so it goes with another loss and a small weight:
    `WeightedSum([DiceLoss(), BoundaryLoss()], [1, 0.01])`.

    A class that is not in a picture, or fills it, has no contour, and φ = 0. An ignored pixel is of no class and of no
    other class either: no distance is measured to it.

    Distances are made with the batches, by `prepare`, as `zoo.train` does; they are much faster to find there than in a
    network's graph.
    """

    def __init__(self, ignore: int | None = 255, name: str | None = "boundary") -> None:
        super().__init__(ignore, name)

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """N×H×W class indices → float32 N×H×W×(1 + classes): the indices, and φ of each class."""
        if targets.ndim != 3:
            return targets  # prepared already, for another loss of the same sum
        distances = np.stack([signed_distances(target, classes, self.ignore) for target in targets])
        return np.concatenate([targets[..., None].astype(np.float32), distances], axis=-1)

    def measure_prepared(self, target: Any, logits: Any, valid: Any, distances: Any) -> Any:
        if distances is None:
            raise InputError("BoundaryLoss needs distances: give it loss.prepare(masks, classes), as zoo.train does")
        return mean_of(ops.mean(ops.softmax(logits, axis=-1) * distances, axis=-1), valid)


def signed_distances(target: np.ndarray, classes: int, ignore: int | None = None) -> np.ndarray:
    """φ of every class at every pixel of one H×W mask, as `BoundaryLoss` defines it: float32 H×W×classes, in pixels."""
    from scipy.ndimage import distance_transform_edt

    signed = np.zeros((*target.shape, classes), np.float32)
    present = [c for c in range(classes) if c != ignore and (target == c).any()]
    if len(present) < 2:
        return signed
    outside = {c: distance_transform_edt(target != c).astype(np.float32) for c in present}
    for c in present:
        inside = target == c
        other = np.min([outside[o][inside] for o in present if o != c], axis=0)
        signed[..., c] = outside[c]
        signed[inside, c] = 1 - other
    return signed
