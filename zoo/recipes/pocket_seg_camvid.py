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

On two CPU cores: 104 minutes for the first stage on one of them, 96 for the second on one and then on both, 113 for the third
on one. One seed. Of what is published at this size (some of it learnt from the training frames alone) the result is above
SegNet (46.4, its encoder from ImageNet), ENet (51.3), ESPNet (55.6) and FC-DenseNet56 (58.9), and below FC-DenseNet103 (66.9)
and LETNet (70.5), which learn for hundreds of epochs.
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import CAMVID, CAMVID_LICENSE, continuing, cross_entropy_and_dice, streets

NETWORK = {"auxiliary": (8, 16)}
SHARED = {"batch_size": 4, "size": (240, 320), "learning_rate": 1e-3, "ema": 0.995}


def chosen_on_validation(context: StageContext) -> dict[str, Any]:
    """From the training frames, in milder changes of light; rare classes weigh more."""
    from zoo.data import Augment

    augment = Augment(native=True, scale=(0.6, 1.6), brightness=0.35, contrast=0.3, saturation=0.3)
    loss = cross_entropy_and_dice(context, "sqrt_median")
    return {**SHARED, "epochs": 68, "augment": augment, "loss": loss, "validate_every": 10}


def with_validation_frames(context: StageContext) -> dict[str, Any]:
    """From both, with the rate begun anew."""
    return {**SHARED, "epochs": 60, "augment": streets(), "loss": cross_entropy_and_dice(context)}


def larger_crops(context: StageContext) -> dict[str, Any]:
    """The same once more, in larger crops."""
    return {**with_validation_frames(context), "epochs": 40, "size": (288, 384)}


CONTINUING = continuing("best.weights.h5", **NETWORK)
RECIPE = Recipe(
    name="pocket_seg.camvid",
    data="camvid",
    source=f"{CAMVID}, SegNet's split: 367 + 101 frames learnt from, 233 scored",
    license=CAMVID_LICENSE,
    size=(360, 480),
    before=(
        Stage("chosen_on_validation", "pocket_seg", chosen_on_validation, NETWORK),
        Stage("with_validation_frames", "pocket_seg", with_validation_frames, CONTINUING, split="trainval", val=None),
    ),
    build=CONTINUING,
    train=larger_crops,
    split="trainval",
    val=None,
)
