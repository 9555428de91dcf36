"""AlexNet: the network that made depth the default.

Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012, in the form of the
Caffe reference release: input 227 (the paper's 224 does not add up), pooling 3×3 at stride 2.

Faithful: two groups in conv2, conv4 and conv5 (the paper's two GPUs), local response normalisation after conv1 and conv2,
60,965,224 parameters. `alexnet_ungrouped` is the single-column figure of most lectures: no groups, 62,378,344.
Different: normalisation comes before pooling as in the paper (Caffe's CaffeNet has it after). `padding="same"` makes the
features keep to the ⌈H/s⌉ grid, which decoders want; weights and counts stay. `torchvision=True` is the network that PyTorch
calls AlexNet, of Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014: one column of fewer
channels, no local response normalisation, input 224, 61,100,840 parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import fully_connected_top
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "ImageNet Classification with Deep Convolutional Neural Networks",
    "Krizhevsky, Sutskever & Hinton",
    2012,
    "https://doi.org/10.1145/3065386",
)
FC = ((6, 4096), (1, 4096))  # kernel and units of the hidden layers
CHANNELS, CHANNELS_2014 = (96, 256, 384, 384, 256), (64, 192, 384, 256, 256)
VARIANTS = {
    "alexnet": Variant(options={"groups": 2, "fc": FC}),
    "alexnet_ungrouped": Variant(options={"groups": 1, "fc": FC}),
}


def named_size(options: Mapping[str, Any]) -> tuple[int, int] | None:
    """The input size of torchvision's form; None for the paper's."""
    return (224, 224) if options.get("torchvision") else None


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=fully_connected_top,
    strides=(4, 8, 16, 32),
    input_size=(227, 227),
    fixed_size=True,
    min_size=67,
    default_size=named_size,
    tiny={"width": 0.125, "fc": ((6, 32), (1, 32))},
)
def alexnet(
    image: Any,
    *,
    groups: int,
    width: float = 1.0,
    padding: str = "valid",
    margin: int = 0,
    torchvision: bool = False,
) -> Features:
    """Five convolutions, the first at stride 4, with three overlapping poolings.

    Args:
        image: N×H×W×C, 0–255.
        groups: 2 for the paper's two halves, 1 for one column.
        width: multiplies the channels.
        padding: of conv1 and the poolings: "valid" as published, "same" for features on the ⌈H/s⌉ grid.
        margin: zeros around the normalised image, as in the released FCN (100).
        torchvision: the network of 2014, in one column whatever `groups` says.

    Returns:
        s4 (conv1), s8 (pool1), s16 (pool2), s32 (pool5).
    """

    def conv(x: Any, channels: int, kernel: int, name: str, groups: int = 1, **options: Any) -> Any:
        options = {"padding": "same", "activation": "relu", **options}
        return keras.layers.Conv2D(int(channels * width), kernel, groups=groups, name=name, **options)(x)

    def pool(x: Any, name: str) -> Any:
        if padding == "valid" and not torchvision:  # Caffe rounds pooled sizes up; after a ReLU a zero never wins
            x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_round_up")(x)
        return keras.layers.MaxPooling2D(3, 2, padding=padding, name=name)(x)

    def norm(x: Any, name: str) -> Any:
        return x if torchvision else layers.LocalResponseNormalization(name=name)(x)

    channels, groups = (CHANNELS_2014, 1) if torchvision else (CHANNELS, groups)
    x = normalize(image, "imagenet" if torchvision else "imagenet_mean")
    margin += 2 if torchvision and padding == "valid" else 0
    if margin:
        x = keras.layers.ZeroPadding2D(margin, name="margin")(x)
    conv1 = conv(x, channels[0], 11, "conv1", strides=4, padding=padding)
    pool1 = pool(norm(conv1, "norm1"), "pool1")
    x = conv(pool1, channels[1], 5, "conv2", groups)
    pool2 = pool(norm(x, "norm2"), "pool2")
    x = conv(pool2, channels[2], 3, "conv3")
    x = conv(x, channels[3], 3, "conv4", groups)
    x = conv(x, channels[4], 3, "conv5", groups)
    return Features(s4=conv1, s8=pool1, s16=pool2, s32=pool(x, "pool5"))
