"""RED-Net: a deep autoencoder of convolutions and mirrored deconvolutions, with symmetric skips (Mao, Shen & Yang, 2016).

    picture ─ conv ─ conv ─ … ─ conv ─ deconv ─ … ─ deconv ─ deconv ─+─ picture
        │              └──────────────────────────────+                │
        └──────────────────────────────────────────────────────────────┘

Half of the layers are 3×3 convolutions, half 3×3 deconvolutions, of 64 maps each and without a stride, so that nothing is lost
on the way; a ReLU follows each but the last. Every second convolution's map is added to the deconvolution that mirrors it,
before its ReLU, and the picture to the answer. Of ten layers there are no skips, as in the paper: what they do shows beside it.

The same network frees of noise, of blur and of JPEG's blocks; for super-resolution (`scale`) the picture is enlarged first. The
paper's is of grey pictures, which is what its numbers of parameters are counted for; here RGB is seen and given unless
`input_shape` says otherwise. Values are divided by 255 inside. The authors' released models have 128 maps: `width`.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip Connections", "Mao et al.",
    2016, "https://arxiv.org/abs/1603.09056",
)  # fmt: skip
VARIANTS = {
    "rednet10": Variant(options={"depth": 5, "skips": None}),
    "rednet20": Variant(options={"depth": 10}),
    "rednet30": Variant(options={"depth": 15}),
}


@register(VARIANTS, task="restoration", paper=PAPER, input_size=(50, 50), min_size=8, tiny={"width": 8, "depth": 4})
def rednet(image: Any, channels: int, *, depth: int, width: int = 64, skips: int | None = 2, scale: int = 1) -> Any:
    """Convolutions, and deconvolutions that mirror them.

    Args:
        image: N×H×W×C, 0–255, RGB or grey.
        channels: of the answer; it has as many as the image.
        depth: how many convolutions, and how many deconvolutions.
        width: maps of each.
        skips: layers from one skip to the next; None for none at all, that of the picture included.
        scale: enlarge the picture so many times first.

    Returns:
        N×sH×sW×C in 0–255, not cut off there.
    """
    if scale > 1:
        image = layers.BicubicEnlarge(scale, name="enlarge")(image)
    x = picture = keras.layers.Rescaling(1 / 255, name="normalise")(image)
    mirrored = {}
    for number in range(1, depth + 1):
        name = f"conv{number}"
        x = relu(keras.layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=name)(x), name)
        if skips and number % skips == 0 and number < depth:
            mirrored[number] = x
    for number in range(depth, 0, -1):
        name, last = f"deconv{number}", number == 1
        filters = picture.shape[-1] if last else width
        start = "glorot_uniform" if last else "he_normal"
        x = keras.layers.Conv2DTranspose(filters, 3, padding="same", kernel_initializer=start, name=name)(x)
        if number - 1 in mirrored:
            x = keras.layers.Add(name=f"skip{number - 1}")([x, mirrored[number - 1]])
        if not last:
            x = relu(x, name)
    if skips:
        x = keras.layers.Add(name="skip0")([x, picture])
    return keras.layers.Rescaling(255.0, name="levels")(x)


def relu(x: Any, name: str) -> Any:
    """The activation behind a layer."""
    return keras.layers.ReLU(name=f"{name}_relu")(x)
