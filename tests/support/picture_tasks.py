"""Toys over the kinds image and vector_field: a network that doubles a picture's size, and one with two outputs."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from zoo import tasks
from zoo.data import Dataset, Sample
from zoo.data.datasets.scenes import Scenes
from zoo.data.targets import Mask
from zoo.layers import ModelOutput
from zoo.metrics import Metric, Score
from zoo.metrics.classes import ClassAgreement
from zoo.outputs.class_scores import class_output
from zoo.tasks.segmentation import Segmentation

MASKS = ("warm", "bright")  # not in the order of the alphabet, in which Keras has the outputs of a dict


def doubling_network(seed: int = 0) -> keras.Model:
    """Super-resolution by 2: the bilinear enlargement, and what two convolutions add to it."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3), name="image")
    large = keras.layers.UpSampling2D(2, interpolation="bilinear")(image)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(large)
    x = keras.layers.Conv2D(12, 3, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))(x)
    x = keras.layers.Add()([large, keras.layers.Rescaling(32.0)(x)])
    spec = replace(tasks.get("restoration").output_spec(), scale=2)
    return keras.Model(image, ModelOutput("restoration", spec)(x), name="doubling")


class EachOutput(Metric):
    """The accuracy of each of two class maps by name, and the mean of both first."""

    def __init__(self) -> None:
        self._parts = {name: ClassAgreement(("no", "yes"), None, {name: "pixel_accuracy"}) for name in MASKS}

    def update(self, target, answer) -> None:
        for name, part in self._parts.items():
            part.update(target[name], answer[name])

    def merge(self, other: EachOutput) -> EachOutput:
        raise NotImplementedError

    def scores(self) -> list[Score]:
        parts = [score for part in self._parts.values() for score in part.scores()]
        return [Score("mean_accuracy", float(np.mean([score.value for score in parts]))), *parts]


class TwoMasks(Segmentation):
    """Two class maps of one picture."""

    name, headline = "two_masks", "mean_accuracy"

    def metrics(self, dataset: Dataset, **wishes) -> list[Metric]:
        return [EachOutput()]


class WarmAndBright(Dataset):
    """Scenes with two masks: whether a pixel has more red than blue, and whether it is bright."""

    name, task, target = "warm and bright", "two_masks", dict.fromkeys(MASKS, Mask)
    classes, palette = ("no", "yes"), ((0, 0, 0), (255, 255, 255))

    def __init__(self, count: int, split: str = "train") -> None:
        self._scenes = Scenes(count, 32, split=split)

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> Sample:
        image, _, name = self._scenes[index]
        warm, bright = image[..., 0] > image[..., 2], image.mean(axis=-1) > 127
        return Sample(image, {"warm": Mask(warm.astype(np.uint8)), "bright": Mask(bright.astype(np.uint8))}, name)


def two_outputs(seed: int = 0) -> keras.Model:
    """A trunk and two outputs by name."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    ends = {}
    for name in MASKS:
        logits = keras.layers.Conv2D(2, 1, name=f"{name}_scores")(x)
        spec = replace(class_output(("no", "yes")), name=name)
        ends[name] = ModelOutput("two_masks", spec, name=name)(logits)
    return keras.Model(image, ends, name="two_outputs")
