r"""fcn8s.camvid: streets in eleven classes at 360×480, FCN-8s over a MobileNetV2 that knows ImageNet.

    zoo train --recipe fcn8s.camvid --data camvid:PATH --out runs/fcn8s_camvid \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack fcn8s.camvid runs/fcn8s_camvid --data camvid:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Two stages. The first learns by cross-entropy, rare classes weighted up. The second starts warm, sees wider scales and other
light (the test split has a drive at dusk that the training split hardly knows), adds the Dice loss, which asks for every class
alike, and keeps a moving average of the weights.
"""

from typing import Any

from zoo.recipes import Given, Recipe, Stage

NETWORK = {"encoder": "mobilenet_v2"}
USUAL = {
    "epochs": 40,
    "batch_size": 8,
    "size": (240, 320),
    "learning_rate": 5e-4,
    "frozen_batchnorm": "*",
    "validate_every": 8,
}


def plain(given: Given) -> dict[str, Any]:
    from zoo.data import Augment

    return {**USUAL, "augment": Augment(native=True), "class_weights": "sqrt_median"}


def wider(given: Given) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = given.data.ignore
    weights = class_weights_from(given.data, "sqrt_median").tolist()
    seen = Augment(
        native=True, scale=(0.6, 1.8), stretch=1.2, brightness=0.45, contrast=0.35, saturation=0.4, hue=6, blur=0.1, noise=5
    )
    return {
        **USUAL,
        "augment": seen,
        "loss": WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)]),
        "ema": 0.99,
    }


def go_on(given: Given) -> dict[str, Any]:
    return {**NETWORK, "weights": given.earlier["plain"] / "model.keras"}


RECIPE = Recipe(
    name="fcn8s.camvid",
    data="camvid",
    source="CamVid (Brostow, Fauqueur & Cipolla 2009), SegNet's 367 / 101 / 233 frames; encoder from ImageNet",
    licence="none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)",
    size=(360, 480),
    before=(Stage("plain", "fcn8s", plain, {**NETWORK, "encoder_weights": "imagenet"}),),
    build=go_on,
    train=wider,
)
