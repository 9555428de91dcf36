"""PocketSR: this zoo's own network for phones that makes a picture two, three or four times as large.

No paper of its own. What it takes from others: plain 3×3 convolutions at the small picture's size, each learnt as a wide linear
block that collapses into one (SESR, Bhardwaj et al., 2022); one sum over all of them, and a simple enlargement that the network
only corrects (ABPN, Du et al., 2021); sub-pixels at the very end (ESPCN, Shi et al., 2016).

    picture ─┬─ luma ─ first ─┬─ block … block ─+─ last ─ pixels ─+─ large picture
             │                └─────────────────┘                 │
             └──────────────── bilinear enlargement ──────────────┘

The correction is of the luma alone and is added to R, G and B alike, which leaves the colours as the enlargement has them: the
eye, and the papers' PSNR, ask for no more. What int8 asks for decided the rest: ReLU alone between convolutions; the
correction, which is small, on a scale of its own; and the enlargement beside it, which interpolates whole numbers.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("Collapsible Linear Blocks for Super-Efficient Super Resolution", "Bhardwaj et al.", 2022, "https://arxiv.org/abs/2103.09404"),
    Paper("Anchor-based Plain Net for Mobile Image Super-Resolution", "Du et al.", 2021, "https://arxiv.org/abs/2105.09750"),
)  # fmt: skip
VARIANTS = {
    "pocket_sr": Variant(options={"blocks": 5}),
    "pocket_sr_small": Variant(options={"blocks": 3, "width": 16}),
}
STRONGEST = 64.0  # levels that the last layer's 1 stands for


@register(
    VARIANTS,
    task="super_resolution",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(128, 128),
    min_size=8,
    mobile=True,
    tiny={"width": 8, "blocks": 2, "expansion": 16},
)
def pocket_sr(
    image: Any, channels: int, *, scale: int = 2, width: int = 32, blocks: int = 5, expansion: int | None = 128
) -> Any:
    """Convolutions over the luma, their sum as sub-pixels, and the picture enlarged below it.

    Args:
        image: N×H×W×C, 0–255, RGB or grey.
        channels: of the answer; it has as many as the image.
        scale: how many times as large the answer is.
        width: channels of the convolutions.
        blocks: how many lie between the first and the last.
        expansion: channels inside a convolution while it is learnt; None for the plain convolutions that it collapses to.

    Returns:
        N×sH×sW×C in 0–255, not cut off there.
    """
    x = layers.Luma(name="luma")(image)
    x = keras.layers.Rescaling(1 / 255, name="normalise")(x)
    first = x = relu(convolution(x, width, "first", expansion), "first")
    for number in range(1, blocks + 1):
        name = f"block{number}"
        x = relu(convolution(x, width, name, expansion, shortcut=True, gain=0.3), name)
    x = keras.layers.Add(name="sum")([x, first])
    x = convolution(x, scale**2, "last", expansion, gain=0.05)
    x = keras.layers.Rescaling(STRONGEST, name="levels")(x)
    correction = layers.PixelShuffle(scale, name="pixels")(x)
    large = layers.ResizeLike(name="enlarge")([image, correction])
    return keras.layers.Add(name="large")([large, correction])


def convolution(
    x: Any, filters: int, name: str, expansion: int | None, shortcut: bool = False, gain: float = 1.0
) -> Any:
    """3×3 convolution, learnt wide or plain."""
    if expansion is None:
        return keras.layers.Conv2D(filters, 3, padding="same", name=name)(x)
    return layers.CollapsibleConv2D(filters, 3, expansion, shortcut, gain, name=name)(x)


def relu(x: Any, name: str) -> Any:
    """The activation behind a convolution."""
    return keras.layers.ReLU(name=f"{name}_relu")(x)
