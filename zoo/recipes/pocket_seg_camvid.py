r"""pocket_seg.camvid: streets in eleven classes at 360×480 from scratch, with under a million parameters.

    zoo train --recipe pocket_seg.camvid --data camvid:PATH --out runs/pocket_seg_camvid
    zoo recipes pack pocket_seg.camvid runs/pocket_seg_camvid --data camvid:PATH

367 frames are few, and no other picture is seen. So every crop is of another scale, light and sharpness (the test split has a
drive at dusk that the training split hardly knows), two auxiliary heads pull at the branches, cross-entropy weighs rare
classes up and the Dice loss asks for every class alike, and a moving average of the weights is what is kept. Half of the
epochs see small crops, of which a processor does four times as many.
"""

from typing import Any

from zoo.recipes import Given, Recipe


def train(given: Given) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = given.data.ignore
    weights = class_weights_from(given.data, "sqrt_median").tolist()
    seen = Augment(
        native=True, scale=(0.5, 1.8), stretch=1.2, brightness=0.5, contrast=0.4, saturation=0.5, hue=6, blur=0.1, noise=5
    )
    return {
        "epochs": 160,
        "batch_size": 8,
        "sizes": {0: (120, 160), 80: (168, 224), 130: (240, 320)},
        "learning_rate": 2e-3,
        "augment": seen,
        "loss": WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)]),
        "ema": 0.995,
        "validate_every": 20,
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
