"""SSD: boxes and classes from maps of several strides at once, each of which tells them from a few default boxes a place.

Liu, Anguelov, Erhan, Szegedy, Reed, Fu & Berg, "SSD: Single Shot MultiBox Detector", ECCV 2016.

Faithful: VGG16 whose fifth pooling keeps its size, fc6 and fc7 as convolutions (fc6 of 3×3, dilated by 6), four further pairs
of convolutions; conv4_3 normalised to length 20 at each place, with a learnt factor a channel; 8,732 default boxes at 300×300,
whose middles are the cells' (section 2.2); 26,285,486 parameters with VOC's 20 classes and the background. The loss with hard
negatives is `zoo.losses.box_anchors`.
Different: sizes other than 300 are answered from maps as large as they come; at most 200 boxes in the paper, the kind's own
limit here.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.anchors import anchor_heads, default_boxes
from zoo.models.blocks.conv import conv_relu
from zoo.models.blocks.dilation import center_window
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper("SSD: Single Shot MultiBox Detector", "Liu et al.", 2016, "https://arxiv.org/abs/1512.02325")
VARIANTS = {"ssd300": Variant()}
SCALES = tuple(side / 300 for side in (30, 60, 111, 162, 213, 264, 315))  # the authors', for VOC
RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
FC6_DILATION, LENGTH = 6, 20.0
EXTRAS = ((256, 512, 2), (128, 256, 2), (128, 256, 1), (128, 256, 1))  # channels of the 1×1 and the 3×3, stride of the latter


def extra(x: Any, channels: tuple[int, int], stride: int, name: str) -> Any:
    """1×1 and 3×3 convolution: to half the side, or unpadded at stride 1, which cuts two positions off."""
    x = conv_relu(x, channels[0], 1, f"{name}_1")
    padding = "valid"
    if stride > 1:
        x, stride, padding = center_window(x, 3, stride, f"{name}_2")
    return conv_relu(x, channels[1], 3, f"{name}_2", strides=stride, padding=padding)


def score(x: Any, channels: int, name: str) -> Any:
    """A head: one 3×3 convolution, the offsets' and the scores' side by side."""
    return keras.layers.Conv2D(channels, 3, padding="same", name=name)(x)


@register(
    VARIANTS, task="detection", paper=PAPER, input_size=(300, 300), fixed_size=True, min_size=260, tiny={"width": 0.0625}
)
def ssd(image: Any, classes: int, *, width: float = 1.0) -> Any:
    """VGG16 → fc6, fc7 → four extra pairs; heads on conv4_3, fc7 and each pair.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: without the background.
        width: multiplies the channels.

    Returns:
        N×P×(5 + classes), of each default box four offsets and the logits of the background and the classes.
    """
    features = encoder_features("vgg16", image, width=width, output_stride=16)
    maps = [layers.L2Scale(LENGTH, name="conv4_3_scale")(features.taps["s16"])]
    x = conv_relu(features.deepest, int(1024 * width), 3, "fc6", dilation_rate=FC6_DILATION)
    x = conv_relu(x, int(1024 * width), 1, "fc7")
    maps.append(x)
    for number, (narrow, wide, stride) in enumerate(EXTRAS, start=8):
        x = extra(x, (int(narrow * width), int(wide * width)), stride, f"conv{number}")
        maps.append(x)
    return anchor_heads(maps, default_boxes(SCALES, RATIOS), classes, score)
