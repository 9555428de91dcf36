"""All-CNN-C: nothing but convolutions; stride does what pooling did.

Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for Simplicity: The All Convolutional Net", 2014, tables 1 and 2.

Faithful: nine convolutions, the third and the sixth with stride 2 in the place of pooling, the seventh unpadded (8×8 → 6×6),
ReLU after each, the last one included, then the average over all positions; dropout of 0.2 on the image and 0.5 after each
stride; 1,369,738 parameters at 10 classes.
Different: images are normalised by CIFAR's mean and spread per channel (the paper whitens them). `padding="same"` pads the
seventh convolution too, so that the features keep to the ⌈H/s⌉ grid, which decoders want.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.conv import conv_relu
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.outputs.class_names import CIFAR_10
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Striving for Simplicity: The All Convolutional Net",
    "Springenberg, Dosovitskiy, Brox & Riedmiller",
    2014,
    "https://arxiv.org/abs/1412.6806",
)
VARIANTS = {"allcnn_c": Variant()}


def average_of_scores(features: Features, classes: int) -> Any:
    """1×1 convolution to the classes, ReLU, and the average over all positions."""
    x = conv_relu(features.deepest, classes, 1, "conv9")
    return keras.layers.GlobalAveragePooling2D(name="pool")(x)


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=average_of_scores,
    strides=(2, 4),
    input_size=(32, 32),
    classes=CIFAR_10,
    min_size=9,
    tiny={"width": 0.125},
)
def allcnn(image: Any, *, width: float = 1.0, padding: str = "valid", dropout: float = 0.5) -> Features:
    """Eight convolutions; `average_of_scores` has the ninth.

    Args:
        image: N×H×W×C, 0–255.
        width: multiplies the channels.
        padding: of the seventh convolution: "valid" as published, "same" for features on the ⌈H/s⌉ grid.
        dropout: after each stride; the image gets 0.4 times as much.

    Returns:
        s2 (conv5), s4 (conv8).
    """
    narrow, wide = int(96 * width), int(192 * width)
    x = keras.layers.Dropout(0.4 * dropout, name="dropout0")(normalize(image, "cifar"))
    x = conv_relu(x, narrow, 3, "conv1")
    x = conv_relu(x, narrow, 3, "conv2")
    x = conv_relu(x, narrow, 3, "conv3", strides=2)
    x = keras.layers.Dropout(dropout, name="dropout3")(x)
    x = conv_relu(x, wide, 3, "conv4")
    s2 = conv_relu(x, wide, 3, "conv5")
    x = conv_relu(s2, wide, 3, "conv6", strides=2)
    x = keras.layers.Dropout(dropout, name="dropout6")(x)
    x = conv_relu(x, wide, 3, "conv7", padding=padding)
    return Features(s2=s2, s4=conv_relu(x, wide, 1, "conv8"))
