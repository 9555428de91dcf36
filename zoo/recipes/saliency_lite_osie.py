r"""saliency_lite.osie: where people look in photographs of everyday scenes.

    zoo train --recipe saliency_lite.osie --data osie:PATH --out runs/saliency \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack saliency_lite.osie runs/saliency --data osie:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Six epochs of 500 photographs at 192×256, milder changes of scale and shape than for other tasks, since a crop is not looked at
as the whole picture is; scored and converted at 240×320. The loss is of what is scored: divergence, correlation and scanpath
saliency. The encoder, whose batch normalisation stands still, learns at a fifth of the rate. Chosen on the validation
photographs: only the number of epochs, by the time there was (a first run with a longer schedule stood at NSS 2.82 after four
of its epochs). OSIE's coordinates are of whole photographs, so the split by photographs is ours; its 15 people are the same in
all parts.

26 minutes on one CPU core that a dozen other processes shared. One seed. What a GPU would still give: more epochs, 240×320 in
training, and a start from SALICON's 10,000 photographs, which the published figures on OSIE mostly have.
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
