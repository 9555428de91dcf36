"""ESPCN: three convolutions over the small picture, whose channels become pixels at the end (Shi et al., 2016).

5×5 to 64 maps, 3×3 to 32, 3×3 to s², and the sub-pixel rearrangement of these; tanh after the first two, with which the paper's
final network was trained. The network sees and gives the luma; colours are enlarged bicubically.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.luma import on_luma
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", "Shi et al.",
    2016, "https://arxiv.org/abs/1609.05158",
)  # fmt: skip
VARIANTS = {
    "espcn": Variant(),
}
PARTS = (("conv1", 64, 5), ("conv2", 32, 3))  # name, maps, kernel


@register(VARIANTS, task="super_resolution", paper=PAPER, input_size=(128, 128), min_size=8, tiny={"width": 0.25})
def espcn(image: Any, channels: int, *, width: float = 1.0, scale: int = 3) -> Any:
    """Two convolutions with tanh, and one to sub-pixels.

    Args:
        image: N×H×W×C, 0–255, RGB or grey.
        channels: of the answer; it has as many as the image.
        width: multiplies the maps.
        scale: how many times as large the answer is; the paper's tables are of 3 first.

    Returns:
        N×sH×sW×C in 0–255, not cut off there.
    """

    def network(x: Any) -> Any:
        for name, maps, kernel in PARTS:
            x = keras.layers.Conv2D(round(width * maps), kernel, padding="same", activation="tanh", name=name)(x)
        x = keras.layers.Conv2D(scale**2, 3, padding="same", name="conv3")(x)
        return layers.PixelShuffle(scale, name="pixels")(x)

    return on_luma(layers.BicubicEnlarge(scale, name="enlarge")(image), image, network)
