"""FCN on a dilated encoder: one 3×3 convolution and the scores, without skips.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015, in the form that torchvision and
most comparisons since mean by "FCN with ResNet-50": strides 16 and 32 swapped for dilation (Chen 2014), a head of a
quarter of the encoder's channels, bilinear interpolation. Its own file, because it shares neither head nor way up with the
paper's network, which is `fcn32s`, `fcn16s` and `fcn8s` on any encoder.

Faithful: `fcn_resnet50` and `fcn_resnet101` are torchvision's without the auxiliary head: 32,957,013 and 51,949,141
parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import conv_bn
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.dilation import dilated_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Fully Convolutional Networks for Semantic Segmentation",
    "Long, Shelhamer & Darrell",
    2015,
    "https://arxiv.org/abs/1411.4038",
)
VARIANTS = {
    "fcn_resnet50": Variant(options={"encoder": "resnet50"}),
    "fcn_resnet101": Variant(options={"encoder": "resnet101"}),
}
USUAL_STRIDE = 8


@register(
    VARIANTS,
    task="segmentation",
    paper=PAPER,
    input_size=(520, 520),
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 2, 1, 1)}},
)
def fcn_dilated(
    image: Any,
    classes: int,
    *,
    encoder: str,
    encoder_options: Mapping[str, Any] | None = None,
    output_stride: int | None = None,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Dilated encoder → 3×3 convolution to a quarter of its channels → scores → enlarged to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder.
        encoder_options: options of that encoder.
        output_stride: 8, 16 or 32; None: 8 where the encoder can dilate, else its own.
        auxiliary: strides of the features that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    features, _ = dilated_features(encoder, image, output_stride, USUAL_STRIDE, encoder_options)
    x = features.deepest
    x = conv_bn(x, max(1, x.shape[-1] // 4), 3, "head")
    x = keras.layers.Dropout(0.1, name="dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)
