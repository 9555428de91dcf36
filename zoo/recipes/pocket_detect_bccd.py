r"""pocket_detect.bccd: red and white blood cells and platelets under the microscope.

    zoo train --recipe pocket_detect.bccd --data bccd:PATH --out runs/cells \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack pocket_detect.bccd runs/cells --data bccd:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Twenty-four epochs of 195 pictures at 192×256, not half of a picture's pixels, for the time's sake; scored and converted at
240×320, where the validation pictures were answered better: platelets, some 15 pixels wide in training, are the hardest.
Cells lie any way round, so pictures are mirrored both ways; stains and light vary. The encoder, whose batch normalization
stands still, learns at three tenths of the rate. Not every red cell has a box, so precision looks worse than it is.

int8 is written without correcting biases: with the calibration pictures that `zoo recipes convert` takes, the validation
pictures were answered better so. Over other draws of pictures the two take turns, by some tenths of a point of AP50
(benchmarks/bias_correction.py): so much of int8's loss, or gain, is the draw's.

56 minutes on two CPU cores that two dozen other processes shared, of which it had a fifth of one.
One seed. What more time would give: longer training, the full 300×400, and a finer map for the platelets.
"""

from typing import Any

from zoo.recipes import Recipe, StageContext


def train(context: StageContext) -> dict[str, Any]:
    from zoo.data import Augment

    augment = Augment(
        flip_vertical=0.5, scale=(0.8, 1.5), stretch=1.15, brightness=0.25, contrast=0.25, saturation=0.3, hue=8, noise=4
    )
    return {
        "epochs": 24,
        "batch_size": 4,
        "size": (192, 256),
        "learning_rate": 1.5e-3,
        "lr_scale": {"stem*,block*": 0.3},
        "augment": augment,
        "frozen_batchnorm": "stem*,block*",
        "ema": 0.99,
        "validate_every": 6,
    }


RECIPE = Recipe(
    name="pocket_detect.bccd",
    data="bccd",
    source="BCCD (Shenggan 2018; images by cosmicad and akshaylamba), 195 / 83 / 72 pictures without shared fields of view; "
    "encoder from ImageNet",
    license="MIT",
    size=(240, 320),
    build={"encoder_weights": "imagenet"},
    train=train,
    quantization={"correct_bias": False},
)
