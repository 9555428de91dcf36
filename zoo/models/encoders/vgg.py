"""VGG: stacks of 3×3 convolutions, five halvings, three fully connected layers.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. Configurations D (16) and
E (19).

Faithful: layers, channels, ReLU, 138,357,544 / 143,667,240 parameters at 1,000 classes; the mean of ImageNet is subtracted
inside, from RGB. `statistics="imagenet"` also divides by the spread, and `batchnorm=True` normalises: with these the graph is
torchvision's `vgg16`, `vgg16_bn` and so on.
Different: pooling rounds sizes up, as the authors' Caffe release does and Keras and torchvision do not; at multiples of 32
there is no difference, at others features keep to the ⌈H/s⌉ grid that decoders rely on.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import fully_connected_top
from zoo.models.blocks.conv import vgg_conv
from zoo.models.blocks.dilation import Strides
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    "Simonyan & Zisserman",
    2014,
    "https://arxiv.org/abs/1409.1556",
)

FC = ((7, 4096), (1, 4096))  # kernel and units of the hidden layers
VARIANTS = {  # convolutions in each of the five stages
    "vgg16": Variant(options={"depths": (2, 2, 3, 3, 3), "fc": FC}),
    "vgg19": Variant(options={"depths": (2, 2, 4, 4, 4), "fc": FC}),
}
CHANNELS = (64, 128, 256, 512, 512)


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=fully_connected_top,
    input_size=(224, 224),
    fixed_size=True,
    tiny={"width": 0.125, "fc": ((7, 32), (1, 32))},
)
def vgg(
    image: Any,
    *,
    depths: tuple[int, ...],
    width: float = 1.0,
    margin: int = 0,
    batchnorm: bool = False,
    output_stride: int = 32,
    window: int = 2,
    statistics: str = "imagenet_mean",
) -> Features:
    """Five stages of 3×3 convolutions, each ended by max pooling.

    Args:
        image: N×H×W×C, 0–255.
        depths: convolutions per stage.
        width: multiplies the channels.
        margin: zeros around the normalised image; 100 in the released FCN models, which see no image smaller than a
            fully connected layer's window that way.
        batchnorm: normalise after each convolution, which the paper predates; SegNet and DeconvNet do.
        output_stride: 8, 16 or 32; beyond it strides become dilation, and poolings get a window of 3, which at stride 1
            stays where it is; one of 2 would move the map.
        window: side of the other poolings' windows; DeepLab's are 3.
        statistics: of the images that it was trained on, see `normalize`.

    Returns:
        s2 … s32, each the output of a stage's pooling; what a 2×2 pooling saw is among the `taps` under the same
        name.
    """
    x = normalize(image, statistics)
    if margin:
        x = keras.layers.ZeroPadding2D(margin, name="margin")(x)
    features, strides = Features(), Strides(1, output_stride)
    for stage, (depth, channels) in enumerate(zip(depths, CHANNELS, strict=True), start=1):
        for conv in range(1, depth + 1):
            x = vgg_conv(x, int(channels * width), f"conv{stage}_{conv}", batchnorm=batchnorm, dilation=strides.dilation)
        stride, full = strides.halve(), x
        x = keras.layers.MaxPooling2D(window if stride == 2 else 3, stride, padding="same", name=f"pool{stage}")(x)
        if stride == window == 2:  # windows that do not overlap: unpooling can answer them
            features.taps[f"s{strides.stride}"] = full
        features[f"s{strides.stride}"] = x
    return features
