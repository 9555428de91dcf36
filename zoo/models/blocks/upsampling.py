"""The ways up: how a decoder makes a map larger. Decoders offer them as their option `upsampler`.

- `nearest`: every value becomes a block of equal values. Nothing to learn.
- `bed_of_nails`: every value at the top left of a block of zeros; the convolutions after it fill the gaps.
- `unpool`: every value where the maximum of its 2×2 window was on the way down, among zeros (Badrinarayanan 2015); only where
  the encoder pooled so.
- `transposed`: a transposed convolution with a random start, by default of kernel = factor, so that windows do not overlap
  (Ronneberger 2015).
- `bilinear`: a transposed convolution of kernel 2 · factor that starts as bilinear interpolation (Long 2015).
- `resize`: nearest first, then a 3×3 convolution, which leaves no checkerboard (Odena 2016; `zoo experiments upsampling`).

The first three and `bilinear` keep the channels; where others are wanted a 1×1 convolution makes them before, at the coarse
size. All give whole multiples of what they get: what came up too large is for `CropLike` to cut.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo import layers
from zoo.errors import InputError, unknown
from zoo.lazy import keras


@dataclass(frozen=True)
class Step:
    """One step up.

    Attributes:
        factor: how many times as high and wide the map becomes.
        channels: that it shall have.
        name: of the layer that learns; further layers' names begin with it.
        activation: "relu" or None, of a learnt layer that changes channels or mixes neighbours.
        kernel: side of a transposed convolution's kernel, if not the default.
        padding: of a transposed convolution; "valid" keeps the rim that its kernel reaches beyond factor · size.
        pooled: what the 2×2 max pooling saw that this step is the counterpart of, if there was one.
    """

    factor: int
    channels: int
    name: str
    activation: str | None = None
    kernel: int | None = None
    padding: str = "same"
    pooled: Any = None


def upsample(x: Any, upsampler: str, step: Step) -> Any:
    """Takes one step up: N×h×w×C → N×factor·h×factor·w×channels (`unpool`: the channels of what was pooled).

    Raises:
        InputError: for an unknown upsampler, or "unpool" where no 2×2 max pooling was.
    """
    if upsampler in _OLD_NAMES:
        now = _OLD_NAMES[upsampler]
        warnings.warn(f"upsampler={upsampler!r} goes with 0.3; write {now!r}", DeprecationWarning, stacklevel=2)
        upsampler = now
    if upsampler not in UPSAMPLERS:
        raise unknown("upsampler", upsampler, UPSAMPLERS)
    return UPSAMPLERS[upsampler](x, step)


def nearest(x: Any, step: Step) -> Any:
    x = with_channels(x, step.channels, step)
    return layers.NearestUnpooling2D(step.factor, name=f"{step.name}_nearest")(x)


def bed_of_nails(x: Any, step: Step) -> Any:
    x = with_channels(x, step.channels, step)
    return layers.BedOfNails2D(step.factor, name=f"{step.name}_nails")(x)


def unpool(x: Any, step: Step) -> Any:
    if step.pooled is None or step.factor != 2:
        others = ", ".join(name for name in UPSAMPLERS if name != "unpool")
        raise InputError(
            f"upsampler='unpool' puts values back where a 2×2 max pooling took them from, and {step.name} has no such pooling "
            f"to answer: choose a network that pools so (unet, or unet on vgg16), or one of {others}"
        )
    x = with_channels(x, step.pooled.shape[-1], step)
    return unpooled(x, step.pooled, step.name)


def transposed(x: Any, step: Step) -> Any:
    kernel = step.kernel or step.factor
    x = whole_multiple(x, step)
    x = keras.layers.Conv2DTranspose(step.channels, kernel, step.factor, padding=step.padding, name=step.name)(x)
    return x if step.activation is None else rectified(x, f"{step.name}_relu")


def bilinear(x: Any, step: Step) -> Any:
    x = whole_multiple(with_channels(x, step.channels, step), step)
    kernel = step.kernel or 2 * step.factor
    initializer = layers.BilinearInitializer()
    options = {"padding": step.padding, "use_bias": False, "kernel_initializer": initializer, "name": step.name}
    return keras.layers.Conv2DTranspose(step.channels, kernel, step.factor, **options)(x)


def resize(x: Any, step: Step) -> Any:
    x = layers.NearestUnpooling2D(step.factor, name=f"{step.name}_resize")(x)
    return keras.layers.Conv2D(step.channels, 3, padding="same", activation=step.activation, name=step.name)(x)


UPSAMPLERS: dict[str, Callable[[Any, Step], Any]] = {
    "nearest": nearest,
    "bed_of_nails": bed_of_nails,
    "unpool": unpool,
    "transposed": transposed,
    "bilinear": bilinear,
    "resize": resize,
}
_OLD_NAMES = {"nails": "bed_of_nails"}  # of 0.1


def unpooled(x: Any, pooled: Any, name: str) -> Any:
    """Each value where its window of `pooled`, which a 2×2 max pooling saw, has its maximum; at the size of `pooled`."""
    positions = layers.MaxPoolIndices(name=f"{name}_positions")(pooled)
    x = layers.MaxUnpooling2D(name=f"{name}_unpool")([x, positions])
    return layers.CropLike(name=f"{name}_fit")([x, pooled])


def rectified(x: Any, name: str) -> Any:
    """ReLU after a transposed convolution, written so that no converter makes it part of that.

    LiteRT's GPU accelerator takes no TRANSPOSE_CONV with an activation of its own.
    """
    return keras.layers.LeakyReLU(negative_slope=0.0, name=name)(x)


def with_channels(x: Any, channels: int, step: Step) -> Any:
    """The map itself if it has so many channels, else a 1×1 convolution of it."""
    if x.shape[-1] == channels:
        return x
    return keras.layers.Conv2D(channels, 1, activation=step.activation, name=f"{step.name}_channels")(x)


def whole_multiple(x: Any, step: Step) -> Any:
    """The map padded as the GPU accelerator needs it before a transposed convolution by 3 or more."""
    if step.factor <= 2 or step.padding == "valid":
        return x
    return layers.PadToMultiple(step.factor, name=f"{step.name}_pad")(x)
