r"""unet_lite.clothing: what people wear, in twelve classes, at 256×256.

    zoo train --recipe unet_lite.clothing --data ccp_clothing:PATH --out runs/clothing \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack unet_lite.clothing runs/clothing --data ccp_clothing:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Twelve classes out of CCP's 59 garments (zoo/data/datasets/ccp.py). Eyewear and headwear are rare and small, hence weighted
cross-entropy beside the Dice loss, which asks for every class alike. Photographs come at up to twice their scale and in other
light, a fifth of the people before a patch of another photograph's background. The encoder looks at 192×192 pixels (`shrink`).

54 minutes on one CPU core beside another training. One seed.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext
from zoo.recipes.presets import CCP, CCP_LICENSE, cross_entropy_and_dice


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment
    from zoo.data.transforms.mixing import NewBackground

    augment = Augment(scale=(0.85, 2), stretch=1.3, rotate=8, brightness=0.3, contrast=0.3, saturation=0.3, hue=6, noise=4)
    return {
        "epochs": 40,
        "batch_size": 16,
        "size": (256, 256),
        "val_size": (256, 256),
        "learning_rate": 1e-3,
        "augment": NewBackground(augment, context.data, chance=0.2),
        "loss": cross_entropy_and_dice(context, "sqrt_median"),
        "frozen_batchnorm": "stem*,block*",
        "ema": 0.995,
        "validate_every": 8,
    }


RECIPE = Recipe(
    name="unet_lite.clothing",
    data="ccp_clothing",
    source=CCP,
    license=CCP_LICENSE,
    size=(256, 256),
    build={"shrink": 0.75, "encoder_weights": "imagenet"},
    train=train,
)
