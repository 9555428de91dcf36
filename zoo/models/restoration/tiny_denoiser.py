"""TinyDenoiser: this zoo's own network for phones that frees a picture of noise.

No paper of its own. What it takes from others: it says what the noise is and takes it away (DnCNN, Zhang et al., 2017), on
three scales with sums instead of concatenations between them (U-Net, Ronneberger et al., 2015; NAFNet's plainness, Chen et
al., 2022).

    image ─┬─ s1 ──────────────+─ noise ─ minus ─ image
           │   └─ s2 ─────+─┘              │
           │       └─ s4 ─┘                │
           └───────────────────────────────┘

What int8 and a phone's GPU ask for decided the rest: ReLU6 alone, whose range is known beforehand; no normalisation, which a
denoiser does worse with; bilinear enlargement of narrow maps; and the noise as the only thing that is computed, so that an
answer in int8 is off by shares of the noise and not of the picture.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.channels import round_channels
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper(
        "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising", "Zhang et al.", 2017,
        "https://arxiv.org/abs/1608.03981",
    ),
    Paper(
        "U-Net: Convolutional Networks for Biomedical Image Segmentation", "Ronneberger et al.", 2015,
        "https://arxiv.org/abs/1505.04597",
    ),
)  # fmt: skip
VARIANTS = {
    "tiny_denoiser": Variant(options={"width": 1.0}),
}
CHANNELS = (16, 32, 64)  # at width 1, of strides 1, 2 and 4
BLOCKS = 2  # at the coarsest scale
STRONGEST = 32.0  # levels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="restoration",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(256, 256),
    mobile=True,
    tiny={"width": 0.5},
)
def tiny_denoiser(image: Any, channels: int, *, width: float) -> Any:
    """Down to stride 4, back up by sums, and the noise taken away.

    Args:
        image: N×H×W×C, 0–255.
        channels: of the answer, those of the image.
        width: multiplies the channels.

    Returns:
        N×H×W×channels in 0–255, not cut off there.
    """
    fine, middle, coarse = (round_channels(width * n) for n in CHANNELS)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    s1 = convolution(x, fine, "s1")
    s2 = convolution(s1, middle, "s2", stride=2)
    s4 = convolution(s2, coarse, "s4", stride=2)
    for number in range(1, BLOCKS + 1):
        inner = convolution(s4, coarse, f"block{number}_conv1")
        inner = linear(inner, coarse, f"block{number}_conv2")
        s4 = keras.layers.Add(name=f"block{number}_add")([s4, inner])
    s2 = convolution(upwards(s4, s2, middle, "up2"), middle, "up2_conv")
    s1 = convolution(upwards(s2, s1, fine, "up1"), fine, "up1_conv")
    small = keras.initializers.RandomNormal(stddev=0.02)  # an untrained network nearly leaves the picture as it is
    noise = keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer=small, name="noise")(s1)
    noise = keras.layers.Rescaling(STRONGEST, name="levels")(noise)
    return keras.layers.Subtract(name="clean")([image, noise])


def convolution(x: Any, channels: int, name: str, stride: int = 1) -> Any:
    """3×3 convolution and ReLU6."""
    x = keras.layers.Conv2D(channels, 3, stride, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)


def linear(x: Any, channels: int, name: str) -> Any:
    """3×3 convolution without an activation: what is to be added must be able to be negative."""
    return keras.layers.Conv2D(channels, 3, padding="same", name=name)(x)


def upwards(x: Any, skip: Any, channels: int, name: str) -> Any:
    """The coarse map in the finer one's channels, enlarged onto it and added."""
    x = keras.layers.Conv2D(channels, 1, name=f"{name}_project")(x)
    x = layers.ResizeLike(name=f"{name}_enlarge")([x, skip])
    return keras.layers.Add(name=f"{name}_add")([x, skip])
