r"""fcn8s.camvid: streets in eleven classes at 360×480, FCN-8s over a MobileNetV2 that knows ImageNet.

    zoo train --recipe fcn8s.camvid --data camvid:PATH --out runs/fcn8s_camvid \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack fcn8s.camvid runs/fcn8s_camvid --data camvid:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Cross-entropy with rare classes weighted up, crops of the frames' own pixels, and the encoder's normalisation left alone.

On the frames it was chosen by, 66.0. Two CPU cores that much other work shared; 72 minutes by the clock. One seed. The run was
begun by `zoo train` with these settings before there was a recipe, and its weights were carried over by the layers' names
(one layer is called otherwise today), answers equal to the bit.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext
from zoo.recipes.presets import CAMVID, CAMVID_LICENSE


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    return {
        "epochs": 40,
        "batch_size": 8,
        "size": (240, 320),
        "learning_rate": 5e-4,
        "augment": Augment(native=True),
        "class_weights": "sqrt_median",
        "frozen_batchnorm": "*",
        "validate_every": 8,
    }


RECIPE = Recipe(
    name="fcn8s.camvid",
    data="camvid",
    source=f"{CAMVID}, SegNet's 367 / 101 / 233 frames; encoder from ImageNet",
    license=CAMVID_LICENSE,
    size=(360, 480),
    build={"encoder": "mobilenet_v2", "encoder_weights": "imagenet"},
    train=train,
)
