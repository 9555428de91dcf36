"""Networks that say sentences, untrained, but with weights so large that they say something of a picture."""

from __future__ import annotations

import keras
import numpy as np

import zoo
from zoo.outputs.vocabulary import SENTENCES
from zoo.training.batchnorm import recalibrate_batchnorm

LABELS = (*SENTENCES, "a", "dark", "bright", "blue", "spot")
LENGTH, SIDE = 6, 64
TINY = {"encoder_options": {"width": 0.1}, "units": 12, "embedding": 8, "length": LENGTH, "input_shape": (SIDE, SIDE, 3)}
OPTIONS = {"show_attend_tell": {"attention": 6, "stride": 8}, "show_and_tell": {}}


def blobs(count: int = 6, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """uint8 N×H×W×3: a soft spot of some colour on another, in each picture elsewhere."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    pictures = []
    for _ in range(count):
        x, y, ground, colour = *random.uniform(0.2, 0.8, 2), *random.uniform(0, 255, (2, 3))
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 0.03)[..., None]
        pictures.append(ground * (1 - spot) + colour * spot)
    return np.stack(pictures).astype(np.uint8)


def captioner(name: str = "show_attend_tell", seed: int = 1, **options) -> keras.Model:
    """An untrained network of `LABELS` that says different things of `blobs`, and does not end at once."""
    keras.utils.set_random_seed(seed)
    model = zoo.build(name, classes=LABELS, **{**TINY, **OPTIONS[name], **options})
    recalibrate_batchnorm(model, [blobs(16, model.input_shape[1]).astype("float32")])
    decoder = model.get_layer("decoder")
    for weight in decoder.weights:
        if any(part in weight.path for part in ("kernel", "embeddings", "energy")):
            weight.assign(weight * (8.0 if "embeddings" in weight.path else 2.5))
    decoder.scores.bias.assign(np.array([-9, -9, -2, 0, 0, 0, 0, 0], np.float32))
    return model
