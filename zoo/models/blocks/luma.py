"""Networks that see the luma alone, put into a picture of colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo import layers
from zoo.lazy import keras

BRIGHTEST = 255.0


def on_luma(enlarged: Any, seen: Any, network: Callable[[Any], Any]) -> Any:
    """The picture with the luma that a network makes of it.

    What the new luma adds to the old one is added to R, G and B alike, so that the colours stay as they were: papers that
    enlarge the two channels of colour by interpolation do the same.

    Args:
        enlarged: N×H×W×C at the answer's size, 0–255, RGB or grey.
        seen: what the network is shown, a picture of any size.
        network: from its luma in 0–1 to the answer's, N×H×W×1.

    Returns:
        N×H×W×C in 0–255, not cut off there.
    """
    luma = layers.Luma(name="luma")(seen)
    answer = network(keras.layers.Rescaling(1 / BRIGHTEST, name="normalise")(luma))
    answer = keras.layers.Rescaling(BRIGHTEST, name="levels")(answer)
    if enlarged.shape[-1] == 1:
        return answer
    old = luma if enlarged is seen else layers.Luma(name="luma_enlarged")(enlarged)
    difference = keras.layers.Subtract(name="difference")([answer, old])
    return keras.layers.Add(name="coloured")([enlarged, difference])
