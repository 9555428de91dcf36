"""Localiser: a classifier that also says where the one thing is, by a head of its own.

Sermanet et al., "OverFeat", 2013, and Simonyan & Zisserman, 2014, section A.1: a box head of fully connected layers on the last
map of a classifier, which answers the box's centre, width and height.

Faithful: one box for all classes (Simonyan's single-class regression), trained together with the classes.
Different: the box is told from the whole picture, sides by their logarithms; the classes have one more, for a picture of
nothing; the last map is made narrow before the fully connected layer, which would hold most of the network's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import conv_bn
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "OverFeat: Integrated Recognition, Localization and Detection using Convolutional Networks", "Sermanet et al.", 2013,
    "https://arxiv.org/abs/1312.6229",
)  # fmt: skip
VARIANTS = {"localiser": Variant(options={"encoder": "resnet18"})}
WHOLE = [[[1.0, 1.0]]]  # the box that offsets are from: the picture


@register(
    VARIANTS,
    task="detection",
    paper=PAPER,
    input_size=(224, 224),
    fixed_size=True,
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 8, "hidden": 16},
)
def localiser(
    image: Any,
    classes: int,
    *,
    encoder: str = "resnet18",
    encoder_options: Mapping[str, Any] | None = None,
    channels: int = 128,
    hidden: int = 512,
) -> Any:
    """Encoder → average → class head, and → 1×1 → hidden layer → box head.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: that there may be.
        encoder: any encoder.
        encoder_options: options of that encoder.
        channels: of the map that the box head flattens.
        hidden: units of the box head.

    Returns:
        N×1×(5 + classes): the offsets of the box, and the logits of nothing and of the classes.
    """
    x = encoder_features(encoder, image, **(encoder_options or {})).deepest
    average = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    scores = keras.layers.Dense(1 + classes, name="scores")(average)
    x = keras.layers.Flatten(name="flatten")(conv_bn(x, channels, 1, "narrow"))
    x = keras.layers.Dense(hidden, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    box = keras.layers.Dense(4, name="box")(x)
    row = keras.layers.Concatenate(name="box_and_scores")([box, scores])
    row = keras.layers.Reshape((1, 1, row.shape[-1]), name="cell")(row)
    return layers.BoxRows(row.shape[-1], {"coding": "anchors", "scores": "softmax", "anchors": WHOLE}, name="rows")(row)
