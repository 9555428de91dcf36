"""Pose regression: the coordinates of a body's joints as numbers, from a picture of it.

Toshev & Szegedy, "DeepPose: Human Pose Estimation via Deep Neural Networks", 2014, its first stage.

Faithful: AlexNet down to its two hidden layers of 4,096, then a linear layer of two numbers a joint, in shares of the box
around the person from its middle; trained by the squared distance of the joints that are known. 57,007,522 parameters for
seventeen joints; the paper says about 40 M, which its layers do not add up to: the first hidden one alone has 37.7 M.
Different: the picture is AlexNet's of 227×227, since the paper's 220 does not give the sizes of its figure, and AlexNet's
convolutions are in two groups unless the encoder is alexnet_ungrouped. Its cascade, networks that look again around each joint
that the one before found, is left out: each stage is another network of this kind over other cuts of the picture, so that it is
no graph but a loop around one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "DeepPose: Human Pose Estimation via Deep Neural Networks", "Toshev & Szegedy", 2014, "https://arxiv.org/abs/1312.4659"
)
VARIANTS = {"pose_regression": Variant(options={"encoder": "alexnet"})}


@register(
    VARIANTS,
    task="landmarks",
    paper=PAPER,
    input_size=(227, 227),
    fixed_size=True,
    min_size=67,
    tiny={"encoder_options": {"width": 0.125}, "hidden": (32, 32)},
)
def pose_regression(
    image: Any,
    joints: int,
    *,
    encoder: str = "alexnet",
    encoder_options: Mapping[str, Any] | None = None,
    hidden: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
) -> Any:
    """Encoder → hidden layers → two numbers a joint.

    Args:
        image: N×H×W×C, 0–255, of a fixed size, of one person.
        joints: how many.
        encoder: any encoder.
        encoder_options: options of that encoder.
        hidden: units of the hidden layers, which have AlexNet's names.
        dropout: share of the units that go without in training.

    Returns:
        N×(2·joints): x and y of each, in shares of the sides from the picture's middle.
    """
    x = encoder_features(encoder, image, on_grid=False, **(encoder_options or {})).deepest
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=6):
        x = keras.layers.Dense(units, activation="relu", name=f"fc{number}")(x)
        x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    start = keras.initializers.RandomNormal(stddev=1e-2)
    return keras.layers.Dense(2 * joints, kernel_initializer=start, name="places")(x)
