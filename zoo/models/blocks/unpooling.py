"""An encoder turned round: every pooling answered by an unpooling, every convolution by another. For SegNet and DeconvNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.errors import InputError
from zoo.models.blocks.conv import vgg_conv
from zoo.models.blocks.upsampling import unpooled
from zoo.models.encoders import Features
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features


def contracted(encoder: str, image: Any, options: Mapping[str, Any]) -> tuple[Features, Mapping[str, Any]]:
    """The batch-normalised encoder's features, and the options that it was built with.

    Raises:
        InputError: for an encoder that is not made of 2×2 poolings and convolutions between them.
    """
    entry = encoder_entry(encoder)
    if "batchnorm" not in entry.option_names:
        raise InputError(
            f"{encoder} cannot be turned round: only stacks of convolutions with a 2×2 max pooling each can; "
            "choose vgg16 or vgg19"
        )
    return encoder_features(encoder, image, **{**options, "batchnorm": True}), {**entry.options, **options}


def expanded(x: Any, features: Features, depths: tuple[int, ...]) -> Any:
    """From the deepest map up to the image's resolution, all but the last convolution, which is the network's own.

    Args:
        x: N×H/32×W/32×C, with the channels of the deepest feature.
        features: of `contracted`.
        depths: convolutions of each stage of the encoder, from shallow to deep.
    """
    channels = [features.taps[f"s{2**stage}"].shape[-1] for stage in range(1, len(depths) + 1)]
    for stage in range(len(depths), 0, -1):
        x = unpooled(x, features.taps[f"s{2**stage}"], f"up{stage}")
        for number in range(depths[stage - 1], 0, -1):
            if number > 1:
                x = vgg_conv(x, channels[stage - 1], f"up{stage}_conv{number}", batchnorm=True)
            elif stage > 1:  # the last of a stage has the channels of the next
                x = vgg_conv(x, channels[stage - 2], f"up{stage}_conv{number}", batchnorm=True)
    return x
