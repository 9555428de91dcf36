"""U-Net: a contracting path, an expanding path, and every scale handed across.

Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.

Faithful: five scales of two 3×3 convolutions from 64 to 1,024 channels, 2×2 up-convolutions, concatenation, dropout at
the end of the contracting path; 31,030,658 parameters from one channel to two classes. `unet_valid` has the paper's
unpadded convolutions: it shows the network the image's mirrored surroundings, as the paper's tiling does, so that the answer
covers the whole image; `mirror=False` leaves them out, and 572×572 becomes 388×388 as in the paper's figure.
Different: `unet` pads its convolutions, so any size goes in and comes out. With `encoder=` the contracting path is that
encoder, and the expanding path has half its channels' width with batch normalisation, which the paper predates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.errors import InputError, unknown
from zoo.lazy import keras
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.upsampling import Step, upsample
from zoo.models.encoders import Features
from zoo.models.encoders import features as encoder_features
from zoo.outputs.class_names import ISBI
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    "Ronneberger, Fischer & Brox",
    2015,
    "https://arxiv.org/abs/1505.04597",
)
VARIANTS = {
    "unet": Variant(options={"padding": "same"}, min_size=16),
    "unet_valid": Variant(options={"padding": "valid"}, min_size=108, fixed_size=True),
}
PADDINGS = ("same", "valid")
CHANNELS = (64, 128, 256, 512, 1024)
CONTEXT = 92  # pixels that the valid convolutions eat on each side of the answer


@register(VARIANTS, task="segmentation", paper=PAPER, input_size=(572, 572), channels=1, classes=ISBI, tiny={"width": 0.0625})
def unet(
    image: Any,
    classes: int,
    *,
    encoder: str | None = None,
    encoder_options: Mapping[str, Any] | None = None,
    padding: str = "same",
    mirror: bool = True,
    width: float = 1.0,
    decoder_channels: tuple[int, ...] = (256, 128, 64, 32, 16),
    auxiliary: tuple[int, ...] = (),
    upsampler: str = "transposed",
) -> Any:
    """Contracting path → expanding path → 1×1 convolution.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: contracting path; None for the paper's own.
        encoder_options: options of that encoder.
        padding: of all convolutions, "same" or "valid" (the paper's; its own contracting path only).
        mirror: extend the image by its mirror image so that a valid network answers for all of it.
        width: multiplies the channels of the paper's network.
        decoder_channels: of the expanding path over an encoder, deep to shallow.
        auxiliary: strides of the contracting path's features that get an auxiliary head for training, such as (16,).
        upsampler: of `zoo.models.blocks.upsampling`.

    Returns:
        N×H×W×classes logits; smaller only for padding="valid" with mirror=False.
    """
    check_path(encoder, encoder_options, width)
    check_padding(padding, encoder, auxiliary)
    if encoder is not None:
        features = encoder_features(encoder, image, **(encoder_options or {}))
        x = expand_encoder(image, features, decoder_channels, upsampler)
        return deeply_supervised(keras.layers.Conv2D(classes, 1, name="score")(x), image, features, auxiliary)

    channels, x = [int(n * width) for n in CHANNELS], image
    if padding == "valid" and mirror:
        x = layers.MirrorPadding2D(mirror_padding(image.shape), name="mirror")(x)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(x)

    features = Features()
    for scale, n in enumerate(channels, start=1):  # down the left side of the figure
        x = two_convolutions(x, n, f"down{scale}", padding)
        if scale >= 4:
            x = keras.layers.Dropout(0.5, name=f"dropout{scale}")(x)
        features[f"s{2 ** (scale - 1)}"] = x
        if scale < 5:
            x = keras.layers.MaxPooling2D(2, padding=padding, name=f"pool{scale}")(x)
    for scale in (4, 3, 2, 1):  # up the right side
        n = channels[scale - 1]
        skip = features[f"s{2 ** (scale - 1)}"]  # which pooling saw
        x = upsample(x, upsampler, Step(2, n, f"up{scale}_upconv", activation="relu", pooled=skip))
        x = concatenate(x, skip, f"up{scale}", padding)
        x = two_convolutions(x, n, f"up{scale}", padding)

    x = keras.layers.Conv2D(classes, 1, name="score")(x)
    logits = layers.CropLike(name="crop")([x, image]) if padding == "valid" and mirror else x
    return deeply_supervised(logits, image, features, auxiliary)


def check_padding(padding: str, encoder: str | None, auxiliary: tuple[int, ...]) -> None:
    """Refuses unpadded convolutions where maps must lie over the image."""
    if padding not in PADDINGS:
        raise unknown("padding", padding, PADDINGS)
    if padding == "valid" and encoder is not None:
        raise InputError("padding='valid' is for U-Net's own contracting path; leave out encoder= or the padding")
    if padding == "valid" and auxiliary:
        raise InputError(f"auxiliary={auxiliary} needs features that lie over the image; leave out padding='valid'")


def check_path(encoder: str | None, encoder_options: Mapping[str, Any] | None, width: float) -> None:
    """Refuses what is of the other contracting path."""
    if encoder is None and encoder_options:
        raise InputError(f"encoder_options={dict(encoder_options)} has no place without encoder=; name one, or leave them out")
    if encoder is not None and width != 1:
        raise InputError(
            f"width={width} is of U-Net's own contracting path; over {encoder} give encoder_options and decoder_channels"
        )


def two_convolutions(x: Any, channels: int, name: str, padding: str) -> Any:
    """Two 3×3 convolutions with ReLU, the building block of both paths."""
    for number in (1, 2):
        x = keras.layers.Conv2D(
            channels, 3, padding=padding, activation="relu", kernel_initializer="he_normal", name=f"{name}_conv{number}"
        )(x)
    return x


def concatenate(x: Any, skip: Any, name: str, padding: str) -> Any:
    """The grey arrow of the figure: cuts the larger map to the smaller one and stacks the skip before what came up."""
    if padding == "valid":
        skip = layers.CropLike("centre", name=f"{name}_crop")([skip, x])
    else:  # an odd size came down rounded up, so it comes up one pixel too large
        x = layers.CropLike(name=f"{name}_crop")([x, skip])
    return keras.layers.Concatenate(name=f"{name}_concat")([skip, x])


def expand_encoder(image: Any, features: Features, decoder_channels: tuple[int, ...], upsampler: str) -> Any:
    """The expanding path over an encoder's features, up to the image's resolution."""
    strides = [int(name[1:]) for name in features]
    if len(decoder_channels) < len(strides):
        raise InputError(
            f"decoder_channels={decoder_channels} has {len(decoder_channels)} entries, but {len(strides)} are needed: "
            f"one for each of the encoder's strides {strides}"
        )
    x = features.deepest
    targets = [*reversed(list(features.values())[:-1]), image]
    for target, stride, finer, n in zip(targets, strides[::-1], [*strides[-2::-1], 1], decoder_channels, strict=False):
        name = f"up_s{finer}"
        step = Step(stride // finer, n, f"{name}_upconv", pooled=features.taps.get(f"s{stride}"))
        x = upsample(x, upsampler, step)
        x = layers.CropLike(name=f"{name}_crop")([x, target])
        if finer > 1:
            x = keras.layers.Concatenate(name=f"{name}_concat")([target, x])
        for number in (1, 2):
            x = keras.layers.Conv2D(n, 3, padding="same", use_bias=False, name=f"{name}_conv{number}")(x)
            x = keras.layers.BatchNormalization(name=f"{name}_bn{number}")(x)
            x = keras.layers.ReLU(name=f"{name}_relu{number}")(x)
    return x


def mirror_padding(shape: tuple) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding that extends an N×H×W×C image so that every pooling sees even sizes and the answer covers H×W."""

    def pad(pixels: int) -> tuple[int, int]:
        coarse = max(8, -(-(pixels + 124) // 16))  # side of the coarsest map: the answer has 16·coarse − 124 pixels
        return CONTEXT, 16 * coarse + 60 - pixels - CONTEXT

    return pad(shape[1]), pad(shape[2])
