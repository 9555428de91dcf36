"""Deep supervision: small segmenters on an encoder's features, which train it from closer by and vanish afterwards.

Zhao et al., "Pyramid Scene Parsing Network", 2017, section 3.3, from where the weight is; the head is torchvision's
`FCNHead`: a 3×3 convolution to a quarter of the channels, batch normalisation, ReLU, dropout of 0.1 and the scores,
interpolated to the image. A decoder offers it as its option `auxiliary`, the strides at which heads are wanted, and ends in

    return deeply_supervised(logits, image, features, auxiliary)

`zoo.train` then trains the heads with the network and leaves a model without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.encoders import Features

WEIGHT = 0.4  # of a head's loss beside the answer's 1


def deeply_supervised(logits: Any, image: Any, features: Features, strides: Sequence[int]) -> Any:
    """The logits, with auxiliary heads on the features of the given strides; the logits alone for none.

    Args:
        logits: N×H×W×classes.
        image: N×H×W×C, whose resolution heads answer at.
        features: of the encoder, on the image's grid.
        strides: of the features that get a head, such as (16,).

    Raises:
        InputError: if there is no feature of one of these strides.
    """
    if not strides:
        return logits
    heads = [
        head(x, image, logits.shape[-1], f"auxiliary_s{stride}")
        for stride, x in zip(strides, features.at(*strides), strict=True)
    ]
    return layers.AuxiliaryHeads([WEIGHT] * len(heads), name="auxiliary_heads")([logits, *heads])


def head(x: Any, image: Any, classes: int, name: str) -> Any:
    """Scores of one feature at the image's resolution."""
    x = keras.layers.Conv2D(max(1, x.shape[-1] // 4), 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = keras.layers.Dropout(0.1, name=f"{name}_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name=f"{name}_score")(x)
    return layers.ResizeLike(name=f"{name}_resize")([x, image])
