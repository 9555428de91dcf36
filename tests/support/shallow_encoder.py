"""An encoder of four convolutions, which the registry knows while a test needs it: decoders learn in seconds over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from zoo import registry
from zoo.models.blocks.classifier_heads import pooled_top
from zoo.models.blocks.mobile import conv_relu6
from zoo.models.encoders import Features, register_encoder
from zoo.registry import Variant

NAME = "shallow_encoder"
WIDTHS = {2: 16, 4: 32, 8: 48, 16: 64}  # stride → channels


@contextmanager
def entered() -> Iterator[str]:
    """The encoder's name, registered."""

    @register_encoder(
        {NAME: Variant()}, paper=None, top=pooled_top, input_size=(64, 64), strides=tuple(WIDTHS)
    )
    def shallow_encoder(image: Any, *, output_stride: int = 16) -> Features:
        x, features = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image), Features()
        for stride, channels in WIDTHS.items():
            x = features[f"s{stride}"] = conv_relu6(x, channels, 3, f"shallow_s{stride}", stride=2)
        return features

    try:
        yield NAME
    finally:
        registry.withdraw(NAME)
