r"""pocket_seg.camvid: streets in eleven classes at 360×480 from scratch, with under a million parameters.

    zoo train --recipe pocket_seg.camvid --data camvid:PATH --out runs/pocket_seg_camvid
    zoo recipes pack pocket_seg.camvid runs/pocket_seg_camvid --data camvid:PATH

367 frames are few, and no other picture is seen. So every crop is of another scale and light, two auxiliary heads pull at the
branches, cross-entropy weighs rare classes up and the Dice loss asks for every class alike, and a moving average of the
weights is what is kept. Crops are as large as the time allows: a first try with crops of 120×160 pixels, batches of 8 and
stronger changes of light stood at 18 % on validation after twenty epochs.

Mean IoU of the eleven classes on the 233 test frames at 360×480, from `zoo recipes pack`: weights 56.0, float32 56.0, float16
56.0, int8 56.2; on the 101 validation frames 67.7. 104 minutes on one CPU core beside another training. One seed. Of what is
published at this size that is more than SegNet (46.4, its encoder from ImageNet), ENet (51.3) and ESPNet (55.6), and less than
FC-DenseNet56 (58.9) and LETNet (70.5), which learn for hundreds of epochs.
"""

from typing import Any

from zoo.recipes import Given, Recipe


def train(given: Given) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = given.data.ignore
    weights = class_weights_from(given.data, "sqrt_median").tolist()
    return {
        "epochs": 68,
        "batch_size": 4,
        "size": (240, 320),
        "learning_rate": 1e-3,
        "augment": Augment(native=True, scale=(0.6, 1.6), brightness=0.35, contrast=0.3, saturation=0.3),
        "loss": WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)]),
        "ema": 0.995,
        "validate_every": 10,
    }


RECIPE = Recipe(
    name="pocket_seg.camvid",
    data="camvid",
    source="CamVid (Brostow, Fauqueur & Cipolla 2009), SegNet's 367 / 101 / 233 frames, and nothing else",
    licence="none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)",
    size=(360, 480),
    build={"auxiliary": (8, 16)},
    train=train,
)
