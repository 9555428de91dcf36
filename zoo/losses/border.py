"""U-Net's loss: cross-entropy that insists on the thin borders between objects that nearly touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.losses.base import DenseLoss, mean_of
from zoo.losses.cross_entropy import checked_weights
from zoo.losses.pixel_cross_entropy import pixel_cross_entropy

REACH = 6  # times σ: a pixel farther than that from two objects together has less than w0·2e-8 on top


@keras.saving.register_keras_serializable(package="densezoo")
class BorderWeightedCrossEntropy(DenseLoss):
    """Cross-entropy weighted pixel by pixel (Ronneberger et al. 2015, equation 2): w = w_c + w0·exp(−(d1 + d2)² / 2σ²).

    d1 and d2 are the distances in pixels, centre to centre, to the nearest and to the second nearest object; w_c balances
    the classes. Objects are the connected parts (over edges, not corners) of the class `objects` in the target as it is
    learnt from, augmentation included, so that weights follow every deformation. As in the paper's figure 3 the second
    term is on the border only: the pixels of other classes. The loss is Σ w·loss / Σ w over the pixels that count.

    Weights are made with the batches, by `prepare`, as `zoo.train` does.

    Args:
        ignore: the target value to leave out, or None.
        objects: the class whose connected parts are the objects.
        class_weights: w_c, one positive weight a class; None for 1.
        w0: height of the border's weight.
        sigma: its width in pixels.

    Raises:
        zoo.errors.InputError: numbers out of range, or a weight that is negative or not finite.
    """

    def __init__(
        self,
        ignore: int | None = 255,
        objects: int = 1,
        class_weights: Sequence[float] | None = None,
        w0: float = 10.0,
        sigma: float = 5.0,
        name: str | None = "border_weighted_cross_entropy",
    ) -> None:
        super().__init__(ignore, name)
        if objects < 0 or not 0 <= w0 < float("inf") or not 0 < sigma < float("inf"):
            raise InputError(f"objects={objects}, w0={w0}, sigma={sigma}; expected a class, 0 or more, and above 0 pixels")
        self.objects, self.w0, self.sigma = int(objects), float(w0), float(sigma)
        self.class_weights = checked_weights(class_weights)

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """N×H×W class indices → float32 N×H×W×(1 + classes): the indices, and the pixel's weight, the same for each class."""
        if targets.ndim != 3:
            return targets  # prepared already, for another loss of the same sum
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise InputError(f"{len(self.class_weights)} class weights for {classes} classes")
        balance = np.ones(classes) if self.class_weights is None else np.asarray(self.class_weights)
        weights = np.stack([border_weights(target == self.objects, self.w0, self.sigma) for target in targets])
        weights += balance[np.clip(targets, 0, classes - 1)]
        repeated = np.repeat(weights[..., None], classes, axis=-1)
        return np.concatenate([targets[..., None], repeated], axis=-1).astype(np.float32)

    def measure_prepared(self, target: Any, logits: Any, valid: Any, weights: Any) -> Any:
        if weights is None:
            raise InputError(f"{type(self).__name__} needs weights: give it loss.prepare(masks, classes), as zoo.train does")
        losses = pixel_cross_entropy(target, logits)
        return mean_of(losses, weights[:, 0] * valid)

    def get_config(self) -> dict[str, Any]:
        own = {"objects": self.objects, "class_weights": self.class_weights, "w0": self.w0, "sigma": self.sigma}
        return {**super().get_config(), **own}


def border_weights(inside: np.ndarray, w0: float = 10.0, sigma: float = 5.0) -> np.ndarray:
    """w0·exp(−(d1 + d2)² / 2σ²) outside of the objects, 0 inside: float32 H×W.

    Args:
        inside: bool H×W, where objects are; its connected parts are one object each.
        w0, sigma: as of `BorderWeightedCrossEntropy`.
    """
    from scipy.ndimage import label

    return np.where(inside, 0, weights_between(label(inside)[0], w0, sigma))


def weights_between(numbers: np.ndarray, w0: float = 10.0, sigma: float = 5.0) -> np.ndarray:
    """w0·exp(−(d1 + d2)² / 2σ²) everywhere, float32 H×W.

    Args:
        numbers: int H×W, of the objects; what is not above 0 is of none.
        w0, sigma: as of `BorderWeightedCrossEntropy`.
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    reach = int(np.ceil(REACH * sigma))
    near = np.full((2, *numbers.shape), np.inf, np.float32)  # d1, d2
    for number, box in enumerate(find_objects(np.maximum(numbers, 0)), start=1):
        if box is None:  # a number that no pixel has
            continue
        # Only the surroundings of an object: measuring each of a hundred over the whole picture would take seconds.
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        distance = distance_transform_edt(numbers[around] != number).astype(np.float32)
        first, second = near[(0, *around)], near[(1, *around)]
        second[...] = np.minimum(second, np.maximum(first, distance))
        first[...] = np.minimum(first, distance)
    return (w0 * np.exp(-((near[0] + near[1]) ** 2) / (2 * sigma**2))).astype(np.float32)
