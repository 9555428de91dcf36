"""RedNetLite: this zoo's own autoencoder with symmetric skips, for phones.

No paper of its own. What it takes from others: every convolution's map is added to the one that mirrors it (RED-Net, Mao et
al., 2016), here on three scales, and what is computed is the noise (DnCNN, Zhang et al., 2017).

    picture ─ s1 ─ s2 ─ conv ─ s4 ─ block … block ─ up ─ conv ─ up ─ conv ─ noise
       │       │    │     └──────────────────────────+    │      │             │
       │       │    └─────────────────────────────────────+      │             │
       │       └─────────────────────────────────────────────────+             │
       └───────────────────────────────────────────────────────────────────── minus ─ picture

It is told nothing of how strong the noise is. ReLU alone, no normalisation, and maps that are enlarged by rearranging channels:
what int8 and a phone's GPU compute as it is meant. The map at the picture's own size is narrow, and is needed: without it the
pixels' own values come too late to be told from the noise, and nothing is learnt for long.
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
        "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip Connections",
        "Mao et al.", 2016, "https://arxiv.org/abs/1603.09056",
    ),
    Paper(
        "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising", "Zhang et al.", 2017,
        "https://arxiv.org/abs/1608.03981",
    ),
)  # fmt: skip
VARIANTS = {
    "rednet_lite": Variant(),
}
CHANNELS = (16, 32, 64)  # at width 1, of strides 1, 2 and 4
STRONGEST = 64.0  # levels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="restoration",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(256, 256),
    min_size=8,
    mobile=True,
    tiny={"width": 0.5, "blocks": 1},
)
def rednet_lite(image: Any, channels: int, *, width: float = 1.0, blocks: int = 2) -> Any:
    """Down to stride 4 and back by sums, and the noise taken away.

    Args:
        image: N×H×W×C, 0–255.
        channels: of the answer; it has as many as the image.
        width: multiplies the channels.
        blocks: pairs of convolutions at stride 4.

    Returns:
        N×H×W×C in 0–255, not cut off there.
    """
    fine, middle, coarse = (round_channels(width * n) for n in CHANNELS)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    s1 = relu(convolution(x, fine, "s1"), "s1")
    s2 = relu(convolution(s1, middle, "s2", halve=True), "s2")
    inner = relu(convolution(s2, middle, "s2_conv"), "s2_conv")
    x = relu(convolution(inner, coarse, "s4", halve=True), "s4")
    for number in range(1, blocks + 1):
        y = relu(convolution(x, coarse, f"block{number}_conv1"), f"block{number}_conv1")
        y = convolution(y, coarse, f"block{number}_conv2")
        x = mirrored(x, y, f"block{number}")
    x = mirrored(doubled(x, inner, "up2"), inner, "skip2_conv")
    x = mirrored(convolution(x, middle, "up2_conv"), s2, "skip2")
    x = mirrored(doubled(x, s1, "up1"), s1, "skip1")
    x = relu(convolution(x, fine, "up1_conv"), "up1_conv")
    small = keras.initializers.RandomNormal(stddev=0.02)  # an untrained network nearly leaves the picture as it is
    noise = keras.layers.Conv2D(image.shape[-1], 3, padding="same", kernel_initializer=small, name="noise")(x)
    noise = keras.layers.Rescaling(STRONGEST, name="levels")(noise)
    return keras.layers.Subtract(name="clean")([image, noise])


def convolution(x: Any, channels: int, name: str, halve: bool = False) -> Any:
    """3×3 convolution; of stride 2 a 4×4 one, whose windows lie alike on even and odd sides."""
    kernel, stride = (4, 2) if halve else (3, 1)
    return keras.layers.Conv2D(channels, kernel, stride, padding="same", kernel_initializer="he_normal", name=name)(x)


def relu(x: Any, name: str) -> Any:
    """The activation behind a convolution or a sum."""
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def mirrored(x: Any, skip: Any, name: str) -> Any:
    """The sum with what a skip brings, and its activation."""
    return relu(keras.layers.Add(name=name)([x, skip]), name)


def doubled(x: Any, reference: Any, name: str) -> Any:
    """Sub-pixels of a 1×1 convolution with the reference's channels, cut to its size where that is odd."""
    x = keras.layers.Conv2D(4 * reference.shape[-1], 1, name=name)(x)
    x = layers.PixelShuffle(2, name=f"{name}_pixels")(x)
    return layers.CropLike(name=f"{name}_crop")([x, reference])
