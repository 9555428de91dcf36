"""Saliency Lite: where people look, from a classifier's features, cheap enough for every frame of a phone's camera.

No paper of its own. A mobile classifier's features under a light decoder are what UNISAL (Droste, Jiao & Noble, 2020) and
EML-Net (Jia & Bruce, 2020) predict gaze with; FPN (Lin et al., 2017) gives the way up, sums of 1×1 convolutions, and the
learnt prior of the middle is left out: the zeros around the picture let a convolution know where it is.

What draws the eye is often the whole thing, a face or a word, so the decoder starts with the picture's average beside the
deepest map. It stops at stride `finest`: one degree of sight, by which maps of fixations are blurred, is wider than that. All
activations are ReLU6 and what is added is linear before, as int8 and the phone's GPU want it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.mobile import enlarge_onto, project, separable_relu6
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("Unified Image and Video Saliency Modeling", "Droste, Jiao & Noble", 2020, "https://arxiv.org/abs/2003.05477"),
    Paper(
        "EML-NET: An Expandable Multi-Layer NETwork for Saliency Prediction", "Jia & Bruce", 2020,
        "https://arxiv.org/abs/1805.01047",
    ),
    Paper("Feature Pyramid Networks for Object Detection", "Lin et al.", 2017, "https://arxiv.org/abs/1612.03144"),
)  # fmt: skip
VARIANTS = {"saliency_lite": Variant(options={"encoder": "mobilenet_v2"})}


@register(
    VARIANTS,
    task="saliency",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(240, 320),
    mobile=True,
    tiny={"encoder_options": {"width": 0.1, "depth": 0.3}, "decoder_channels": (16, 8, 8, 8)},
)
def saliency_lite(
    image: Any,
    channels: int,
    *,
    encoder: str = "mobilenet_v2",
    encoder_options: Mapping[str, Any] | None = None,
    decoder_channels: tuple[int, ...] = (128, 96, 64, 32),
    finest: int = 4,
    dropout: float = 0.0,
) -> Any:
    """Encoder → the deepest map beside the picture's average → for each scale upwards: enlarge, add, convolve → heat.

    Args:
        image: N×H×W×C, 0–255.
        channels: maps of heat, 1.
        encoder: any encoder with the strides from `finest` down.
        encoder_options: options of that encoder.
        decoder_channels: of the way up, deep to shallow; the last entry serves all scales beyond.
        finest: stride of the map that the heat is computed on.
        dropout: share of the deepest map's channels that each picture goes without in training.

    Returns:
        N×H×W×channels log-odds.
    """
    # The wide last convolution of MobileNets serves a classifier's top; a decoder would only make it narrow again.
    narrow = {"last": False} if "last" in encoder_entry(encoder).option_names else {}
    features = encoder_features(encoder, image, **{**narrow, **(encoder_options or {})})
    strides = [stride for stride in (int(name[1:]) for name in features) if stride >= finest]
    skips = features.at(finest, *strides[1:])

    x = whole_picture(skips[-1], decoder_channels[0], f"s{strides[-1]}", dropout)
    for depth, (skip, stride) in enumerate(zip(skips[-2::-1], strides[-2::-1], strict=True), start=1):
        n = decoder_channels[min(depth, len(decoder_channels) - 1)]
        x = enlarge_onto(project(skip, n, f"s{stride}_lateral"), x, f"s{stride}_up")
        x = separable_relu6(x, n, f"s{stride}_mix")
    start = keras.initializers.Constant(-2.0)  # most places are cold
    x = keras.layers.Conv2D(channels, 1, bias_initializer=start, name="score")(x)
    return layers.ResizeLike(name="up")([x, image])


def whole_picture(x: Any, channels: int, name: str, dropout: float) -> Any:
    """The deepest map in the decoder's channels, with what the picture's average says added everywhere."""
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)
    average = layers.AdaptiveAveragePooling2D(name=f"{name}_average")(x)
    average = keras.layers.Conv2D(channels, 1, name=f"{name}_whole")(average)
    x = project(x, channels, f"{name}_lateral")
    # The GPU accelerator adds a vector to a quantized map wrongly, and a map to a map rightly.
    average = layers.ResizeLike(name=f"{name}_everywhere")([average, x])
    x = keras.layers.Add(name=f"{name}_add")([x, average])
    x = keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)
    return separable_relu6(x, channels, f"{name}_mix")
