"""The loss of objects side by side: cross-entropy over the ground, their insides, and the outlines where they touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.losses.base import DenseLoss, mean_of
from zoo.losses.border import weights_between
from zoo.losses.cross_entropy import checked_weights
from zoo.losses.pixel_cross_entropy import pixel_cross_entropy

FARTHEST = 255  # numbers of channels that an index of 8 bits holds
_SHAPE = 4  # axes of stacked targets, N×H×W×2


@keras.saving.register_keras_serializable(package="densezoo")
class OutlinedCrossEntropy(DenseLoss):
    """Cross-entropy over the channels that `zoo.outputs.instances` decodes: ground, one inside a class, outline.

    Outline is every pixel with two different objects within `reach` pixels, whatever it was before, so that no two insides
    touch. It is drawn where the target is learnt from, augmentation included. With `w0`, pixels that are of no inside are
    weighted as in U-Net's paper (Ronneberger et al. 2015, equation 2): w = w_c + w0·exp(−(d1 + d2)² / 2σ²), d1 and d2 the
    distances to the two nearest objects. The loss is Σ w·loss / Σ w over the pixels that count.

    Targets are made with the batches, by `prepare`, as `zoo.train` does.

    Args:
        ignore: the index that stands for pixels of which nothing is known.
        class_weights: w_c, one a channel: ground, insides, outline; None for 1.
        w0: height of the border's weight; 0 for none.
        sigma: its width in pixels.
        reach: of the outline, in pixels.

    Raises:
        zoo.errors.InputError: numbers out of range, or a weight that is negative or not finite.
    """

    def __init__(
        self,
        ignore: int | None = 255,
        class_weights: Sequence[float] | None = None,
        w0: float = 0.0,
        sigma: float = 5.0,
        reach: int = 2,
        name: str | None = "outlined_cross_entropy",
    ) -> None:
        super().__init__(255 if ignore is None else ignore, name)
        if not 0 <= w0 < float("inf") or not 0 < sigma < float("inf") or reach < 1:
            raise InputError(f"w0={w0}, sigma={sigma}, reach={reach}; expected 0 or more, above 0 pixels, and 1 pixel or more")
        self.w0, self.sigma, self.reach = float(w0), float(sigma), int(reach)
        self.class_weights = checked_weights(class_weights)

    def prepare(self, targets: np.ndarray, classes: int) -> np.ndarray:
        """int N×H×W×2 of `InstanceMask.stack` → float32 N×H×W×(1 + classes): indices, and the pixel's weight for each class.

        Args:
            targets: numbers and classes.
            classes: channels of the network.

        Raises:
            InputError: for targets of another shape, classes that the network has no channel for, and other class weights.
        """
        targets = np.asarray(targets)
        if targets.ndim == _SHAPE and targets.shape[-1] == 1 + classes:
            return targets  # prepared already, for another loss of the same sum
        if targets.ndim != _SHAPE or targets.shape[-1] != 2:
            raise InputError(f"targets of shape {targets.shape}; {self.name} learns from zoo.data.InstanceMask, N×H×W×2")
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise InputError(f"{len(self.class_weights)} class weights for {classes} channels: ground, insides, outline")
        numbers, kinds = targets[..., 0], targets[..., 1]
        if kinds.max(initial=0) > classes - 2 or classes > FARTHEST:
            raise InputError(
                f"targets of class {kinds.max() - 1}, and {classes} channels are of {classes - 2} classes of objects, the "
                "ground and the outline"
            )
        indices = np.where(kinds < 0, self.ignore, kinds)
        between = np.stack([outline(one, self.reach) for one in numbers])
        indices[between & (kinds >= 0)] = classes - 1
        balance = np.ones(classes) if self.class_weights is None else np.asarray(self.class_weights)
        weights = balance[np.where(kinds < 0, 0, np.minimum(indices, classes - 1))].astype(np.float32)
        if self.w0:
            near = np.stack([weights_between(one, self.w0, self.sigma) for one in numbers])
            weights += np.where((indices == 0) | (indices == classes - 1), near, 0)
        repeated = np.repeat(weights[..., None], classes, axis=-1)
        return np.concatenate([indices[..., None], repeated], axis=-1).astype(np.float32)

    def measure_prepared(self, target: Any, logits: Any, valid: Any, extra: Any) -> Any:
        if extra is None:
            raise InputError(f"{type(self).__name__} needs weights: give it loss.prepare(targets, channels), as zoo.train does")
        return mean_of(pixel_cross_entropy(target, logits), extra[:, 0] * valid)

    def get_config(self) -> dict[str, Any]:
        own = {"class_weights": self.class_weights, "w0": self.w0, "sigma": self.sigma, "reach": self.reach}
        return {**super().get_config(), **own}


def outline(numbers: np.ndarray, reach: int = 2) -> np.ndarray:
    """Which pixels have two different objects within `reach` pixels down and across: bool H×W.

    Args:
        numbers: int H×W, of the objects; what is not above 0 is of none.
        reach: in pixels; 2 is a window of 5×5.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    side, far = 2 * reach + 1, np.iinfo(np.int32).max
    most = maximum_filter(numbers, side, mode="nearest")
    least = minimum_filter(np.where(numbers > 0, numbers, far), side, mode="nearest")
    return (most > 0) & (least < most)
