"""Fast-SCNN: two branches that share their first three layers.

Poudel, Liwicki & Cipolla, "Fast-SCNN: Fast Semantic Segmentation Network", 2019, tables 1 to 3.

Faithful: learning to downsample, nine inverted residuals, pyramid pooling over 1, 2, 3 and 6 bins, feature fusion by
addition, two separable convolutions before the scores; no activation between the depthwise and the pointwise half of a
separable convolution outside the residuals. Every convolution but the last is normalised instead of biased: 1,137,795
trainable parameters with 19 classes (the paper rounds its own to 1.11 M).
Different: the deep branch is enlarged to the shallow one's size, which is the paper's factor of 4 at multiples of 32.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import conv_bn, depthwise_bn, separable_bn
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.encoders import Features
from zoo.outputs.class_names import CITYSCAPES
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Fast-SCNN: Fast Semantic Segmentation Network",
    "Poudel, Liwicki & Cipolla",
    2019,
    "https://arxiv.org/abs/1902.04502",
)
VARIANTS = {"fast_scnn": Variant()}
BOTTLENECKS = ((64, 2), (96, 2), (128, 1))  # channels, stride
EXPANSION = 6
BINS = (1, 2, 3, 6)
FUSION_DILATION = 4


def inverted_residual(x: Any, channels: int, stride: int, name: str) -> Any:
    """Table 2: 1×1 expansion, 3×3 depthwise, linear 1×1 projection, and a shortcut where the shape stays."""
    shortcut = x
    x = conv_bn(x, EXPANSION * x.shape[-1], 1, f"{name}_expand")
    x = depthwise_bn(x, f"{name}_depthwise", stride=stride)
    x = conv_bn(x, channels, 1, f"{name}_project", relu=False)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def pyramid_pooling(x: Any) -> Any:
    """Averages over four grids, each convolved and enlarged again, beside the map itself; a 1×1 convolution joins them."""
    channels = x.shape[-1]
    levels = [x]
    for bins in BINS:
        name = f"pyramid_{bins}"
        level = layers.AdaptiveAveragePooling2D(bins, name=f"{name}_average")(x)
        level = conv_bn(level, max(1, channels // len(BINS)), 1, name)
        levels.append(layers.ResizeLike(name=f"{name}_enlarge")([level, x]))
    x = keras.layers.Concatenate(name="pyramid_concat")(levels)
    return conv_bn(x, channels, 1, "pyramid_join")


def feature_fusion(shallow: Any, deep: Any, channels: int) -> Any:
    """Table 3: the deep branch is enlarged and smoothed, and added to the shallow one."""
    deep = layers.ResizeLike(name="fusion_enlarge")([deep, shallow])
    deep = depthwise_bn(deep, "fusion_depthwise", dilation=FUSION_DILATION)
    deep = conv_bn(deep, channels, 1, "fusion_deep", relu=False)
    shallow = conv_bn(shallow, channels, 1, "fusion_shallow", relu=False)
    return keras.layers.ReLU(name="fusion_relu")(keras.layers.Add(name="fusion_add")([shallow, deep]))


@register(
    VARIANTS,
    task="segmentation",
    paper=PAPER,
    input_size=(1024, 2048),
    classes=CITYSCAPES,
    mobile=True,
    tiny={"width": 0.25, "repeats": 2},
)
def fast_scnn(
    image: Any, classes: int, *, width: float = 1.0, repeats: int = 3, auxiliary: tuple[int, ...] = ()
) -> Any:
    """Learning to downsample → global features → fusion → classifier → enlarged to the image. Table 1.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        width: multiplies the channels.
        repeats: of each bottleneck.
        auxiliary: (8,) for an auxiliary head on the shallow branch, for training.

    Returns:
        N×H×W×classes logits.
    """

    def scaled(channels: int) -> int:
        return max(1, int(channels * width))

    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    x = conv_bn(x, scaled(32), 3, "downsample1", stride=2)
    x = separable_bn(x, scaled(48), "downsample2", stride=2, relu_between=False)
    shallow = x = separable_bn(x, scaled(64), "downsample3", stride=2, relu_between=False)

    number = 0
    for channels, stride in BOTTLENECKS:
        for repeat in range(repeats):
            number += 1
            x = inverted_residual(x, scaled(channels), stride if repeat == 0 else 1, f"bottleneck{number}")
    x = pyramid_pooling(x)

    x = feature_fusion(shallow, x, scaled(128))
    for number in (1, 2):
        x = separable_bn(x, scaled(128), f"classify{number}", relu_between=False)
    x = keras.layers.Dropout(0.1, name="dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, Features(s8=shallow), auxiliary)
