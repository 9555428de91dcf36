"""U-Net Lite: a classifier's features summed on the way up, cheap enough for every frame of a phone's camera.

No paper of its own. U-Net (Ronneberger et al., 2015) gives the shape, an encoder and every scale handed across; FPN (Lin et
al., "Feature Pyramid Networks for Object Detection", 2017) the 1×1 convolution on each skip and the sum instead of the
concatenation; MobileNet (Howard et al., 2017) the depthwise separable convolutions.

Made for int8 and the phone's GPU: a sum has one scale where a concatenation forces two differing ones together, what is
enlarged is narrow and ends in ReLU6 (a known range), and the answer comes from stride `finest`, so that the full
resolution holds nothing but the scores. `shrink` lets the network look at a smaller image inside the graph: an encoder's
first layers cost most, and a mask at half of that resolution still follows an outline closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.mobile import conv_relu6, enlarge_onto, project, separable_relu6
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features
from zoo.models.segmentation.unet import PAPER as UNET
from zoo.paper import Paper
from zoo.registry import Variant, register

FPN = Paper("Feature Pyramid Networks for Object Detection", "Lin et al.", 2017, "https://arxiv.org/abs/1612.03144")
MOBILENET = Paper(
    "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    "Howard et al.",
    2017,
    "https://arxiv.org/abs/1704.04861",
)
VARIANTS = {
    "unet_lite": Variant(options={"encoder": "mobilenet_v2"}),
}


@register(
    VARIANTS,
    task="segmentation",
    paper=None,
    inspired_by=(UNET, FPN, MOBILENET),
    input_size=(256, 256),
    mobile=True,
    tiny={"encoder_options": {"width": 0.1, "depth": 0.3}, "decoder_channels": (16, 8, 8, 8)},
)
def unet_lite(
    image: Any,
    classes: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    decoder_channels: tuple[int, ...] = (96, 64, 48, 32),
    finest: int = 2,
    shrink: float = 1.0,
) -> Any:
    """Shrink → encoder → for each scale upwards: enlarge, add the skip, convolve → scores → enlarge to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: any encoder with the strides from `finest` down.
        encoder_options: options of that encoder.
        decoder_channels: of the way up, deep to shallow; the last entry serves all scales beyond.
        finest: stride of the map that the scores are computed on.
        shrink: side of the image that the encoder sees, as a share of the input's.

    Returns:
        N×H×W×classes logits.
    """
    if not 0 < shrink <= 1:
        raise InputError(f"shrink={shrink}: give the share of the image's sides that the encoder shall see, above 0 up to 1")
    picture = layers.Downscale(shrink, name="shrink")(image) if shrink < 1 else image
    # The wide last convolution of MobileNets serves a classifier's top; a decoder would only make it narrow again.
    narrow = {"last": False} if "last" in encoder_entry(encoder).option_names else {}
    features = encoder_features(encoder, picture, **{**narrow, **(encoder_options or {})})
    strides = [stride for stride in (int(name[1:]) for name in features) if stride >= finest]
    skips = features.at(finest, *strides[1:])

    x = conv_relu6(skips[-1], decoder_channels[0], 1, f"s{strides[-1]}_lateral")
    for depth, (skip, stride) in enumerate(zip(skips[-2::-1], strides[-2::-1], strict=True), start=1):
        n = decoder_channels[min(depth, len(decoder_channels) - 1)]
        x = enlarge_onto(project(skip, n, f"s{stride}_lateral"), x, f"s{stride}_up")
        x = separable_relu6(x, n, f"s{stride}_mix")
    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    return layers.ResizeLike(name="up")([x, image])
