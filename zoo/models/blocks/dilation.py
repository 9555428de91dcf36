"""Dilation: where a body halves its maps and where it dilates instead, and encoders asked to keep their maps large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.encoders import Features, features
from zoo.models.encoders import encoder as encoder_entry

OUTPUT_STRIDES = (4, 8, 16, 32)


class Strides:
    """The stride of a body's maps so far, and the dilation that stands in for every halving beyond `output_stride`.

    A halving that is left out doubles the dilation of all later convolutions, so that at every 2nd (4th) position they
    see what they would have seen, with the same weights (Chen 2014).

    Attributes:
        stride: of the maps as they are now.
        dilation: of the convolutions that come next.

    Raises:
        InputError: for an output_stride other than 4, 8, 16 or 32.
    """

    def __init__(self, stride: int, output_stride: int) -> None:
        if output_stride not in OUTPUT_STRIDES:
            raise InputError(f"output_stride={output_stride}; expected one of {', '.join(map(str, OUTPUT_STRIDES))}")
        self.stride, self.dilation = stride, 1
        self._limit = output_stride

    def halve(self) -> int:
        """The stride that the next convolution gets: 2, or 1 where dilation takes over."""
        if self.stride < self._limit:
            self.stride *= 2
            return 2
        self.dilation *= 2
        return 1


def center_window(x: Any, kernel: int, stride: int, name: str) -> tuple[Any, int, str]:
    """The tensor that lets a convolution answer for positions 0, stride, 2 · stride …, its window centred on each.

    Returns:
        The tensor to convolve, and the stride and the padding with which to do it.
    """
    if stride == 1:
        return x, 1, "same"
    if kernel == 1:  # LiteRT's GPU accelerator gets a strided 1×1 convolution wrong in int8, so picking comes first
        return keras.layers.MaxPooling2D(1, stride, name=f"{name}_pick")(x), 1, "same"
    # Keras's "same" pads even sizes at the bottom and the right only.
    return keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x), stride, "valid"


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
    names = encoder_entry(encoder).option_names
    options = {option: value for option, value in {"last": False, **wishes}.items() if option in names}
    if output_stride is not None or "output_stride" in names:
        options["output_stride"] = output_stride or usual_stride
    maps = features(encoder, image, **{**options, **(encoder_options or {})})
    return maps, int(list(maps)[-1].removeprefix("s"))
