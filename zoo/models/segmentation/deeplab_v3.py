"""DeepLabv3 and DeepLabv3+: context at several rates of dilation and from the whole image, and a decoder behind it.

Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017 (v3);
Chen, Zhu, Papandreou, Schroff & Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
2018 (v3+).

Faithful: atrous spatial pyramid pooling of a 1×1, three 3×3 convolutions at rates 6, 12, 18 (at output stride 16; they
scale with it) and the image's average, all of 256 channels; v3+ enlarges it to stride 4, puts it beside 48 channels of the
encoder's and convolves twice. `deeplab_v3` is torchvision's `deeplabv3_resnet50`: output stride 8, and a 3×3 convolution
before the scores that the paper does not have (`refine=False` leaves it out); 39,638,869 parameters.
`deeplab_v3_mobilenet_v3` is torchvision's as well, with its rates of 12, 24, 36 at output stride 16.
`deeplab_v3_mobilenet_v2` is the authors' light form (Sandler 2018, section 6.3): no dilated branch and no decoder, 2.11 M
parameters; `deeplab_v3plus_mobilenet_v2` has every 3×3 convolution parted into depthwise and pointwise.
Different: ResNets are zoo ones, without the paper's multi-grid in the last stage, as in torchvision; v3+ is published on
Xception and ResNet-101, here on ResNet-50.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import conv_bn, separable_bn
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.dilation import dilated_features
from zoo.paper import Paper
from zoo.registry import Variant, register

V3_PAPER = Paper(
    "Rethinking Atrous Convolution for Semantic Image Segmentation",
    "Chen, Papandreou, Schroff & Adam",
    2017,
    "https://arxiv.org/abs/1706.05587",
)
PLUS_PAPER = Paper(
    "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
    "Chen, Zhu, Papandreou, Schroff & Adam",
    2018,
    "https://arxiv.org/abs/1802.02611",
)
RATES = (6, 12, 18)  # at output stride 16
SMALL_RESNET = {"encoder_options": {"width": 0.125, "depths": (1, 2, 1, 1)}, "channels": 16}
SMALL_MOBILE = {"encoder_options": {"width": 0.1, "depth": 0.4}, "channels": 16}
MOBILE = {"mobile": True, "tiny": SMALL_MOBILE}
V3_VARIANTS = {
    "deeplab_v3": Variant(options={"encoder": "resnet50", "usual_stride": 8}),
    "deeplab_v3_mobilenet_v2": Variant(
        options={"encoder": "mobilenet_v2", "usual_stride": 16, "rates": (), "refine": False}, **MOBILE
    ),
    "deeplab_v3_mobilenet_v3": Variant(
        options={"encoder": "mobilenet_v3_large", "usual_stride": 16, "rates": (12, 24, 36)}, **MOBILE
    ),
}
PLUS_VARIANTS = {
    "deeplab_v3plus": Variant(options={"encoder": "resnet50", "usual_stride": 16}),
    "deeplab_v3plus_mobilenet_v2": Variant(
        options={"encoder": "mobilenet_v2", "usual_stride": 16, "parted": True}, **MOBILE
    ),
}


def pyramid(x: Any, stride: int, rates: Sequence[int], channels: int, parted: bool = False) -> Any:
    """Atrous spatial pyramid pooling: what is here, what lies around it at each rate, and what the whole image is like.

    Args:
        x: N×H×W×C at that stride.
        stride: of x; rates are for 16 and scale with 16 / stride.
        rates: dilation of each 3×3 convolution at stride 16.
        channels: of every branch and of the result.
        parted: depthwise and pointwise instead of whole 3×3 convolutions.
    """
    branches = [conv_bn(x, channels, 1, "aspp_1x1")]
    for rate in rates:
        dilation = max(1, rate * 16 // stride)
        if parted:
            branches.append(separable_bn(x, channels, f"aspp_rate{rate}", dilation=dilation))
        else:
            branches.append(conv_bn(x, channels, 3, f"aspp_rate{rate}", dilation=dilation))
    average = conv_bn(layers.AdaptiveAveragePooling2D(name="aspp_average")(x), channels, 1, "aspp_image")
    branches.append(layers.ResizeLike(name="aspp_spread")([average, x]))
    x = keras.layers.Concatenate(name="aspp_concat")(branches)
    x = conv_bn(x, channels, 1, "aspp_project")
    return keras.layers.Dropout(0.5, name="aspp_dropout")(x)


@register(V3_VARIANTS, task="segmentation", paper=V3_PAPER, input_size=(520, 520), tiny=SMALL_RESNET)
def deeplab_v3(
    image: Any,
    classes: int,
    *,
    encoder: str,
    usual_stride: int,
    encoder_options: Mapping[str, Any] | None = None,
    output_stride: int | None = None,
    rates: tuple[int, ...] = RATES,
    channels: int = 256,
    refine: bool = True,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Dilated encoder → pyramid → 3×3 convolution → scores → enlarged to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder.
        usual_stride: the output stride where none is given.
        encoder_options: options of that encoder.
        output_stride: 8, 16 or 32; None: the usual one where the encoder can dilate, else its own.
        rates: dilations at output stride 16; they scale with it. Empty for the light form.
        channels: of the pyramid.
        refine: whether a 3×3 convolution comes before the scores.
        auxiliary: strides of the features that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    features, stride = dilated_features(encoder, image, output_stride, usual_stride, encoder_options)
    x = pyramid(features.deepest, stride, rates, channels)
    if refine:
        x = conv_bn(x, channels, 3, "refine")
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)


@register(PLUS_VARIANTS, task="segmentation", paper=PLUS_PAPER, input_size=(513, 513), tiny=SMALL_RESNET)
def deeplab_v3plus(
    image: Any,
    classes: int,
    *,
    encoder: str,
    usual_stride: int,
    encoder_options: Mapping[str, Any] | None = None,
    output_stride: int | None = None,
    rates: tuple[int, ...] = RATES,
    channels: int = 256,
    skip_channels: int = 48,
    parted: bool = False,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Dilated encoder → pyramid → enlarged to stride 4, beside the skip → two 3×3 convolutions → scores → the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder with stride 4 and a deeper one.
        usual_stride: the output stride where none is given.
        encoder_options: options of that encoder.
        output_stride: 8, 16 or 32; None: the usual one where the encoder can dilate, else its own.
        rates: dilations at output stride 16; they scale with it.
        channels: of the pyramid and of the decoder.
        skip_channels: of the encoder's map of stride 4 once reduced.
        parted: depthwise and pointwise instead of whole 3×3 convolutions.
        auxiliary: strides of the features that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    features, stride = dilated_features(encoder, image, output_stride, usual_stride, encoder_options)
    x = pyramid(features.deepest, stride, rates, channels, parted)
    skip = conv_bn(features.at(4)[0], skip_channels, 1, "skip")
    x = layers.ResizeLike(name="enlarge")([x, skip])
    x = keras.layers.Concatenate(name="decode_concat")([x, skip])
    for number in (1, 2):
        name = f"decode{number}"
        x = separable_bn(x, channels, name) if parted else conv_bn(x, channels, 3, name)
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)
