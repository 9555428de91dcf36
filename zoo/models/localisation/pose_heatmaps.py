"""Pose heat maps: three deconvolutions on a classifier, and a map of heat for each joint.

Xiao, Wu & Wei, "Simple Baselines for Human Pose Estimation and Tracking", 2018.

Faithful: any encoder's last map, three times a 4×4 transposed convolution of stride 2 to 256 channels with batch normalisation
and ReLU, a 1×1 convolution to a map a joint at a quarter of the picture's sides; pictures are cuts of one person, 256×192;
33,999,697 parameters on ResNet-50. The hottest cell is answered a quarter of a cell towards its hotter neighbour.
Different: sides that 32 does not divide are answered too, on ⌈H/4⌉×⌈W/4⌉ cells. The training hill is centred on the joint and
not on the nearest cell.

`pose_heatmaps_lite` is the same on MobileNetV2, without the wide last convolution that serves a classifier, with fewer channels
on the way up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.conv import MOMENTUM
from zoo.models.blocks.upsampling import rectified
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Simple Baselines for Human Pose Estimation and Tracking", "Xiao, Wu & Wei", 2018, "https://arxiv.org/abs/1804.06208"
)
VARIANTS = {
    "pose_heatmaps": Variant(options={"encoder": "resnet50"}),
    "pose_heatmaps_lite": Variant(
        options={"encoder": "mobilenet_v2", "channels": (96, 64, 48)},
        paper=None,
        inspired_by=(PAPER,),
        mobile=True,
        tiny={"encoder_options": {"width": 0.1}, "channels": (16, 8, 8)},
    ),
}


@register(
    VARIANTS,
    task="landmarks",
    paper=PAPER,
    input_size=(256, 192),
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": (16, 8, 8)},
)
def pose_heatmaps(
    image: Any,
    joints: int,
    *,
    encoder: str = "resnet50",
    encoder_options: Mapping[str, Any] | None = None,
    channels: tuple[int, ...] = (256, 256, 256),
) -> Any:
    """Encoder → transposed convolutions, each to twice the sides → heat.

    Args:
        image: N×H×W×C, 0–255, of one person.
        joints: maps.
        encoder: any encoder; its deepest map's stride and the steps up say on which of its grids the heat lies.
        encoder_options: options of that encoder.
        channels: of each step up; three of them from stride 32 give maps of a quarter of the sides.

    Returns:
        N×⌈H/4⌉×⌈W/4⌉×joints.

    Raises:
        InputError: for more steps up than the encoder took down.
    """
    narrow = {"last": False} if "last" in encoder_entry(encoder).option_names else {}
    features = encoder_features(encoder, image, **{**narrow, **(encoder_options or {})})
    deepest = list(features)[-1]
    stride = int(deepest[1:]) >> len(channels)
    if stride < 1:
        raise InputError(
            f"channels={channels}: {len(channels)} steps, each to twice the sides, lead from the {deepest} of {encoder} beyond "
            "the picture; give fewer"
        )
    grid, x = features.at(stride)[0], features[deepest]
    normal = keras.initializers.RandomNormal(stddev=1e-3)
    for number, n in enumerate(channels, start=1):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": normal, "name": f"up{number}"}
        x = keras.layers.Conv2DTranspose(n, 4, 2, **options)(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"up{number}_bn")(x)
        x = rectified(x, f"up{number}_relu")
    x = layers.CropLike(name="fit")([x, grid])
    return keras.layers.Conv2D(joints, 1, kernel_initializer=normal, name="heat")(x)
