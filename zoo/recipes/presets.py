"""Presets: what several recipes have in common, said once.

A recipe that shares a preset moves with it. The settings of a finished run are in its checkpoints, and packing refuses a run
that is no longer its recipe's, so a change here cannot pass for what was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from zoo.data import Augment
    from zoo.recipes import StageContext

CAMVID = "CamVid (Brostow, Fauqueur & Cipolla 2009)"
CAMVID_LICENSE = "none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)"
CCP = "Clothing Co-Parsing (Yang, Luo & Lin, CVPR 2014), 804 / 100 / 100 photographs; encoder from ImageNet"
CCP_LICENSE = "Apache-2.0"


def streets() -> Augment:
    """Crops of street scenes' own pixels at scales from 0.6 to 1.7, in much other light: test drives are at other hours."""
    from zoo.data import Augment

    return Augment(
        native=True, scale=(0.6, 1.7), stretch=1.2, brightness=0.45, contrast=0.35, saturation=0.4, hue=6, blur=0.1, noise=4
    )


def cross_entropy_and_dice(context: StageContext, class_weights: str | None = None) -> keras.losses.Loss:
    """Cross-entropy beside the Dice loss, which asks for every class alike.

    Args:
        context: of the stage; its data's ignore value is not counted, 255 where they have none.
        class_weights: a rule of `zoo.losses.class_weights_from`, or None.
    """
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = 255 if context.data.ignore is None else context.data.ignore
    weights = None if class_weights is None else class_weights_from(context.data, class_weights).tolist()
    return WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)])


def bordered_cross_entropy(context: StageContext) -> keras.losses.Loss:
    """U-Net's loss, which weighs the borders between touching cells up, and rare classes."""
    from zoo.losses import BorderWeightedCrossEntropy, class_weights_from

    return BorderWeightedCrossEntropy(255, class_weights=class_weights_from(context.data).tolist())


def continuing(file: str, **options: Any) -> Callable[[StageContext], Mapping[str, Any]]:
    """Arguments of `zoo.build` that start from what the stage before left.

    Args:
        file: in that stage's folder: "model.keras", or "best.weights.h5" with auxiliary heads and all.
        **options: of the network.
    """

    def build(context: StageContext) -> dict[str, Any]:
        *_, folder = context.earlier.values()
        return {**options, "weights": folder / file}

    return build
