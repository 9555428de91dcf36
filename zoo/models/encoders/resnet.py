"""ResNet: layers that learn what to add to their input, so that depth helps instead of hurting. And the plain nets beside it.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", 2015, table 1.

Faithful: blocks, channels, projection where the shape changes (option B), He's initialisation. `resnet50_keras` and its
deeper variants halve in a block's first 1×1 convolution, as the paper does, and their convolutions have biases: the graph of
keras.applications, whose weights fit (25,583,592 trainable parameters). `plain18` and `plain34` are the networks of the
paper's figure 3, middle: `resnet18` and `resnet34` without a single shortcut. `seresnet50` is the Caffe release of
squeeze-and-excitation (28,088,024 parameters); `resnet50_deformable` has the deformable 3×3 convolutions of Dai 2017 in its
last three blocks, with shifts that start at zero and one learning rate for all; any ResNet takes both as options.
Different: `resnet50`, `101`, `152` halve in the 3×3 convolution, as torchvision does and everybody since (25,557,032
parameters, 0.5 % better); `output_stride` 8 or 16 swaps the last strides for dilation, as DeepLab does; batch
normalisation's epsilon is Keras's, 1.001e-5, everywhere.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import average_top
from zoo.models.blocks.dilation import Strides, center_window
from zoo.models.blocks.normalization import normalize
from zoo.models.blocks.squeeze_excite import excited
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Deep Residual Learning for Image Recognition",
    "He, Zhang, Ren & Sun",
    2015,
    "https://arxiv.org/abs/1512.03385",
)
SE_PAPER = Paper("Squeeze-and-Excitation Networks", "Hu, Shen & Sun", 2017, "https://arxiv.org/abs/1709.01507")
DEFORMABLE_PAPER = Paper("Deformable Convolutional Networks", "Dai et al.", 2017, "https://arxiv.org/abs/1703.06211")
TORCH = {"block": "bottleneck_3x3"}
KERAS = {"block": "bottleneck_1x1", "biased": True, "statistics": "imagenet_mean"}
PLAIN = {"block": "two_3x3", "shortcut": None}
SE = {"block": "bottleneck_1x1", "statistics": "imagenet_mean", "squeeze_excite": 16}
VARIANTS = {  # depths: blocks in each of the four stages
    "resnet18": Variant(options={"depths": (2, 2, 2, 2), "block": "two_3x3"}, mobile=True),
    "resnet34": Variant(options={"depths": (3, 4, 6, 3), "block": "two_3x3"}, mobile=True),
    "resnet50": Variant(options={"depths": (3, 4, 6, 3), **TORCH}),
    "resnet101": Variant(options={"depths": (3, 4, 23, 3), **TORCH}),
    "resnet152": Variant(options={"depths": (3, 8, 36, 3), **TORCH}),
    "resnet50_keras": Variant(options={"depths": (3, 4, 6, 3), **KERAS}),
    "resnet101_keras": Variant(options={"depths": (3, 4, 23, 3), **KERAS}),
    "resnet152_keras": Variant(options={"depths": (3, 8, 36, 3), **KERAS}),
    "seresnet50": Variant(options={"depths": (3, 4, 6, 3), **SE}, paper=SE_PAPER),
    "resnet50_deformable": Variant(options={"depths": (3, 4, 6, 3), **TORCH, "deformable": 3}, paper=DEFORMABLE_PAPER),
    "plain18": Variant(options={"depths": (2, 2, 2, 2), **PLAIN}, mobile=True),
    "plain34": Variant(options={"depths": (3, 4, 6, 3), **PLAIN}, mobile=True),
}
TINY = {"width": 0.125, "depths": (1, 2, 1, 1)}


def conv_bn_centered(
    x: Any,
    channels: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    dilation: int = 1,
    biased: bool = False,
    relu: bool = True,
    deformable: bool = False,
) -> Any:
    """Convolution, batch normalisation and, if wanted, ReLU; ⌈H/stride⌉ positions, padded alike on all sides."""
    x, stride, padding = center_window(x, kernel, stride, name)
    window = {"kernel_size": kernel, "strides": stride, "padding": padding, "dilation_rate": dilation}
    options = {**window, "use_bias": biased, "kernel_initializer": "he_normal", "name": name}
    if deformable:
        still = {**window, "kernel_initializer": "zeros", "name": f"{name}_shifts"}
        shifts = keras.layers.Conv2D(2 * kernel * kernel, **still)(x)
        x = layers.DeformableConv2D(channels, **options)([x, shifts])
    else:
        x = keras.layers.Conv2D(channels, **options)(x)
    x = keras.layers.BatchNormalization(epsilon=1.001e-5, momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def two_3x3(channels: int, stride: int, before: int, after: int) -> list[tuple[int, int, int, int]]:
    """Figure 5, left. One row a convolution: channels, kernel, stride, dilation.

    Args:
        channels: of the block.
        stride: of the block.
        before, after: dilation of what lies above the block's stride and below it.
    """
    return [(channels, 3, stride, before), (channels, 3, 1, after)]


def bottleneck_1x1(channels: int, stride: int, before: int, after: int) -> list[tuple[int, int, int, int]]:
    """Figure 5, right: the first 1×1 convolution has the stride. Arguments and rows as `two_3x3`."""
    return [(channels, 1, stride, 1), (channels, 3, 1, after), (4 * channels, 1, 1, 1)]


def bottleneck_3x3(channels: int, stride: int, before: int, after: int) -> list[tuple[int, int, int, int]]:
    """torchvision's: the 3×3 convolution has the stride. Arguments and rows as `two_3x3`."""
    return [(channels, 1, 1, 1), (channels, 3, stride, before), (4 * channels, 1, 1, 1)]


BLOCKS = {"two_3x3": two_3x3, "bottleneck_1x1": bottleneck_1x1, "bottleneck_3x3": bottleneck_3x3}


def residual(
    x: Any,
    channels: int,
    name: str,
    strides: Strides,
    *,
    halve: bool,
    block: str,
    shortcut: str | None,
    biased: bool = False,
    squeeze_excite: int = 0,
    deformable: bool = False,
) -> Any:
    """One block: its convolutions, squeeze-and-excitation where wanted, their sum with the shortcut, ReLU.

    Args:
        x: N×H×W×C.
        channels: of the block's 3×3 convolutions.
        halve: this block halves the map, or dilates where `strides` says that it is small enough.
        block: a key of `BLOCKS`.
        shortcut: "projection" (option B of the paper), "padding" (option A), or None for a plain network.
        biased: whether convolutions have biases.
        squeeze_excite: the reduction, see `excited`.
        deformable: whether the 3×3 convolutions are deformable.
    """
    before = strides.dilation
    stride = strides.halve() if halve else 1
    rows = BLOCKS[block](channels, stride, before, strides.dilation)
    bypass = None if shortcut is None else SHORTCUTS[shortcut](x, rows[-1][0], stride, name, biased)
    for number, (width, kernel, step, dilation) in enumerate(rows, start=1):
        last = number == len(rows)
        options = {"stride": step, "dilation": dilation, "biased": biased, "relu": not last}
        moving = deformable and kernel > 1
        x = conv_bn_centered(x, width, kernel, f"{name}_conv{number}", **options, deformable=moving)
    x = excited(x, squeeze_excite, name)
    if bypass is not None:
        x = keras.layers.Add(name=f"{name}_add")([bypass, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def projection(x: Any, channels: int, stride: int, name: str, biased: bool) -> Any:
    """Option B: the input itself, or where the shape changes a 1×1 convolution of it."""
    if stride == 1 and x.shape[-1] == channels:
        return x
    return conv_bn_centered(x, channels, 1, f"{name}_shortcut", stride=stride, biased=biased, relu=False)


def zero_padding(x: Any, channels: int, stride: int, name: str, biased: bool) -> Any:
    """Option A: the input itself, every second position of it where the block halves, with zeros as the new channels."""
    if stride > 1:
        x = keras.layers.MaxPooling2D(1, stride, name=f"{name}_shortcut_pick")(x)
    missing = channels - x.shape[-1]
    if missing == 0:
        return x
    # Read as channels first, the last two axes of N×H×W×C are the ones that this layer pads: W by nothing, C at its end.
    pad = keras.layers.ZeroPadding2D(((0, 0), (0, missing)), data_format="channels_first", name=f"{name}_shortcut_pad")
    return pad(x)


SHORTCUTS = {"projection": projection, "padding": zero_padding}


@register_encoder(VARIANTS, paper=PAPER, top=average_top, input_size=(224, 224), tiny=TINY)
def resnet(
    image: Any,
    *,
    depths: tuple[int, ...],
    block: str,
    shortcut: str | None = "projection",
    biased: bool = False,
    statistics: str = "imagenet",
    squeeze_excite: int = 0,
    deformable: int = 0,
    width: float = 1.0,
    output_stride: int = 32,
) -> Features:
    """7×7 convolution, 3×3 pooling, four stages of blocks.

    Args:
        image: N×H×W×C, 0–255.
        depths: blocks in each stage.
        block: "two_3x3", "bottleneck_1x1" or "bottleneck_3x3".
        shortcut: "projection", "padding" or None, see `residual`.
        biased: whether convolutions have biases.
        statistics: of the images that it was trained on, see `normalised`.
        squeeze_excite: reduction of a squeeze-and-excitation at the end of every block; 0 for none.
        deformable: how many blocks, counted from the last, have deformable 3×3 convolutions.
        width: multiplies the channels.
        output_stride: 8, 16 or 32; beyond it strides become dilation.

    Returns:
        s2 (the first convolution), then the last block of each stage: s4, s8, s16, s32. With dilation the deepest has the
        place of those of its stride.
    """
    channels = int(64 * width)
    x = normalize(image, statistics)
    x = conv_bn_centered(x, channels, 7, "stem", stride=2, biased=biased)
    features = Features(s2=x)
    x = keras.layers.ZeroPadding2D(1, name="pool_pad")(x)  # after a ReLU a zero never wins
    x = keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    strides, remaining = Strides(4, output_stride), sum(depths)
    for stage, depth in enumerate(depths, start=1):
        for index in range(1, depth + 1):
            x = residual(
                x,
                channels,
                f"stage{stage}_block{index}",
                strides,
                halve=stage > 1 and index == 1,
                block=block,
                shortcut=shortcut,
                biased=biased,
                squeeze_excite=squeeze_excite,
                deformable=remaining <= deformable,
            )
            remaining -= 1
        features[f"s{strides.stride}"] = x
        channels *= 2
    return features
