"""Losses over whole regions: they see a class's overlap in the batch rather than single pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.losses.base import DenseLoss, mean_of


@keras.saving.register_keras_serializable(package="densezoo")
class DiceLoss(DenseLoss):
    """1 - soft Dice of each class over all valid pixels of the batch, averaged over the classes in its targets.

    Dice of a class is (2·Σ p·t + smooth) / (Σ p + Σ t + smooth) with p the softmax and t the one-hot target (V-Net,
    Milletari et al. 2016, without their squares). A class that is in no target would only ever say "predict less of
    me", which cross-entropy says better: it is left out.

    Args:
        ignore: the target value to leave out, or None.
        smooth: added above and below, in pixels.
    """

    def __init__(self, ignore: int | None = 255, smooth: float = 1.0, name: str | None = "dice") -> None:
        super().__init__(ignore, name)
        self.smooth = float(smooth)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        chance, truth = _chance_and_truth(target, logits, valid)
        chance = chance * valid[:, None]
        both = ops.sum(chance * truth, axis=0)
        size = ops.sum(truth, axis=0)
        dice = (2 * both + self.smooth) / (ops.sum(chance, axis=0) + size + self.smooth)
        return mean_of(1 - dice, ops.cast(size > 0, "float32"))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "smooth": self.smooth}


@keras.saving.register_keras_serializable(package="densezoo")
class LovaszSoftmax(DenseLoss):
    """The Lovász extension of 1 - IoU on softmax errors, averaged over the classes in the batch (Berman et al. 2018).

    The whole batch is one set of pixels (the authors' `per_image=False, classes="present"`). The order of the errors is
    constant under the gradient, as in the paper. It sorts P×classes numbers: slow on large batches; mostly a
    fine-tuning loss.

    Args:
        ignore: the target value to leave out, or None.
    """

    def __init__(self, ignore: int | None = 255, name: str | None = "lovasz_softmax") -> None:
        super().__init__(ignore, name)

    def measure(self, target: Any, logits: Any, valid: Any) -> Any:
        chance, truth = _chance_and_truth(target, logits, valid)
        errors = ops.abs(truth - chance) * valid[:, None]  # ignored pixels: error 0, so last and without effect
        order = ops.argsort(ops.stop_gradient(-errors), axis=0)
        errors = ops.take_along_axis(errors, order, axis=0)
        truth_in_order = ops.take_along_axis(truth, order, axis=0)
        size = ops.sum(truth, axis=0)
        missed = size - ops.cumsum(truth_in_order, axis=0)
        union = size + ops.cumsum(1 - truth_in_order, axis=0)
        jaccard = 1 - missed / union
        slope = ops.concatenate([jaccard[:1], jaccard[1:] - jaccard[:-1]], axis=0)
        losses = ops.sum(errors * ops.stop_gradient(slope), axis=0)
        return mean_of(losses, ops.cast(size > 0, "float32"))


def _chance_and_truth(target: Any, logits: Any, valid: Any) -> tuple[Any, Any]:
    """Softmax and one-hot target, both float32 P×classes; the target is 0 throughout where a pixel is ignored."""
    truth = ops.one_hot(target, logits.shape[-1], dtype="float32") * valid[:, None]
    return ops.softmax(logits, axis=-1), truth
