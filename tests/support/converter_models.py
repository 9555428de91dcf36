"""Tiny networks that the converters' tests share, and pictures for them."""

from __future__ import annotations

import keras
import numpy as np

from zoo.layers import ModelOutput, ResizeLike
from zoo.outputs.class_scores import class_output

L = keras.layers
LABELS = ("background", "red", "green", "blue")
SIZE = (32, 48)


def pictures(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """Coloured blocks of 8 pixels, uint8 N×H×W×3: smooth enough that a stride sees what the eye sees."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, -(-size[0] // 8), -(-size[1] // 8), 3))
    return coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : size[0], : size[1]].astype(np.uint8)


def segmenter(output: str = "logits", size: tuple[int | None, int | None] = (None, None), seed: int = 0) -> keras.Model:
    """An encoder and decoder of 2,000 parameters with what mobile networks are made of; answers differ per picture."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((*size, 3), name="image")
    x = L.Rescaling(1 / 127.5, -1, name="scale")(image)
    skip = L.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    x = L.Conv2D(12, 3, strides=2, padding="same", use_bias=False, name="down")(skip)
    x = L.ReLU(6.0, name="down_relu")(L.BatchNormalization(name="down_bn")(x))
    x = L.DepthwiseConv2D(3, padding="same", dilation_rate=2, name="wide")(x)
    gate = L.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = L.Activation("hard_sigmoid", name="gate")(L.Conv2D(12, 1, name="excite")(gate))
    x = L.Multiply(name="weighted")([x, gate])
    x = ResizeLike(name="up")([x, skip])
    x = L.Conv2D(len(LABELS), 1, name="score")(L.Concatenate(name="join")([x, skip]))
    model = keras.Model(image, ModelOutput("segmentation", class_output(LABELS, output=output), name="answer")(x), name="tiny")
    images = pictures(8, tuple(side or 32 for side in size), seed=9).astype("float32")
    model.get_layer("down_bn").momentum = 0.0
    model(images, training=True)
    # Scores of the same mean and spread for every class, so that each is somewhere the best.
    scores, score = keras.Model(image, x)(images), model.get_layer("score")
    gain = 1 / keras.ops.std(scores, axis=(0, 1, 2))
    score.bias.assign((score.bias - keras.ops.mean(scores, axis=(0, 1, 2))) * gain)
    score.kernel.assign(score.kernel * gain)
    return model
