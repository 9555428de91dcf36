"""Video upsampling: a convolutional autoencoder that sees several frames and gives the middle one twice as large.

No paper of its own; it is the lectures' autoencoder for video. What it takes from others: the frames go in together along the
channels (VSRnet, Kappeler et al., 2016), so that what moves between them by parts of a pixel is there to be used; the
autoencoder has symmetric skips (RED-Net, Mao et al., 2016); and what it makes is a correction of the middle frame's bicubic
enlargement.

`video_sr` sees three frames; `video_sr_single` is the same network over the middle frame alone, to be compared with it on the
same clip.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("Video Super-Resolution with Convolutional Neural Networks", "Kappeler et al.", 2016, "https://doi.org/10.1109/TCI.2016.2532323"),
    Paper(
        "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip Connections",
        "Mao et al.", 2016, "https://arxiv.org/abs/1603.09056",
    ),
)  # fmt: skip
FRAMES = 3
VARIANTS = {
    "video_sr": Variant(task="video_super_resolution", channels=3 * FRAMES, options={"frames": FRAMES}),
    "video_sr_single": Variant(task="super_resolution", options={"frames": 1}),
}
STRONGEST = 64.0  # levels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="video_super_resolution",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(128, 128),
    min_size=8,
    tiny={"width": 8},
)
def video_sr(image: Any, channels: int, *, frames: int, width: int = 32, scale: int = 2) -> Any:
    """Down to a quarter of the size, back with skips, sub-pixels, and the middle frame enlarged below them.

    Args:
        image: N×H×W×3k, 0–255, k frames along the channels, the middle one to be enlarged.
        channels: of the answer, 3.
        frames: k.
        width: channels of the first convolution; each halving of the size doubles them.
        scale: how many times as large the answer is.

    Returns:
        N×sH×sW×3 in 0–255, not cut off there.
    """
    middle = layers.Frame(frames // 2, frames, name="middle")(image)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    s1 = convolution(x, width, "s1")
    s2 = convolution(convolution(s1, 2 * width, "s2", stride=2), 2 * width, "s2_conv")
    s4 = convolution(convolution(s2, 4 * width, "s4", stride=2), 4 * width, "s4_conv")
    x = mirrored(s4, s2, 2 * width, "up2")
    x = mirrored(x, s1, width, "up1")
    x = keras.layers.Conv2D(scale**2 * channels, 3, padding="same", name="last")(x)
    x = keras.layers.Rescaling(STRONGEST, name="levels")(x)
    correction = layers.PixelShuffle(scale, name="pixels")(x)
    large = layers.BicubicEnlarge(scale, name="enlarge")(middle)
    return keras.layers.Add(name="sharp")([large, correction])


def convolution(x: Any, channels: int, name: str, stride: int = 1) -> Any:
    """3×3 convolution and ReLU."""
    x = keras.layers.Conv2D(channels, 3, stride, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def mirrored(x: Any, skip: Any, channels: int, name: str) -> Any:
    """Deconvolution to twice the size, cut to the map that it mirrors, their sum, and a convolution."""
    x = keras.layers.Conv2DTranspose(channels, 4, 2, padding="same", kernel_initializer="he_normal", name=name)(x)
    x = layers.CropLike(name=f"{name}_crop")([x, skip])
    x = keras.layers.Add(name=f"{name}_skip")([x, skip])
    return convolution(keras.layers.ReLU(name=f"{name}_relu")(x), channels, f"{name}_conv")
