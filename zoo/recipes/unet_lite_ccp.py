r"""unet_lite.ccp: people in photographs and before cameras, at 256×256, nearly as fast as the smallest models for it.

    zoo train --recipe unet_lite.ccp --data ccp_person:PATH --out runs/person \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack unet_lite.ccp runs/person --data ccp_person:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

The photographs are of whole people in streets and studios. So that the network also knows a face before a webcam, half a
person at the edge and rooms it never saw, the first stage, `broad`, learns from crops of up to three times the scale,
stretched, turned, in other light, blurred and noisy; a third of the people stand before a patch of another photograph's
background, and some photographs have a second person pasted in. The second stage goes on with crops closer to whole pictures.

On two CPU cores that other work shared; 99 minutes for the first stage and 25 for the second. One seed. The shipped weights
began with the ImageNet weights inside Coral's quantised MobileNetV2, rounded to 14 bits.

The encoder looks at 160×160 pixels (`shrink`), and the decoder is narrow: the int8 file is to take no longer than the selfie
model that phones use, and takes a tenth longer (benchmarks/person.py has both, side by side).
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import CCP, CCP_LICENSE, continuing, cross_entropy_and_dice

NETWORK = {"shrink": 0.625, "decoder_channels": (64, 48, 32, 8)}
SHARED = {
    "batch_size": 16,
    "size": (256, 256),
    "val_size": (256, 256),
    "frozen_batchnorm": "stem*,block*",
    "ema": 0.995,
    "validate_every": 5,
}


def broad(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(
        scale=(0.8, 3),
        stretch=1.6,
        rotate=12,
        brightness=0.4,
        contrast=0.35,
        saturation=0.5,
        hue=12,
        blur=0.15,
        noise=8,
    )
    return {**SHARED, **mixed(context, augment, pasted=0.15, moved=0.35), "epochs": 50, "learning_rate": 1e-3}


def closer(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(scale=(0.85, 1.8), stretch=1.3, brightness=0.3, contrast=0.25, saturation=0.3, hue=6, blur=0.3, noise=4)
    return {**SHARED, **mixed(context, augment, pasted=0.05, moved=0.2), "epochs": 36, "learning_rate": 5e-4}


def mixed(context: StageContext, augment: Any, pasted: float, moved: float) -> dict[str, Any]:
    """Shares of the samples that get a second person, and of those that are moved before another background."""
    from zoo.data.transforms.mixing import CopyPaste, NewBackground

    people = CopyPaste(augment, context.data, chance=pasted, classes=(1,))
    return {
        "augment": NewBackground(people, context.data, chance=moved),
        "loss": cross_entropy_and_dice(context),
    }


RECIPE = Recipe(
    name="unet_lite.ccp",
    data="ccp_person",
    source=CCP,
    license=CCP_LICENSE,
    size=(256, 256),
    before=(Stage("broad", "unet_lite", broad, {**NETWORK, "encoder_weights": "imagenet"}),),
    build=continuing("model.keras", **NETWORK),
    train=closer,
)
