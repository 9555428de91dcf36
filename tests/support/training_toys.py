"""A data set and networks so small that a training run takes a second. Also run as a program, to be killed while it trains."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

import zoo
from zoo.data import Dataset, Sample
from zoo.layers import ModelOutput
from zoo.outputs.class_scores import class_output

LABELS = ("dark", "red", "green")
SIZE = 16


class Blocks(Dataset):
    """Pictures of two coloured blocks on a dark ground; a stripe of each target is ignored."""

    name, classes, palette, ignore = "blocks", LABELS, ((0, 0, 0), (255, 0, 0), (0, 255, 0)), 255

    def __init__(self, count: int = 12, seed: int = 0, size: int = SIZE) -> None:
        self._samples = [self._make(np.random.default_rng((seed, i)), size, i) for i in range(count)]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]

    def _make(self, rng: np.random.Generator, size: int, index: int) -> Sample:
        target = np.zeros((size, size), np.uint8)
        for label in (1, 2):
            top, left = rng.integers(0, size // 2, 2)
            target[top : top + size // 2, left : left + size // 2] = label
        colours = np.array([(40, 40, 40), (150, 60, 60), (60, 150, 60)])
        image = np.clip(colours[target] + rng.normal(0, 25, (size, size, 3)), 0, 255).astype(np.uint8)
        target[:2] = self.ignore
        return Sample(image, target, f"blocks {index}")


def network(
    output: str | None = "logits",
    seed: int = 0,
    dropout: float = 0.2,
    size: int | None = None,
    classes: int = len(LABELS),
) -> keras.Model:
    """Two convolutions with batch normalisation and dropout: 147 parameters for three classes."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="encoder_conv")(x)
    x = keras.layers.BatchNormalization(name="encoder_norm")(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Conv2D(classes, 1, name="classifier")(x)
    if output is not None:
        labels = LABELS if classes == len(LABELS) else [f"class {i}" for i in range(classes)]
        x = ModelOutput("segmentation", class_output(labels, output=output))(x)
    return keras.Model(image, x, name="toy")


RUN = {"epochs": 6, "batch_size": 4, "learning_rate": 0.02, "seed": 3, "verbose": 0}


def main(folder: str) -> None:
    """The run that gets killed: says when it begins, so that the killer's clock does not run while TensorFlow loads."""
    model = network()
    print("ready", flush=True)
    result = zoo.train(model, Blocks(), Blocks(4, seed=1), folder=folder, ema=0.9, augment=zoo.data.Augment(), **RUN)
    np.savez(Path(folder) / "end.npz", *(keras.ops.convert_to_numpy(v) for v in model.variables))
    print("finished", result.best, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
