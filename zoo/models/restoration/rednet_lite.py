"""RedNetLite: this zoo's own autoencoder with symmetric skips, for phones.

No paper of its own. What it takes from others: every convolution's map is added to the one that mirrors it (RED-Net, Mao et
al., 2016); all of it at half the picture's size, whose pixels come in and go out as channels (FFDNet, Zhang et al., 2018); and
what is computed is the noise (DnCNN, Zhang et al., 2017).

    picture ─┬─ s2 ─┬─ conv ─┬─ s4 ─ block … block ─ up ─+─ conv ─+─ noise ─ pixels ─ minus ─ picture
             │      │        └───────────────────────────┘        │                     │
             │      └─────────────────────────────────────────────┘                     │
             └──────────────────────────────────────────────────────────────────────────┘

It is told nothing of how strong the noise is. ReLU alone, no normalisation, and maps that are enlarged by rearranging channels:
what int8 and a phone's GPU compute as it is meant.
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
    Paper("FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", "Zhang et al.", 2018, "https://arxiv.org/abs/1710.04026"),
)  # fmt: skip
VARIANTS = {
    "rednet_lite": Variant(),
}
CHANNELS = (48, 96)  # at width 1, of strides 2 and 4
STRONGEST = 64.0  # levels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="restoration",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(256, 256),
    min_size=8,
    mobile=True,
    tiny={"width": 0.25, "blocks": 1},
)
def rednet_lite(image: Any, channels: int, *, width: float = 1.0, blocks: int = 3) -> Any:
    """Down to stride 4 and back by sums, and the noise taken away.

    Args:
        image: N×H×W×C, 0–255.
        channels: of the answer; it has as many as the image.
        width: multiplies the channels.
        blocks: pairs of convolutions at stride 4.

    Returns:
        N×H×W×C in 0–255, not cut off there.
    """
    fine, coarse = (round_channels(width * n) for n in CHANNELS)
    x = keras.layers.Rescaling(1 / 255, name="normalise")(image)
    s2 = relu(convolution(x, fine, "s2", halve=True), "s2")
    inner = relu(convolution(s2, fine, "s2_conv"), "s2_conv")
    x = relu(convolution(inner, coarse, "s4", halve=True), "s4")
    for number in range(1, blocks + 1):
        y = relu(convolution(x, coarse, f"block{number}_conv1"), f"block{number}_conv1")
        y = convolution(y, coarse, f"block{number}_conv2")
        x = relu(keras.layers.Add(name=f"block{number}")([x, y]), f"block{number}")
    x = doubled(x, fine, inner, "up")
    x = relu(keras.layers.Add(name="skip2")([x, inner]), "skip2")
    x = convolution(x, fine, "up_conv")
    x = relu(keras.layers.Add(name="skip1")([x, s2]), "skip1")
    noise = doubled(x, image.shape[-1], image, "noise", kernel=3, strength=STRONGEST)
    return keras.layers.Subtract(name="clean")([image, noise])


def convolution(x: Any, channels: int, name: str, halve: bool = False) -> Any:
    """3×3 convolution; of stride 2 a 4×4 one, whose windows lie alike on even and odd sides."""
    kernel, stride = (4, 2) if halve else (3, 1)
    return keras.layers.Conv2D(channels, kernel, stride, padding="same", kernel_initializer="he_normal", name=name)(x)


def relu(x: Any, name: str) -> Any:
    """The activation behind a convolution or a sum."""
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def doubled(x: Any, channels: int, reference: Any, name: str, kernel: int = 1, strength: float | None = None) -> Any:
    """Sub-pixels of a convolution, cut to the reference's size where that is odd."""
    x = keras.layers.Conv2D(4 * channels, kernel, padding="same", name=name)(x)
    if strength is not None:
        x = keras.layers.Rescaling(strength, name=f"{name}_levels")(x)
    x = layers.PixelShuffle(2, name=f"{name}_pixels")(x)
    return layers.CropLike(name=f"{name}_crop")([x, reference])
