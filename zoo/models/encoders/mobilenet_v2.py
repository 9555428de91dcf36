"""MobileNetV2: inverted residuals with linear bottlenecks.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, table 2.

Faithful: blocks, channels (multiplied by the width and rounded to multiples of 8), ReLU6, 3,504,872 trainable parameters at
width 1; the same graph as keras.applications, whose weights fit. At widths above 1 the last convolution widens with the
rest, below 1 it keeps 1,280 channels.
Different: batch statistics move with momentum 0.99, not 0.999, so that they settle within a short run. `output_stride` 8
or 16 swaps the last strides for dilation, as DeepLab does. `torchvision=True` is PyTorch's form of the graph, which their
weights need: ImageNet's statistics, and the windows of strided convolutions centred, where Keras's stand half a pixel aside.
"""

from __future__ import annotations

import math
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.models.blocks.classifier_heads import pooled_top
from zoo.models.blocks.mobile import conv_bn_act, depthwise_bn_act
from zoo.models.blocks.normalization import normalize, rescale
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    "Sandler et al.",
    2018,
    "https://arxiv.org/abs/1801.04381",
)
VARIANTS = {
    "mobilenet_v2": Variant(options={"width": 1.0}),
    "mobilenet_v2_140": Variant(options={"width": 1.4}),
    "mobilenet_v2_075": Variant(options={"width": 0.75}),
    "mobilenet_v2_050": Variant(options={"width": 0.5}),
    "mobilenet_v2_035": Variant(options={"width": 0.35}),
}
STAGES = (  # expansion, channels, repeats, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
TINY = {"width": 0.1, "depth": 0.3}  # eight blocks, one of them a repeat


def inverted_residual(
    x: Any, channels: int, expansion: int, name: str, *, stride: int, dilation: int, centered: bool
) -> Any:
    """1×1 expansion, 3×3 depthwise, linear 1×1 projection; a shortcut where the shape stays."""
    shortcut = x
    if expansion > 1:
        x = conv_bn_act(x, expansion * x.shape[-1], 1, f"{name}_expand")
    x = depthwise_bn_act(x, 3, f"{name}_depthwise", stride=stride, dilation=dilation, centered=centered)
    x = conv_bn_act(x, channels, 1, f"{name}_project", activation=None)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


@register_encoder(VARIANTS, paper=PAPER, top=pooled_top, input_size=(224, 224), mobile=True, tiny=TINY)
def mobilenet_v2(
    image: Any,
    *,
    width: float,
    depth: float = 1.0,
    output_stride: int = 32,
    last: bool = True,
    torchvision: bool = False,
) -> Features:
    """Stem, seventeen inverted residuals, one wide 1×1 convolution.

    Args:
        image: N×H×W×C, 0–255.
        width: multiplies the channels.
        depth: multiplies the repeats of the stages, rounded up; 1 in all published networks.
        output_stride: 8, 16 or 32; beyond it strides become dilation.
        last: whether the wide 1×1 convolution ends it; light decoders do without.
        torchvision: PyTorch's form of the graph, see above.

    Returns:
        s2, s4, s8, s16: the bottleneck just before each halving (16, 24, 32, 96 channels at width 1); the deepest, at
        `output_stride`, is the last convolution (1,280 channels), or the last bottleneck (320) without it.
    """
    x = normalize(image, "imagenet") if torchvision else rescale(image)
    x = conv_bn_act(x, round_channels(32 * width), 3, "stem", stride=2, centered=torchvision)
    features, stride, dilation, block = Features(), 2, 1, 0
    for expansion, channels, repeats, first_stride in STAGES:
        for repeat in range(math.ceil(depth * repeats)):
            step = first_stride if repeat == 0 else 1
            halve = step > 1 and stride < output_stride
            if halve:
                features[f"s{stride}"] = x
                stride *= 2
            x = inverted_residual(
                x,
                round_channels(channels * width),
                expansion,
                f"block{block}",
                stride=2 if halve else 1,
                dilation=dilation,
                centered=torchvision,
            )
            if step > 1 and not halve:
                dilation *= 2  # for the blocks after the one that did not halve, as in DeepLab
            block += 1
    if last:
        x = conv_bn_act(x, round_channels(1280 * max(width, 1.0)), 1, "last")
    features[f"s{stride}"] = x
    return features
