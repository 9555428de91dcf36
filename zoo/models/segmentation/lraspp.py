"""LR-ASPP: two convolutions, one gate and one skip on a mobile encoder, and nothing else.

Howard et al., "Searching for MobileNetV3", 2019, section 6.4 and figure 10.

Faithful: 128 channels beside a gate from the image's average, scores from strides 8 and 16 summed; torchvision's
`lraspp_mobilenet_v3_large` with 3,221,538 trainable parameters.
Different: the average is over the whole image, as in torchvision; the paper's 49×49 windows at strides of 16 and 20 see
almost as much of its 1024×2048 images. Scores are taken before the deep map is enlarged, not after: a 1×1 convolution and
an interpolation can change places without changing the answer, and so the enlarged map has as many channels as there are
classes instead of 128. The skip is the last block of stride 8; with `early=True` the first, as torchvision's weights need.
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

PAPER = Paper("Searching for MobileNetV3", "Howard et al.", 2019, "https://arxiv.org/abs/1905.02244")
VARIANTS = {"lraspp": Variant(options={"encoder": "mobilenet_v3_large"})}
USUAL_STRIDE = 16


@register(
    VARIANTS,
    task="segmentation",
    paper=PAPER,
    input_size=(520, 520),
    mobile=True,
    tiny={"encoder_options": {"width": 0.1, "depth": 0.4}, "channels": 16},
)
def lraspp(
    image: Any,
    classes: int,
    *,
    encoder: str = "mobilenet_v3_large",
    encoder_options: Mapping[str, Any] | None = None,
    output_stride: int | None = None,
    channels: int = 128,
    early: bool = False,
    auxiliary: tuple[int, ...] = (),
) -> Any:
    """Encoder → gated 1×1 convolution → scores, enlarged and added to those of stride 8 → enlarged to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder with stride 8 and a deeper one.
        encoder_options: options of that encoder.
        output_stride: 16 or 32, of the encoder's deepest map; None: 16 where the encoder can dilate, else its own.
        channels: of the deep branch.
        early: take the skip from the first block behind the halving, where the encoder offers it.
        auxiliary: strides of the features that get an auxiliary head for training.

    Returns:
        N×H×W×classes logits.
    """
    features, _ = dilated_features(encoder, image, output_stride, USUAL_STRIDE, encoder_options)
    shallow, deep = (features.first(8) if early else features.at(8)[0]), features.deepest

    gate = layers.AdaptiveAveragePooling2D(name="gate_average")(deep)
    gate = keras.layers.Conv2D(channels, 1, use_bias=False, name="gate")(gate)
    gate = keras.layers.Activation("sigmoid", name="gate_sigmoid")(gate)
    x = conv_bn(deep, channels, 1, "project")
    x = keras.layers.Multiply(name="gated")([x, gate])
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    x = layers.ResizeLike(name="enlarge")([x, shallow])
    x = keras.layers.Add(name="fuse")([x, keras.layers.Conv2D(classes, 1, name="score_s8")(shallow)])
    logits = layers.ResizeLike(name="upsample")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)
