"""FSRCNN: convolutions over the small picture, and one deconvolution that enlarges (Dong, Loy & Tang, 2016).

Features are extracted by 5×5 to d maps, shrunk by 1×1 to s, mapped m times by 3×3, expanded by 1×1 to d, and put together by
a 9×9 deconvolution whose stride is the scale; a PReLU with a slope for each map follows all but the last. `fsrcnn` is the
paper's (d, s, m) = (56, 12, 4), `fsrcnn_s` its (32, 5, 1) for real time. The paper counts weights alone, 12,464 and 3,937;
biases and slopes come to that.

The network sees and gives the luma; colours are enlarged bicubically. Only the deconvolution knows the scale, so that a network
for another one starts from all the rest: `zoo.build("fsrcnn", scale=3, init=…)`.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.luma import on_luma
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper("Accelerating the Super-Resolution Convolutional Neural Network", "Dong et al.", 2016, "https://arxiv.org/abs/1608.00367")
VARIANTS = {
    "fsrcnn": Variant(options={"maps": (56, 12), "mappings": 4}),
    "fsrcnn_s": Variant(options={"maps": (32, 5), "mappings": 1}),
}
TINY = {"maps": (8, 4), "mappings": 2}


@register(VARIANTS, task="super_resolution", paper=PAPER, input_size=(128, 128), min_size=8, tiny=TINY)
def fsrcnn(image: Any, channels: int, *, maps: tuple[int, int], mappings: int, scale: int = 2) -> Any:
    """Five parts: extraction, shrinking, mapping, expanding, deconvolution.

    Args:
        image: N×H×W×C, 0–255, RGB or grey.
        channels: of the answer; it has as many as the image.
        maps: d and s.
        mappings: m.
        scale: how many times as large the answer is.

    Returns:
        N×sH×sW×C in 0–255, not cut off there.
    """
    many, few = maps

    def network(x: Any) -> Any:
        x = convolution(x, many, 5, "extract")
        x = convolution(x, few, 1, "shrink")
        for number in range(1, mappings + 1):
            x = convolution(x, few, 3, f"map{number}")
        x = convolution(x, many, 1, "expand")
        return keras.layers.Conv2DTranspose(1, 9, scale, padding="same", name="deconvolution")(x)

    return on_luma(layers.BicubicEnlarge(scale, name="enlarge")(image), image, network)


def convolution(x: Any, maps: int, kernel: int, name: str) -> Any:
    """Convolution and PReLU."""
    x = keras.layers.Conv2D(maps, kernel, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.PReLU(shared_axes=[1, 2], name=f"{name}_prelu")(x)
