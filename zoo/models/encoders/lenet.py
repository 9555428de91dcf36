"""LeNet-5: convolution, subsampling, twice, and a small classifier. It read cheques.

LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, figure 2.

Faithful: layers and channels, unpadded 5×5 convolutions, averages as subsampling, the paper's scaled tanh everywhere; 61,706
parameters at 32×32×1. Input levels: black in the byte's sense (0) becomes −0.1 and 255 becomes 1.175, as for MNIST's white
ink on black.
Different: C3 sees all six maps of S2 (the paper's table 1 leaves out some, 60,000 parameters); S2 and S4 have no
trainable coefficients and no squashing; the last layer gives logits instead of distances to drawn prototypes.
`padding="same"` makes the features keep to the ⌈H/s⌉ grid, which decoders want.
"""

from __future__ import annotations

from typing import Any

from zoo.lazy import keras
from zoo.models.encoders import Features, register_encoder
from zoo.outputs.class_names import DIGITS
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper(
    "Gradient-Based Learning Applied to Document Recognition",
    "LeCun, Bottou, Bengio & Haffner",
    1998,
    "https://doi.org/10.1109/5.726791",
)
VARIANTS = {"lenet5": Variant()}
DARK, BRIGHT = -0.1, 1.175  # what 0 and 255 become: mean about 0, variance about 1 over a page


def squash(x: Any, name: str) -> Any:
    """1.7159 tanh(2/3 x): its gain is 1 at ±1. Appendix A of the paper."""
    x = keras.layers.Rescaling(2 / 3, name=f"{name}_gain")(x)
    x = keras.layers.Activation("tanh", name=f"{name}_tanh")(x)
    return keras.layers.Rescaling(1.7159, name=f"{name}_squash")(x)


def lenet_top(features: Features, classes: int) -> Any:
    """C5, F6 and the output. C5 is a 5×5 convolution in the paper; on its 5×5 map that is a dense layer."""
    x = keras.layers.Flatten(name="flatten")(features.deepest)
    x = squash(keras.layers.Dense(120, name="c5")(x), "c5")
    x = squash(keras.layers.Dense(84, name="f6")(x), "f6")
    return keras.layers.Dense(classes, name="output")(x)


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=lenet_top,
    strides=(2, 4),
    input_size=(32, 32),
    channels=1,
    classes=DIGITS,
    fixed_size=True,
    min_size=16,
)
def lenet(image: Any, *, padding: str = "valid") -> Features:
    """C1, S2, C3, S4.

    Args:
        image: N×H×W×C, 0–255, ink bright.
        padding: of convolutions and subsampling: "valid" as published, "same" for features on the ⌈H/s⌉ grid.

    Returns:
        s2 (S2, 6 channels), s4 (S4, 16 channels).
    """
    x = keras.layers.Rescaling((BRIGHT - DARK) / 255, offset=DARK, name="normalise")(image)
    x = squash(keras.layers.Conv2D(6, 5, padding=padding, name="c1")(x), "c1")
    s2 = keras.layers.AveragePooling2D(2, padding=padding, name="s2")(x)
    x = squash(keras.layers.Conv2D(16, 5, padding=padding, name="c3")(s2), "c3")
    return Features(s2=s2, s4=keras.layers.AveragePooling2D(2, padding=padding, name="s4")(x))
