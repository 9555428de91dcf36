"""SRCNN: three convolutions over a picture that was enlarged before (Dong, Loy, He & Tang, 2014 and 2016).

Patches are extracted, mapped, and put together: 9×9 convolutions to 64 maps, 1×1 (or 5×5) to 32, 5×5 to the luma, a ReLU after
the first two. `srcnn` is the paper's 9-1-5 of 8,129 parameters, `srcnn_955` its best 9-5-5 of 57,281.

The network sees and gives the luma; colours are enlarged bicubically. The paper starts from weights of a normal distribution
with a deviation of 0.001 and trains at rates that differ by layer; here the start is Keras's, which needs neither. It learns
without padding; here zeros stand around the picture, in learning too, so that any size comes out as large as it should be.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.luma import on_luma
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper("Image Super-Resolution Using Deep Convolutional Networks", "Dong et al.", 2016, "https://arxiv.org/abs/1501.00092")
VARIANTS = {
    "srcnn": Variant(options={"kernels": (9, 1, 5)}),
    "srcnn_955": Variant(options={"kernels": (9, 5, 5)}),
}
MAPS = (64, 32)
NAMES = ("extract", "map", "reconstruct")


@register(VARIANTS, task="super_resolution", paper=PAPER, input_size=(128, 128), min_size=8, tiny={"width": 0.25})
def srcnn(image: Any, channels: int, *, kernels: tuple[int, int, int], width: float = 1.0, scale: int = 2) -> Any:
    """The picture enlarged, and three convolutions.

    Args:
        image: N×H×W×C, 0–255, RGB or grey.
        channels: of the answer; it has as many as the image.
        kernels: sides of the three.
        width: multiplies the maps.
        scale: how many times as large the answer is.

    Returns:
        N×sH×sW×C in 0–255, not cut off there.
    """
    enlarged = layers.BicubicEnlarge(scale, name="enlarge")(image)

    def network(x: Any) -> Any:
        for name, kernel, maps in zip(NAMES, kernels, MAPS, strict=False):
            x = keras.layers.Conv2D(round(width * maps), kernel, padding="same", activation="relu", name=name)(x)
        return keras.layers.Conv2D(1, kernels[-1], padding="same", name=NAMES[-1])(x)

    return on_luma(enlarged, enlarged, network)
