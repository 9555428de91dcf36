"""FC-DenseNet, the Tiramisu: dense blocks down and up, where only what a block found is carried up.

Jégou, Drozdzal, Vázquez, Romero & Bengio, "The One Hundred Layers Tiramisu: Fully Convolutional DenseNets for Semantic
Segmentation", 2016, tables 1 and 2.

Faithful: layers of batch normalisation, ReLU, 3×3 convolution and dropout of 0.2; transitions down of a 1×1 convolution and
2×2 max pooling; transitions up of a 3×3 transposed convolution of stride 2 over the maps that the block before has added, not
over its input; skips stacked behind them; biases, as in the release; 1,376,795 / 3,463,243 / 9,322,091 trainable
parameters at 11 classes.
Different: the image is normalised by ImageNet's statistics. Pooling rounds odd sizes down, as in the release, and the
transposed convolution gives a row and column more than twice its size, so whatever was there comes back to the pixel.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.normalization import normalize
from zoo.outputs.class_names import CAMVID
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "The One Hundred Layers Tiramisu: Fully Convolutional DenseNets for Semantic Segmentation",
    "Jégou, Drozdzal, Vázquez, Romero & Bengio",
    2016,
    "https://arxiv.org/abs/1611.09326",
)
VARIANTS = {  # depths: layers in each dense block on the way down, the last of them the bottleneck; up again the same
    "fcdensenet56": Variant(options={"depths": (4, 4, 4, 4, 4, 4), "growth": 12}),
    "fcdensenet67": Variant(options={"depths": (5, 5, 5, 5, 5, 5), "growth": 16}),
    "fcdensenet103": Variant(options={"depths": (4, 5, 7, 10, 12, 15), "growth": 16}),
}
START = {"padding": "same", "kernel_initializer": "he_uniform"}


@register(
    VARIANTS,
    task="segmentation",
    paper=PAPER,
    input_size=(360, 480),
    classes=CAMVID,
    tiny={"depths": (1, 2, 1, 1, 1, 2), "growth": 4, "stem": 8},
)
def fcdensenet(
    image: Any, classes: int, *, depths: tuple[int, ...], growth: int, stem: int = 48, dropout: float = 0.2
) -> Any:
    """Convolution → dense blocks with transitions down → bottleneck → transitions up with dense blocks → scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        depths: layers in each dense block, from shallow to the bottleneck; the way up mirrors the way down.
        growth: channels that each layer adds.
        stem: channels of the first convolution.
        dropout: share of maps' values dropped after each convolution, in training.

    Returns:
        N×H×W×classes logits.
    """
    stack = keras.layers.Conv2D(stem, 3, name="stem", **START)(normalize(image, "imagenet"))
    skips = []
    for scale, depth in enumerate(depths[:-1], start=1):
        stack, _ = dense_block(stack, depth, growth, dropout, f"down{scale}")
        skips.append(stack)
        stack = dense_layer(stack, stack.shape[-1], 1, dropout, f"down{scale}_transition")
        stack = keras.layers.MaxPooling2D(2, name=f"down{scale}_pool")(stack)
    stack, new = dense_block(stack, depths[-1], growth, dropout, "bottleneck")

    for scale in range(len(depths) - 1, 0, -1):
        skip, name = skips[scale - 1], f"up{scale}"
        x = keras.layers.Concatenate(name=f"{name}_found")(new) if len(new) > 1 else new[0]
        x = keras.layers.Conv2DTranspose(
            x.shape[-1], 3, 2, kernel_initializer="he_uniform", name=f"{name}_transition"
        )(x)
        x = layers.CropLike(name=f"{name}_crop")([x, skip])
        stack = keras.layers.Concatenate(name=f"{name}_skip")([x, skip])
        stack, new = dense_block(stack, depths[scale - 1], growth, dropout, name)
    return keras.layers.Conv2D(classes, 1, kernel_initializer="he_uniform", name="score")(stack)


def dense_block(stack: Any, depth: int, growth: int, dropout: float, name: str) -> tuple[Any, list[Any]]:
    """Layers that see all maps before them: the stack with what they found on top, and that by itself."""
    new = []
    for number in range(1, depth + 1):
        new.append(dense_layer(stack, growth, 3, dropout, f"{name}_layer{number}"))
        stack = keras.layers.Concatenate(name=f"{name}_stack{number}")([stack, new[-1]])
    return stack, new


def dense_layer(x: Any, channels: int, kernel: int, dropout: float, name: str) -> Any:
    """Batch normalisation, ReLU, convolution, dropout."""
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = keras.layers.Conv2D(channels, kernel, name=f"{name}_conv", **START)(x)
    return keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
