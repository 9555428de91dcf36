r"""deeplab_v3plus_mobilenet_v2.camvid: streets in eleven classes at 360×480, DeepLabv3+ over a MobileNetV2 that knows ImageNet.

    zoo train --recipe deeplab_v3plus_mobilenet_v2.camvid --data camvid:PATH --out runs/deeplab_camvid \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack deeplab_v3plus_mobilenet_v2.camvid runs/deeplab_camvid --data camvid:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Half the paper's channels in the pyramid and the decoder, which is what a phone has time for. Crops of the frames' own pixels at
scales from 0.6 to 1.7 in other light (the test split has a drive at dusk that the training split hardly knows); cross-entropy
with rare classes weighted up beside the Dice loss, which asks for every class alike; the encoder's normalisation left alone,
for its published statistics are better than those of small batches; and a moving average of the weights is what is kept.

Mean IoU over the eleven classes on the 233 test frames, from `zoo recipes pack`: weights 63.6, float32 63.6, float16 63.6, int8
63.6; on the frames it was chosen by, 70.7. Two CPU cores that much other work shared; 93 minutes by the clock. One seed. The
shipped weights began with the ImageNet weights inside Coral's quantised MobileNetV2, rounded to 14 bits.
"""

from typing import Any

from zoo.recipes import Given, Recipe


def train(given: Given) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = given.data.ignore
    weights = class_weights_from(given.data, "sqrt_median").tolist()
    seen = Augment(
        native=True, scale=(0.6, 1.7), stretch=1.2, brightness=0.45, contrast=0.35, saturation=0.4, hue=6, blur=0.1, noise=4
    )
    return {
        "epochs": 90,
        "batch_size": 8,
        "size": (240, 320),
        "learning_rate": 5e-4,
        "augment": seen,
        "loss": WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)]),
        "frozen_batchnorm": "stem*,block*,last*",
        "ema": 0.99,
        "validate_every": 10,
    }


RECIPE = Recipe(
    name="deeplab_v3plus_mobilenet_v2.camvid",
    data="camvid",
    source="CamVid (Brostow, Fauqueur & Cipolla 2009), SegNet's 367 / 101 / 233 frames; encoder from ImageNet",
    licence="none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)",
    size=(360, 480),
    build={"encoder_weights": "imagenet", "channels": 128},
    train=train,
)
