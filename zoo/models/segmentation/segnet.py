"""SegNet: VGG16's convolutions down and up again, with the places of the maxima handed across and nothing else.

Badrinarayanan, Kendall & Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation", 2015.

Faithful: `segnet` has VGG16's thirteen convolutions, each with batch normalisation and ReLU, and their mirror image behind
unpoolings by recorded positions; 29,449,355 parameters at 11 classes. ImageNet's VGG16 fits (`encoder_weights="imagenet"`):
its convolutions come in, batch normalisation starts anew. `segnet_basic` has four 7×7 convolutions of 64 channels each way,
with no ReLU on the way up, and a 1×1 convolution for the scores, biases as in the release: 1,416,587 parameters at 11
classes, for which the paper's table says 1.425 M.
Different: the image is normalised by ImageNet's mean (`segnet_basic`: and spread), where the release has local response
normalisation. Odd sizes are pooled with their last row and column, as in Caffe, and come back to the pixel; of equal maxima
the first in its window is meant, see `zoo.layers.MaxPoolIndices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.normalization import normalize
from zoo.models.blocks.unpooling import contracted, expanded
from zoo.models.blocks.upsampling import unpooled
from zoo.outputs.class_names import CAMVID
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
    "Badrinarayanan, Kendall & Cipolla",
    2015,
    "https://arxiv.org/abs/1511.00561",
)
FACTS = {"task": "segmentation", "paper": PAPER, "input_size": (360, 480), "classes": CAMVID}


@register({"segnet": Variant()}, tiny={"encoder_options": {"width": 0.125, "depths": (1, 2, 1, 1, 1)}}, **FACTS)
def segnet(
    image: Any, classes: int, *, encoder: str = "vgg16", encoder_options: Mapping[str, Any] | None = None
) -> Any:
    """Encoder → the same turned round, its last convolution being the scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: vgg16 or vgg19, which gets batch normalisation.
        encoder_options: options of that encoder.

    Returns:
        N×H×W×classes logits.
    """
    features, options = contracted(encoder, image, encoder_options or {})
    x = expanded(features.deepest, features, options["depths"])
    return keras.layers.Conv2D(classes, 3, padding="same", name="score")(x)


@register({"segnet_basic": Variant()}, tiny={"channels": 8}, min_size=16, **FACTS)
def segnet_basic(image: Any, classes: int, *, channels: int = 64, depth: int = 4, kernel: int = 7) -> Any:
    """`depth` times convolution and pooling, as often unpooling and convolution, then the scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        channels: of all convolutions.
        depth: number of poolings.
        kernel: side of all kernels.

    Returns:
        N×H×W×classes logits.
    """
    x = normalize(image, "imagenet")
    maps = []
    for scale in range(1, depth + 1):
        x = normalised_convolution(x, channels, kernel, f"down{scale}")
        x = keras.layers.ReLU(name=f"down{scale}_relu")(x)
        maps.append(x)
        x = keras.layers.MaxPooling2D(2, padding="same", name=f"pool{scale}")(x)
    for scale in range(depth, 0, -1):
        x = unpooled(x, maps[scale - 1], f"up{scale}")
        x = normalised_convolution(x, channels, kernel, f"up{scale}")
    return keras.layers.Conv2D(classes, 1, name="score")(x)


def normalised_convolution(x: Any, channels: int, kernel: int, name: str) -> Any:
    """Convolution and batch normalisation."""
    x = keras.layers.Conv2D(channels, kernel, padding="same", kernel_initializer="he_normal", name=f"{name}_conv")(x)
    return keras.layers.BatchNormalization(name=f"{name}_bn")(x)
