"""Bottleneck autoencoder: a picture through a narrow place and back, without any way around it.

No paper of its own; it is the lectures' first autoencoder, in convolutions (Hinton & Salakhutdinov, 2006; Vincent et al., 2008,
for a picture made clean of a noisy one). What it loses, the narrow place loses: it is there to be compared with RED-Net, whose
skips go around.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.paper import Paper
from zoo.registry import Variant, register

INSPIRED_BY = (
    Paper("Reducing the Dimensionality of Data with Neural Networks", "Hinton & Salakhutdinov", 2006, "https://doi.org/10.1126/science.1127647"),
    Paper("Extracting and Composing Robust Features with Denoising Autoencoders", "Vincent et al.", 2008, "https://doi.org/10.1145/1390156.1390294"),
)  # fmt: skip
VARIANTS = {
    "bottleneck_autoencoder": Variant(),
}


@register(
    VARIANTS,
    task="restoration",
    paper=None,
    inspired_by=INSPIRED_BY,
    input_size=(128, 128),
    min_size=8,
    tiny={"width": 8, "code": 8},
)
def bottleneck_autoencoder(image: Any, channels: int, *, width: int = 32, stages: int = 3, code: int = 16) -> Any:
    """Half the size and twice the channels at each stage, a narrow code, and the same way back.

    Args:
        image: N×H×W×C, 0–255.
        channels: of the answer; it has as many as the image.
        width: channels of the first stage.
        stages: how often the sides are halved.
        code: channels of the narrow place: with three stages, 16 numbers stand for 8×8 pixels.

    Returns:
        N×H×W×C in 0–255, not cut off there.
    """
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    references = []
    for stage in range(1, stages + 1):
        references.append(x)
        x = keras.layers.Conv2D(width * 2 ** (stage - 1), 3, 2, padding="same", activation="relu", name=f"down{stage}")(x)
    x = keras.layers.Conv2D(code, 1, name="code")(x)
    for stage in range(stages, 0, -1):
        filters = width * 2 ** (stage - 1)
        x = keras.layers.Conv2DTranspose(filters, 4, 2, padding="same", activation="relu", name=f"up{stage}")(x)
        x = layers.CropLike(name=f"up{stage}_crop")([x, references[stage - 1]])
    x = keras.layers.Conv2D(image.shape[-1], 3, padding="same", name="picture")(x)
    return keras.layers.Rescaling(127.5, offset=127.5, name="levels")(x)
