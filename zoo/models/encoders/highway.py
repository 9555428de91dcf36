"""Highway networks: each layer decides, for every value, how much to transform and how much to carry on.

Srivastava, Greff & Schmidhuber, "Training Very Deep Networks", 2015, section 2 and section 4.

Faithful: y = H(x) · T(x) + x · (1 − T(x)), with T a sigmoid convolution whose bias starts negative so that a deep network
starts by carrying; no batch normalisation; a layer that changes the number of channels cannot carry and is plain.
`highway` has the plan of FitNet 4 (Romero 2014), as the paper's Highway B: 2.27 million parameters, the paper says about 2.3.
Different: the paper does not print its channels, so this plan is FitNet's; images are normalised by CIFAR's mean and spread
(the paper whitens them); no dropout. `highway20`, `32`, `44`, `56` are not the paper's: they have the plan of `plain20` …
`plain56` for comparison at equal depth.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import average_top
from zoo.models.blocks.conv import conv_relu
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.models.encoders.resnet import PAPER as RESNET_PAPER
from zoo.outputs.class_names import CIFAR_10
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Training Very Deep Networks",
    "Srivastava, Greff & Schmidhuber",
    2015,
    "https://arxiv.org/abs/1507.06228",
)
OWN = {"paper": None, "inspired_by": (PAPER, RESNET_PAPER)}
FITNET_4 = ((32, 32, 32, 48, 48), (80,) * 6, (128,) * 6)


def thirds(depth: int) -> tuple[tuple[int, ...], ...]:
    """The plan of a CIFAR ResNet of 6n + 2 layers."""
    n = depth // 6
    return (16,) * (2 * n + 1), (32,) * (2 * n), (64,) * (2 * n)


VARIANTS = {  # channels of each layer, stage by stage
    "highway": Variant(options={"stages": FITNET_4}),
    **{f"highway{depth}": Variant(options={"stages": thirds(depth)}, **OWN) for depth in (20, 32, 44, 56)},
}


def highway_layer(x: Any, name: str, carry_bias: float) -> Any:
    """H(x) · T(x) + x · (1 − T(x)); T looks at the same 3×3 window as H."""
    channels = x.shape[-1]
    start = keras.initializers.Constant(carry_bias)
    transform = keras.layers.Conv2D(channels, 3, padding="same", bias_initializer=start, name=f"{name}_gate")(x)
    transform = keras.layers.Activation("sigmoid", name=f"{name}_transform")(transform)
    carry = keras.layers.Rescaling(-1.0, offset=1.0, name=f"{name}_carry")(transform)
    new = keras.layers.Multiply(name=f"{name}_new")([conv_relu(x, channels, 3, name), transform])
    old = keras.layers.Multiply(name=f"{name}_old")([x, carry])
    return keras.layers.Add(name=f"{name}_sum")([new, old])


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=average_top,
    strides=(2, 4),
    input_size=(32, 32),
    classes=CIFAR_10,
    min_size=8,
    tiny={"stages": ((4, 4), (6, 6), (8, 8, 8))},
)
def highway(image: Any, *, stages: tuple[tuple[int, ...], ...], carry_bias: float = -2.0) -> Features:
    """Three stages of layers with 2×2 max pooling between them.

    Args:
        image: N×H×W×C, 0–255.
        stages: channels of each layer; one that keeps the number of channels is a highway layer.
        carry_bias: where the gates' biases start; the more negative, the more is carried (−1 to −4 in the paper).

    Returns:
        s2, s4: the last layer of the second and the third stage.
    """
    x, features = normalize(image, "cifar"), Features()
    for stage, plan in enumerate(stages, start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"pool{stage - 1}")(x)
        for layer, channels in enumerate(plan, start=1):
            name = f"stage{stage}_layer{layer}"
            x = highway_layer(x, name, carry_bias) if x.shape[-1] == channels else conv_relu(x, channels, 3, name)
        if stage > 1:
            features[f"s{2 ** (stage - 1)}"] = x
    return features
