"""DeepLab and DeepLabv2: dilation keeps a classifier's maps at stride 8, and a wide view on them decides.

Chen, Papandreou, Kokkinos, Murphy & Yuille, "Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected
CRFs", 2014 (v1); "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully
Connected CRFs", 2016 (v2).

Faithful: `deeplab_v1` is the release's DeepLab-LargeFOV on VGG16: poolings with windows of 3, the last two without stride,
conv5 dilated by 2, then 3×3 averages, fc6 as a 3×3 convolution of 1,024 channels dilated by 12 and fc7 of 1,024; 20,505,429
parameters. `deeplab_v2` has four such branches at rates 6, 12, 18, 24 (ASPP-L), whose scores are summed;
`deeplab_v2_resnet101` four dilated 3×3 convolutions straight to the scores.
Different: rates are for output stride 8 and scale with it. ResNet-101 halves in its 3×3 convolutions, and sees one scale
instead of three. The CRF that both papers end with is `zoo.with_crf(model)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.dilation import dilated_features
from zoo.paper import Paper
from zoo.registry import Variant, register

AUTHORS = "Chen, Papandreou, Kokkinos, Murphy & Yuille"
V1_PAPER = Paper(
    "Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs",
    AUTHORS,
    2014,
    "https://arxiv.org/abs/1412.7062",
)
V2_PAPER = Paper(
    "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected CRFs",
    AUTHORS,
    2016,
    "https://arxiv.org/abs/1606.00915",
)
USUAL_STRIDE = 8
VARIANTS = {
    "deeplab_v1": Variant(
        options={"encoder": "vgg16", "rates": (12,), "hidden": 1024, "average": True}, paper=V1_PAPER
    ),
    "deeplab_v2": Variant(options={"encoder": "vgg16", "rates": (6, 12, 18, 24), "hidden": 1024}),
    "deeplab_v2_resnet101": Variant(
        options={"encoder": "resnet101", "rates": (6, 12, 18, 24), "hidden": 0},
        tiny={"encoder_options": {"width": 0.125, "depths": (1, 2, 1, 1)}},
    ),
}


@register(
    VARIANTS,
    task="segmentation",
    paper=V2_PAPER,
    input_size=(513, 513),
    tiny={"encoder_options": {"width": 0.125}, "hidden": 32},
)
def deeplab(
    image: Any,
    classes: int,
    *,
    encoder: str,
    rates: tuple[int, ...],
    hidden: int,
    average: bool = False,
    encoder_options: Mapping[str, Any] | None = None,
    output_stride: int | None = None,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Dilated encoder → a branch for each rate → the sum of their scores → enlarged to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder.
        rates: dilation of each branch's 3×3 convolution at output stride 8; they scale with it.
        hidden: channels of fc6 and fc7; 0 for branches that are one convolution.
        average: whether 3×3 averages come first, as in v1.
        encoder_options: options of that encoder.
        output_stride: 8, 16 or 32; None: 8 where the encoder can dilate, else its own.
        auxiliary: strides of the features that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    features, stride = dilated_features(encoder, image, output_stride, USUAL_STRIDE, encoder_options, window=3)
    x = features.deepest
    if average:
        x = keras.layers.AveragePooling2D(3, 1, padding="same", name="average")(x)
    scores = [branch(x, classes, hidden, max(1, rate * 8 // stride), f"rate{rate}") for rate in rates]
    x = keras.layers.Add(name="sum")(scores) if len(scores) > 1 else scores[0]
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)


def branch(x: Any, classes: int, hidden: int, dilation: int, name: str) -> Any:
    """fc6, fc7 and the scores at one rate; without hidden layers, the scores by themselves."""
    window = {"padding": "same", "dilation_rate": dilation}
    if not hidden:
        return keras.layers.Conv2D(classes, 3, name=f"{name}_score", **window)(x)
    x = keras.layers.Conv2D(hidden, 3, activation="relu", name=f"{name}_fc6", **window)(x)
    x = keras.layers.Dropout(0.5, name=f"{name}_dropout6")(x)
    x = keras.layers.Conv2D(hidden, 1, activation="relu", name=f"{name}_fc7")(x)
    x = keras.layers.Dropout(0.5, name=f"{name}_dropout7")(x)
    return keras.layers.Conv2D(classes, 1, name=f"{name}_score")(x)
