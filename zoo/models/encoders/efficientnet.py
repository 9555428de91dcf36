"""EfficientNet: one searched network, and a rule by which depth, width and resolution grow together.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, table 1 and equation 3: depth
1.2^φ, width 1.1^φ, resolution 1.15^φ, so that multiply-accumulates grow about as 2^φ. `efficientnet` is the rule itself
(`phi=1.5`, or `width=`, `depth=`, `resolution=`); b0 … b7 are the released networks, whose factors the authors rounded.
The lite variants (Tan, "Higher accuracy on vision models with EfficientNet-Lite", 2020) are for phones: no
squeeze-and-excitation, ReLU6, and neither stem, head nor the first and the last stage's repeats are scaled.

Faithful: blocks, channels rounded to multiples of 8, repeats rounded up, swish, stochastic depth, initialisation; trainable
parameters of all thirteen; the same graph as keras.applications, whose weights fit. ImageNet's normalisation is a constant
here; there, it comes with the published weights. The lite networks see (x − 127) / 128, as released.
Counts: the released multiply-adds of the lite networks (lite0: 407 M) include three operations for every value that batch
normalisation sees; `zoo.macs` counts convolutions and dense layers, as for all networks, which is some per cent less.
With those operations added the five released counts come out (tests/models/test_efficientnet.py).
Different: `output_stride` 8 or 16 swaps the last strides for dilation; `torchvision=True` centres the windows of strided
convolutions, as PyTorch does and weights from there need.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.models.blocks.classifier_heads import pooled_top
from zoo.models.blocks.dilation import Strides
from zoo.models.blocks.mobile import conv_bn_act, depthwise_bn_act
from zoo.models.blocks.normalization import normalize
from zoo.models.blocks.squeeze_excite import squeeze_excite
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    "Tan & Le",
    2019,
    "https://arxiv.org/abs/1905.11946",
)
DEPTH, WIDTH, RESOLUTION = 1.2, 1.1, 1.15  # α, β, γ: the bases of the rule
SIDE = 224  # pixels, at φ = 0


def _lite(options: Mapping[str, Any], side: int) -> Variant:
    """A row of the networks for phones."""
    return Variant(options={"lite": True, **options}, input_size=(side, side), mobile=True)


VARIANTS = {
    "efficientnet": Variant(input_size=(224, 224), mobile=True),
    "efficientnet_b0": Variant(options={"width": 1.0, "depth": 1.0, "dropout": 0.2}, input_size=(224, 224), mobile=True),
    "efficientnet_b1": Variant(options={"width": 1.0, "depth": 1.1, "dropout": 0.2}, input_size=(240, 240)),
    "efficientnet_b2": Variant(options={"width": 1.1, "depth": 1.2, "dropout": 0.3}, input_size=(260, 260)),
    "efficientnet_b3": Variant(options={"width": 1.2, "depth": 1.4, "dropout": 0.3}, input_size=(300, 300)),
    "efficientnet_b4": Variant(options={"width": 1.4, "depth": 1.8, "dropout": 0.4}, input_size=(380, 380)),
    "efficientnet_b5": Variant(options={"width": 1.6, "depth": 2.2, "dropout": 0.4}, input_size=(456, 456)),
    "efficientnet_b6": Variant(options={"width": 1.8, "depth": 2.6, "dropout": 0.5}, input_size=(528, 528)),
    "efficientnet_b7": Variant(options={"width": 2.0, "depth": 3.1, "dropout": 0.5}, input_size=(600, 600)),
    "efficientnet_lite0": _lite({"width": 1.0, "depth": 1.0, "dropout": 0.2}, 224),
    "efficientnet_lite1": _lite({"width": 1.0, "depth": 1.1, "dropout": 0.2}, 240),
    "efficientnet_lite2": _lite({"width": 1.1, "depth": 1.2, "dropout": 0.3}, 260),
    "efficientnet_lite3": _lite({"width": 1.2, "depth": 1.4, "dropout": 0.3}, 280),
    "efficientnet_lite4": _lite({"width": 1.4, "depth": 1.8, "dropout": 0.3}, 300),
}
STAGES = (  # kernel, repeats, channels, expansion, stride
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}


def scaled_size(phi: float = 0.0, resolution: float | None = None) -> tuple[int, int]:
    """(H, W) in pixels for which the rule scales a network: 224 times `resolution`, by default 1.15^φ, rounded."""
    side = round(SIDE * (RESOLUTION**phi if resolution is None else resolution))
    return side, side


def asked_size(options: Mapping[str, Any]) -> tuple[int, int] | None:
    """The input size of a network whose options name φ or a resolution; None where they leave it open."""
    phi, resolution = options.get("phi"), options.get("resolution")
    return None if phi is None and resolution is None else scaled_size(phi or 0.0, resolution)


def scaled_repeats(depth: float, lite: bool) -> list[int]:
    """Blocks of each stage, rounded up; the lite networks leave the first and the last stage alone."""
    repeats = [row[1] for row in STAGES]
    scaled = [math.ceil(depth * repeat) for repeat in repeats]
    return [repeats[0], *scaled[1:-1], repeats[-1]] if lite else scaled


def block(
    x: Any,
    channels: int,
    kernel: int,
    expansion: int,
    name: str,
    *,
    stride: int,
    dilation: int,
    activation: str,
    squeeze: int,
    centered: bool,
) -> Any:
    """1×1 expansion, depthwise, squeeze-and-excitation to `squeeze` channels (none at 0), linear 1×1 projection."""
    if expansion > 1:
        x = conv_bn_act(x, expansion * x.shape[-1], 1, f"{name}_expand", activation=activation, initializer=INITIALIZER)
    window = {"stride": stride, "dilation": dilation, "centered": centered}
    x = depthwise_bn_act(x, kernel, f"{name}_depthwise", **window, activation=activation, initializer=INITIALIZER)
    if squeeze:
        x = squeeze_excite(x, squeeze, f"{name}_se", activation=activation, initializer=INITIALIZER)
    return conv_bn_act(x, channels, 1, f"{name}_project", activation=None, initializer=INITIALIZER)


def with_shortcut(shortcut: Any, x: Any, drop: float, name: str) -> Any:
    """Adds the block's input; in training, the block is left out for a share `drop` of the images (stochastic depth)."""
    if drop > 0:
        x = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    return keras.layers.Add(name=f"{name}_add")([shortcut, x])


@register_encoder(VARIANTS, paper=PAPER, top=pooled_top, tiny={"width": 0.1, "depth": 0.5}, default_size=asked_size)
def efficientnet(
    image: Any,
    *,
    phi: float | None = None,
    width: float | None = None,
    depth: float | None = None,
    resolution: float | None = None,
    lite: bool = False,
    drop_connect: float = 0.2,
    output_stride: int = 32,
    torchvision: bool = False,
) -> Features:
    """Stem, seven stages of inverted residuals, one wide 1×1 convolution.

    Args:
        image: N×H×W×C, 0–255.
        phi: φ, the compound coefficient: sets `width`, `depth` and `resolution` where they are not given; 0 by default.
        width: multiplies the channels.
        depth: multiplies the repeats of the stages.
        resolution: multiplies the 224 pixels for which a classifier is built that is told no input_shape. No layer
            depends on it, and without φ and resolution a network takes any size.
        lite: the variant for phones.
        drop_connect: stochastic depth's rate at the last block; it grows linearly from 0 at the first.
        output_stride: 8, 16 or 32; beyond it strides become dilation.
        torchvision: centre the windows of strided convolutions.

    Returns:
        s2, s4, s8, s16: the block just before each halving (16, 24, 40, 112 channels at width 1); the deepest, at
        `output_stride`, is the last convolution (1,280 channels at width 1).
    """
    width = WIDTH ** (phi or 0.0) if width is None else width
    depth = DEPTH ** (phi or 0.0) if depth is None else depth
    activation = "relu6" if lite else "swish"
    repeats = scaled_repeats(depth, lite)
    x = normalize(image, "lite" if lite else "imagenet")
    ends = {"activation": activation, "initializer": INITIALIZER}
    x = conv_bn_act(x, 32 if lite else round_channels(32 * width), 3, "stem", stride=2, centered=torchvision, **ends)
    features, strides, number = Features(), Strides(2, output_stride), 0
    for (kernel, _, channels, expansion, stage_stride), repeat in zip(STAGES, repeats, strict=True):
        for index in range(repeat):
            name, shortcut, dilation = f"block{number}", x, strides.dilation
            stride = strides.halve() if index == 0 and stage_stride == 2 else 1
            if stride == 2:
                features[f"s{strides.stride // 2}"] = x
            window = {"stride": stride, "dilation": dilation, "centered": torchvision}
            squeeze = 0 if lite else max(1, shortcut.shape[-1] // 4)
            width_here, options = round_channels(channels * width), {"activation": activation, "squeeze": squeeze}
            x = block(x, width_here, kernel, expansion, name, **window, **options)
            if (index > 0 or stage_stride == 1) and shortcut.shape[-1] == x.shape[-1]:
                x = with_shortcut(shortcut, x, drop_connect * number / sum(repeats), name)
            number += 1
    x = conv_bn_act(x, 1280 if lite else round_channels(1280 * width), 1, "last", **ends)
    features[f"s{strides.stride}"] = x
    return features
