r"""pocket_seg.camvid: streets in eleven classes at 360×480 from scratch, with under a million parameters.

    zoo train --recipe pocket_seg.camvid --data camvid:PATH --out runs/pocket_seg_camvid
    zoo recipes pack pocket_seg.camvid runs/pocket_seg_camvid --data camvid:PATH

Few frames, and no other picture is seen. So every crop is of another scale and light, two auxiliary heads pull at the branches,
the Dice loss asks for every class alike, and a moving average of the weights is what is kept.

The first stage learns from the 367 training frames and was chosen on the 101 validation frames: 67.7 there, and 56.0 on the
test frames. Validation frames are of a drive that the training frames know, test frames mostly of one that they do not, and
rare classes, which it weighs up, it says too often. So the second stage changes more of the pictures' light and shape, weighs
no class more, and learns from the validation frames as well: 59.5 on the test frames. The third is the second once more, in
larger crops. Nothing in either was tried twice, for nothing is left to choose by; the test frames were scored after each stage.
(A first try with crops of 120×160 pixels, batches of 8 and stronger changes of light from the start stood at 18 % on validation
after twenty epochs.)

Mean IoU of the eleven classes on the 233 test frames at 360×480, from `zoo recipes pack`: weights 60.1, float32 60.1, float16
60.1, int8 60.1. On two CPU cores: 104 minutes for the first stage on one of them, 96 for the second on one and then on both,
113 for the third on one. One seed. Of what is published at this size (some of it learnt from the training frames alone) that is
more than SegNet (46.4, its encoder from ImageNet), ENet (51.3), ESPNet (55.6) and FC-DenseNet56 (58.9), and less than
FC-DenseNet103 (66.9) and LETNet (70.5), which learn for hundreds of epochs.
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext

NETWORK = {"auxiliary": (8, 16)}
USUAL = {"batch_size": 4, "size": (240, 320), "learning_rate": 1e-3, "ema": 0.995}


def first(context: StageContext) -> dict[str, Any]:
    """From the training frames, chosen on the validation frames."""
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = context.data.ignore
    weights = class_weights_from(context.data, "sqrt_median").tolist()
    seen = Augment(native=True, scale=(0.6, 1.6), brightness=0.35, contrast=0.3, saturation=0.3)
    loss = WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)])
    return {**USUAL, "epochs": 68, "augment": seen, "loss": loss, "validate_every": 10}


def second(context: StageContext) -> dict[str, Any]:
    """From both, with the rate begun anew."""
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum

    ignore = context.data.ignore
    seen = Augment(
        native=True, scale=(0.6, 1.7), stretch=1.2, brightness=0.45, contrast=0.35, saturation=0.4, hue=6, blur=0.1, noise=4
    )
    loss = WeightedSum([SegmentationCrossEntropy(ignore), DiceLoss(ignore)])
    return {**USUAL, "epochs": 60, "augment": seen, "loss": loss}


def third(context: StageContext) -> dict[str, Any]:
    """And once more, in larger crops."""
    return {**second(context), "epochs": 40, "size": (288, 384)}


def go_on(context: StageContext) -> dict[str, Any]:
    return {**NETWORK, "weights": list(context.earlier.values())[-1] / "best.weights.h5"}  # auxiliary heads and all


RECIPE = Recipe(
    name="pocket_seg.camvid",
    data="camvid",
    source="CamVid (Brostow, Fauqueur & Cipolla 2009), SegNet's split: 367 + 101 frames learnt from, 233 scored",
    licence="none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)",
    size=(360, 480),
    before=(
        Stage("first", "pocket_seg", first, NETWORK),
        Stage("second", "pocket_seg", second, go_on, split="trainval", val=None),
    ),
    build=go_on,
    train=third,
    split="trainval",
    val=None,
)
