"""Networks that watch films, untrained, but with weights so large that they say something."""

from __future__ import annotations

import keras
import numpy as np
from caption_models import blobs

import zoo
from zoo.data import Dataset, Sample
from zoo.data.datasets.scenes_events import EVENTS, FRAMES
from zoo.data.targets import Tokens
from zoo.training.batchnorm import recalibrate_batchnorm

SIDE = 32
_OPTIONS = {"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 4, "units": 12}


class Films(Dataset):
    """Films that nobody labeled, to measure ranges on."""

    name, task, target, classes, channels = "films", "frame_labels", Tokens, EVENTS, 3 * FRAMES

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Sample:
        return Sample(film(FRAMES, seed=index), Tokens(np.zeros(FRAMES, np.int32)), str(index))


def film(frames: int, seed: int) -> np.ndarray:
    """uint8 H×W×3k: another picture in each frame."""
    return np.concatenate(list(blobs(frames, SIDE, seed)), axis=-1)


def watcher(frames: int = FRAMES) -> keras.Model:
    """An untrained network of films of so many frames; of FRAMES its weights are large."""
    keras.utils.set_random_seed(4)
    model = zoo.build("frame_labels", frames=frames, input_shape=(SIDE, SIDE, 3 * frames), **_OPTIONS)
    if frames == FRAMES:
        recalibrate_batchnorm(model, [np.stack([film(FRAMES, seed) for seed in range(4)]).astype("float32")])
        for name, factor in (("narrow", 3), ("scores", 6)):
            layer = model.get_layer(name)
            layer.set_weights([factor * weight for weight in layer.get_weights()])
    return model
