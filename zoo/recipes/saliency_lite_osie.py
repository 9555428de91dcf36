r"""saliency_lite.osie: where people look in photographs of everyday scenes.

    zoo train --recipe saliency_lite.osie --data osie:PATH --out runs/saliency \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack saliency_lite.osie runs/saliency --data osie:PATH
"""

from typing import Any

from zoo.recipes import Recipe, StageContext


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(scale=(0.9, 1.25), stretch=1.15, brightness=0.2, contrast=0.2, saturation=0.2, hue=4)
    return {
        "epochs": 6,
        "batch_size": 8,
        "size": (192, 256),
        "val_size": (240, 320),
        "learning_rate": 1e-3,
        "lr_scale": {"stem*,block*": 0.2},
        "augment": augment,
        "frozen_batchnorm": "stem*,block*",
        "ema": 0.99,
        "validate_every": 6,
    }


RECIPE = Recipe(
    name="saliency_lite.osie",
    data="osie",
    source="OSIE (Xu, Jiang, Wang, Kankanhalli & Zhao 2014), 500 / 100 / 100 photographs, 15 people; encoder from ImageNet",
    license="MIT for the data set as a package; the rights in the single photographs are not stated: research use",
    size=(240, 320),
    build={"encoder_weights": "imagenet", "dropout": 0.1},
    train=train,
)
