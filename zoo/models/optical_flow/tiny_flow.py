"""TinyFlow: this zoo's own network for phones that says where every pixel of a picture is in the next one.

No paper of its own. What it takes from others: both frames go in together, along the channels, and an encoder and decoder of
plain convolutions finds the movement by itself (FlowNetS, Dosovitskiy et al., 2015), without a correlation, which int8 and a
phone's GPU do not have.

    frames ─ s2 ─ s4 ─ s8 ─ s16 ─ up s8 ─ up s4 ─ vectors ─ image

The way up is by sums of narrow maps that are enlarged bilinearly, as in `pocket_seg`; vectors come at stride 4 and are
enlarged to the input, in whose pixels they are. No normalisation: the size of a movement is what is asked for.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("FlowNet: Learning Optical Flow with Convolutional Networks", "Dosovitskiy et al.", 2015, "https://arxiv.org/abs/1504.06852"),
)
VARIANTS = {
    "tiny_flow": Variant(options={"width": 1.0}),
}
CHANNELS = {"s2": 24, "s4": 48, "s8": 64, "s16": 96}  # at width 1
KERNELS = {"s2": 7, "s4": 5, "s8": 3, "s16": 3}
FARTHEST = 8.0  # pixels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="optical_flow",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(256, 256),
    channels=6,
    mobile=True,
    tiny={"width": 0.5},
)
def tiny_flow(frames: Any, channels: int, *, width: float) -> Any:
    """Down to stride 16, back up to stride 4 by sums, vectors, and these at the frames' size.

    Args:
        frames: N×H×W×6, two pictures in 0–255 along the channels.
        channels: of the answer, 2.
        width: multiplies the channels.

    Returns:
        N×H×W×2, (dx, dy) in pixels.
    """
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(frames)
    features = {}
    for name, count in CHANNELS.items():
        features[name] = x = convolution(x, round_channels(width * count), name, KERNELS[name], stride=2)
        features[name] = x = convolution(x, round_channels(width * count), f"{name}_conv")
    for name in ("s8", "s4"):
        skip, count = features[name], round_channels(width * CHANNELS[name])
        x = keras.layers.Conv2D(count, 1, name=f"up_{name}_project")(x)
        x = layers.ResizeLike(name=f"up_{name}_enlarge")([x, skip])
        x = keras.layers.Add(name=f"up_{name}_add")([x, skip])
        x = convolution(x, count, f"up_{name}_conv")
    vectors = keras.layers.Conv2D(channels, 3, padding="same", name="vectors")(x)
    vectors = keras.layers.Rescaling(FARTHEST, name="pixels")(vectors)
    return layers.ResizeLike(name="enlarge")([vectors, frames])


def convolution(x: Any, channels: int, name: str, kernel: int = 3, stride: int = 1) -> Any:
    """Convolution and ReLU6."""
    x = keras.layers.Conv2D(channels, kernel, stride, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)
