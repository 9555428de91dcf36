"""Shallow saliency network: three convolutions and two dense layers that draw a small map at once.

Pan, Sayrol, Giró-i-Nieto, McGuinness & O'Connor, "Shallow and Deep Convolutional Networks for Saliency Prediction", CVPR 2016.

Faithful to the authors' train.py: unpadded convolutions of 5, 3 and 3, each with a 2×2 max pooling; 4,608 hidden units, of
which the greater of every two goes on (maxout); 48×48 places in one dense layer; 34,864,384 parameters at 96×96. Pictures are
squeezed into the network's square. (The paper's text says 64.4 million, which no reading of its table gives.)
Different: the answer is enlarged to the picture, and is log-odds of heat as of every network of this task; the authors' is a
number from −1 to 1, the range in which `zoo.losses.saliency.EuclideanMapLoss`, their loss, teaches it.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Shallow and Deep Convolutional Networks for Saliency Prediction", "Pan et al.", 2016, "https://arxiv.org/abs/1603.00845"
)
VARIANTS = {"saliency_shallow": Variant()}
STAGES = ((32, 5), (64, 3), (64, 3))  # channels and kernel
MAXOUT = 2  # hidden units that one place goes on from


@register(
    VARIANTS,
    task="saliency",
    paper=PAPER,
    input_size=(96, 96),
    fixed_size=True,
    tiny={"width": 0.25, "side": 12},
)
def saliency_shallow(image: Any, channels: int, *, width: float = 1.0, side: int = 48) -> Any:
    """Three stages → maxout of a hidden layer → a map of side×side → enlarged to the image.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        channels: maps of heat, 1.
        width: multiplies the convolutions' channels.
        side: of the map.

    Returns:
        N×H×W×channels log-odds.
    """
    x = keras.layers.Rescaling(1 / 255, name="normalise")(image)
    for number, (n, kernel) in enumerate(STAGES, start=1):
        x = keras.layers.Conv2D(int(n * width), kernel, activation="relu", name=f"conv{number}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    places = side * side * channels
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(MAXOUT * places, activation="relu", name="hidden4")(x)
    x = keras.layers.Reshape((places, MAXOUT, 1), name="pairs")(x)
    x = keras.layers.MaxPooling2D((1, MAXOUT), name="maxout")(x)
    x = keras.layers.Flatten(name="greater")(x)
    x = keras.layers.Dense(places, name="output")(x)
    x = keras.layers.Reshape((side, side, channels), name="map")(x)
    return layers.ResizeLike(name="up")([x, image])
