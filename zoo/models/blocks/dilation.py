"""Encoders that keep their maps large: strides swapped for dilation, as far as the encoder can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.models.encoders import Features, features
from zoo.models.encoders import encoder as encoder_entry


def dilated_features(
    encoder: str,
    image: Any,
    output_stride: int | None,
    usual_stride: int,
    encoder_options: Mapping[str, Any] | None = None,
    **wishes: Any,
) -> tuple[Features, int]:
    """The encoder's features, and the stride of the deepest of them.

    An encoder that ends in a wide 1×1 convolution made for its classifier (its option `last`) leaves that out: it would
    be most of what a light decoder reads.

    Args:
        encoder: name of the encoder.
        image: N×H×W×C, 0–255.
        output_stride: of the deepest feature. None: `usual_stride` where the encoder can dilate, else its own.
        usual_stride: of the network's paper.
        encoder_options: further options of the encoder.
        **wishes: options for the encoders that have them; `encoder_options` override them.

    Raises:
        InputError: if an output_stride is asked for and the encoder has no dilated form.
    """
    known = encoder_entry(encoder).option_names
    options = {option: value for option, value in {"last": False, **wishes}.items() if option in known}
    if output_stride is not None or "output_stride" in known:
        options["output_stride"] = output_stride or usual_stride
    found = features(encoder, image, **{**options, **(encoder_options or {})})
    return found, int(list(found)[-1].removeprefix("s"))
