"""SSDLite: SSD for phones, over any encoder, with every 3×3 convolution parted into depthwise and pointwise.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, section 6.2, after Liu et al., "SSD", 2016.

Faithful: heads on maps of stride 16 and 32 and on four more, each half the size; 3×3 depthwise and 1×1 convolutions; six
default boxes a place, of scales from 0.2 to 0.95 (torchvision's `ssdlite320`, TensorFlow's object detection: three at the
finest).
Different: the finest head sees the encoder's feature of stride 16, the paper's the wider map inside the block behind it, which
not every encoder has; a level's offsets and scores share one depthwise convolution; activations are ReLU6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.anchors import anchor_heads, default_boxes
from zoo.models.blocks.conv import depthwise_bn
from zoo.models.blocks.mobile import conv_relu6, depthwise_relu6, relu6
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "MobileNetV2: Inverted Residuals and Linear Bottlenecks", "Sandler et al.", 2018, "https://arxiv.org/abs/1801.04381"
)
VARIANTS = {"ssdlite": Variant(options={"encoder": "mobilenet_v2"}, mobile=True)}
SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
RATIOS = ((2, 3),) * 6


def extra(x: Any, channels: int, name: str) -> Any:
    """To half the side: 1×1 to half the channels, 3×3 depthwise of stride 2, 1×1."""
    x = conv_relu6(x, channels // 2, 1, f"{name}_narrow")
    x = relu6(depthwise_bn(x, f"{name}_depthwise", stride=2, relu=False), f"{name}_depthwise")
    return conv_relu6(x, channels, 1, name)


def score(x: Any, channels: int, name: str) -> Any:
    """A head: 3×3 depthwise and 1×1 convolution."""
    x = depthwise_relu6(x, f"{name}_depthwise")
    return keras.layers.Conv2D(channels, 1, name=name)(x)


@register(
    VARIANTS,
    task="detection",
    paper=PAPER,
    input_size=(320, 320),
    fixed_size=True,
    tiny={"encoder_options": {"width": 0.2, "depth": 0.3}, "channels": (16, 8, 8, 8)},
)
def ssdlite(
    image: Any,
    classes: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    channels: tuple[int, int, int, int] = (512, 256, 256, 128),
) -> Any:
    """Encoder → four extra maps; heads on strides 16 and 32 and on each.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: without the background.
        encoder: any encoder with strides 16 and 32.
        encoder_options: options of that encoder.
        channels: of the extra maps.

    Returns:
        N×P×(5 + classes), of each default box four offsets and the logits of the background and the classes.
    """
    maps = encoder_features(encoder, image, **(encoder_options or {})).at(16, 32)
    for number, wide in enumerate(channels, start=1):
        maps.append(extra(maps[-1], wide, f"extra{number}"))
    return anchor_heads(maps, default_boxes(SCALES, RATIOS), classes, score)
