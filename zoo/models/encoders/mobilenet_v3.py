"""MobileNetV3: searched inverted residuals with squeeze-and-excitation and hard-swish.

Howard et al., "Searching for MobileNetV3", 2019, tables 1 (large) and 2 (small). The minimalistic variants are the authors'
release for accelerators: 3×3 kernels, ReLU and no squeeze-and-excitation.

Faithful: blocks, channels, kernels, activations, the pooling before the last expansion; 5,483,032 (large) and 2,542,856
(small) trainable parameters; the same graph as keras.applications, whose weights fit. Below width 1 the hidden layer of the
top keeps its 1,280 or 1,024 units.
Different: the two 1×1 convolutions after the pooling are dense layers, which is the same thing; batch statistics move with
momentum 0.99, not 0.999, so that they settle within a short run; `output_stride` 8 or 16 swaps the last strides for dilation,
as the paper's segmentation does. `torchvision=True` is PyTorch's form of the graph, which their weights need: ImageNet's
statistics, the windows of strided convolutions centred, and with dilation a block that would have halved dilates itself too.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.models.blocks.dilation import Strides
from zoo.models.blocks.mobile import conv_bn_act, depthwise_bn_act
from zoo.models.blocks.normalization import normalize, rescale
from zoo.models.blocks.squeeze_excite import squeeze_excite
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper("Searching for MobileNetV3", "Howard et al.", 2019, "https://arxiv.org/abs/1905.02244")

LARGE = (  # kernel, expanded channels, channels, squeeze-and-excitation, activation, stride
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
SMALL = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
SIZES = {"large": LARGE, "small": SMALL}
HIDDEN = {"large": 1280, "small": 1024}  # units after the pooling
TINY = {"width": 0.1, "depth": 0.4}  # of three and of four blocks in a row two

VARIANTS = {
    "mobilenet_v3_large": Variant(options={"size": "large"}),
    "mobilenet_v3_large_075": Variant(options={"size": "large", "width": 0.75}),
    "mobilenet_v3_large_minimalistic": Variant(options={"size": "large", "minimalistic": True}),
    "mobilenet_v3_small": Variant(options={"size": "small"}),
    "mobilenet_v3_small_075": Variant(options={"size": "small", "width": 0.75}),
    "mobilenet_v3_small_minimalistic": Variant(options={"size": "small", "minimalistic": True}),
}


def blocks(size: str, depth: float) -> list[tuple[int, int, int, bool, str, int]]:
    """The rows of a table; of those of as many channels in a row the first ones, a share `depth` of them."""
    runs = (list(run) for _, run in itertools.groupby(SIZES[size], key=lambda row: row[2]))
    return [row for run in runs for row in run[: math.ceil(depth * len(run))]]


def inverted_residual(
    x: Any,
    inside: int,
    channels: int,
    kernel: int,
    name: str,
    *,
    stride: int,
    dilation: int,
    activation: str,
    squeeze: bool,
    centered: bool,
) -> Any:
    """1×1 expansion to `inside` channels (none in the first block), depthwise, squeeze-and-excitation, linear 1×1."""
    if name != "block0":
        x = conv_bn_act(x, inside, 1, f"{name}_expand", activation=activation)
    window = {"stride": stride, "dilation": dilation, "centered": centered}
    x = depthwise_bn_act(x, kernel, f"{name}_depthwise", **window, activation=activation)
    if squeeze:
        x = squeeze_excite(x, round_channels(inside / 4), f"{name}_se", gate="hard_sigmoid")
    return conv_bn_act(x, channels, 1, f"{name}_project", activation=None)


def expanded_top(
    features: Features, classes: int, *, size: str, width: float = 1.0, minimalistic: bool = False, dropout: float = 0.2
) -> Any:
    """Global average pooling, a wide dense layer with its activation, dropout, the classifying dense layer."""
    activation = "relu" if minimalistic else "hard_swish"
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features.deepest)
    x = keras.layers.Dense(round_channels(HIDDEN[size] * max(width, 1.0)), name="hidden")(x)
    x = keras.layers.Activation(activation, name=f"hidden_{activation}")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Dense(classes, name="fc")(x)


@register_encoder(VARIANTS, paper=PAPER, top=expanded_top, input_size=(224, 224), mobile=True, tiny=TINY)
def mobilenet_v3(
    image: Any,
    *,
    size: str,
    width: float = 1.0,
    depth: float = 1.0,
    minimalistic: bool = False,
    output_stride: int = 32,
    torchvision: bool = False,
) -> Features:
    """Stem, inverted residuals, one wide 1×1 convolution.

    Args:
        image: N×H×W×C, 0–255.
        size: "large" or "small".
        width: multiplies the channels.
        depth: the share of the blocks of as many channels in a row that is kept, rounded up; 1 in all published networks.
        minimalistic: 3×3 kernels, ReLU, no squeeze-and-excitation.
        output_stride: 8, 16 or 32; beyond it strides become dilation.
        torchvision: PyTorch's form of the graph, see above.

    Returns:
        s2, s4, s8, s16: the bottleneck just before each halving (16, 24, 40, 112 channels of the large network); the
        deepest, at `output_stride`, is the last convolution (960 channels of the large, 576 of the small one). The first
        bottleneck behind each halving is among the `taps`, as first_s8.
    """
    final = "relu" if minimalistic else "hard_swish"
    x = normalize(image, "imagenet") if torchvision else rescale(image)
    x = conv_bn_act(x, 16, 3, "stem", stride=2, activation=final, centered=torchvision)
    features, strides, published = Features(), Strides(2, output_stride), 16
    for block, (kernel, expanded, channels, squeeze, activation, step) in enumerate(blocks(size, depth)):
        if minimalistic:
            kernel, squeeze, activation = 3, False, "relu"
        before = strides.dilation
        stride = strides.halve() if step == 2 else 1
        if stride == 2:
            features[f"s{strides.stride // 2}"] = x
        shortcut, inside = x, round_channels(x.shape[-1] * expanded / published)  # the table's expansion as a factor
        x = inverted_residual(
            x,
            inside,
            round_channels(channels * width),
            kernel,
            f"block{block}",
            stride=stride,
            dilation=strides.dilation if torchvision else before,
            activation=activation,
            squeeze=squeeze,
            centered=torchvision,
        )
        if stride == 2:
            features.taps[f"first_s{strides.stride}"] = x
        if step == 1 and shortcut.shape[-1] == x.shape[-1]:
            x = keras.layers.Add(name=f"block{block}_add")([shortcut, x])
        published = channels
    x = conv_bn_act(x, round_channels(6 * x.shape[-1]), 1, "last", activation=final)
    features[f"s{strides.stride}"] = x
    return features
