"""DenseNet: every layer sees the maps of all layers before it.

Huang, Liu, van der Maaten & Weinberger, "Densely Connected Convolutional Networks", 2016, table 1 (DenseNet-BC, growth 32).

Faithful: bottlenecks of 4 × growth channels, transitions that halve the channels, 7,978,856 / 14,149,480 / 20,013,928
trainable parameters; the same graph as keras.applications, whose weights fit. Different: `padding="same"` makes transitions
round odd sizes up, so that features keep to the ⌈H/s⌉ grid, which decoders want; as published they round down.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import average_top
from zoo.models.blocks.conv import bn_relu
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Densely Connected Convolutional Networks",
    "Huang, Liu, van der Maaten & Weinberger",
    2016,
    "https://arxiv.org/abs/1608.06993",
)
VARIANTS = {  # layers in each of the four dense blocks
    "densenet121": Variant(options={"depths": (6, 12, 24, 16)}),
    "densenet169": Variant(options={"depths": (6, 12, 32, 32)}),
    "densenet201": Variant(options={"depths": (6, 12, 48, 32)}),
}


def conv_unbiased(x: Any, channels: int, kernel: int, name: str) -> Any:
    """Unbiased convolution that keeps the size."""
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal", "name": name}
    return keras.layers.Conv2D(channels, kernel, **options)(x)


def dense_layer(x: Any, growth: int, name: str) -> Any:
    """Bottleneck and 3×3 convolution; what they find is stacked behind what there was."""
    new = conv_unbiased(bn_relu(x, f"{name}_1"), 4 * growth, 1, f"{name}_1_conv")
    new = conv_unbiased(bn_relu(new, f"{name}_2"), growth, 3, f"{name}_2_conv")
    return keras.layers.Concatenate(name=f"{name}_concat")([x, new])


@register_encoder(
    VARIANTS, paper=PAPER, top=average_top, input_size=(224, 224), tiny={"growth": 4, "depths": (1, 2, 1, 1)}
)
def densenet(image: Any, *, depths: tuple[int, ...], growth: int = 32, padding: str = "valid") -> Features:
    """7×7 convolution, 3×3 pooling, four dense blocks with transitions between them.

    Args:
        image: N×H×W×C, 0–255.
        depths: layers in each dense block.
        growth: channels that each layer adds; the stem has twice as many.
        padding: of the transitions' pooling: "valid" as published, "same" for features on the ⌈H/s⌉ grid.

    Returns:
        s2 (the first convolution); s4, s8, s16, each a transition's activation just before it shrinks; s32, the last
        activation.
    """
    x = keras.layers.ZeroPadding2D(3, name="stem_pad")(normalize(image, "imagenet"))
    x = keras.layers.Conv2D(2 * growth, 7, 2, use_bias=False, kernel_initializer="he_normal", name="stem")(x)
    x = bn_relu(x, "stem")
    features = Features(s2=x)
    x = keras.layers.ZeroPadding2D(1, name="pool_pad")(x)  # after a ReLU a zero never wins
    x = keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for block, depth in enumerate(depths, start=1):
        for layer in range(1, depth + 1):
            x = dense_layer(x, growth, f"block{block}_layer{layer}")
        x = bn_relu(x, f"block{block}")
        features[f"s{2 ** (block + 1)}"] = x
        if block < len(depths):
            x = conv_unbiased(x, x.shape[-1] // 2, 1, f"transition{block}")
            x = keras.layers.AveragePooling2D(2, padding=padding, name=f"transition{block}_pool")(x)
    return features
