"""Integer files that the backend of this process writes, and a network that it trains with the file's rounding."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from converter_models import SIZE, pictures, segmenter

import converters

FORMS = {
    "int8": {"recipe": "int8"},
    "mixed": {"recipe": "int8", "keep_float": "score", "keep_int16": ["wide"]},
    "int16x8": {"recipe": "int16x8"},
    "weights4": {"recipe": "weights4"},
}


def write(model: keras.Model, folder: Path) -> None:
    """Every form of the model, as NAME.tflite."""
    for name, options in FORMS.items():
        images = None if name == "weights4" else pictures(8)
        converters.to_tflite(model, folder / f"{name}.tflite", input_size=SIZE, calibration=images, **options)


class Batches(keras.utils.PyDataset):
    """Four pictures, and that all of them are 1."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return pictures(4, (16, 16)).astype("float32"), np.ones((4, 16, 16, 2), "float32")


def small() -> keras.Model:
    """A convolution and a depthwise one: what trains has to be compiled, which takes JAX long."""
    layers = [keras.layers.Conv2D(4, 3, padding="same", activation="relu"), keras.layers.DepthwiseConv2D(3, padding="same")]
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Rescaling(1 / 255), *layers, keras.layers.Conv2D(2, 1)])


def squared(targets, logits):
    return keras.ops.mean(keras.ops.square(targets - logits))


def all_of_it(folder: Path) -> list[float]:
    """Every form of the network whose weights.npz lies in the folder, and trained.tflite of one that learns with the file's
    rounding, with what it says itself as trained.npy; gives its losses."""
    model = segmenter(size=SIZE)
    with np.load(folder / "weights.npz") as weights:
        model.set_weights([weights[name] for name in weights.files])
    write(model, folder)
    keras.utils.set_random_seed(0)
    network = converters.quantize_aware(small(), pictures(8, (16, 16)))
    losses = converters.fine_tune(network, Batches(), squared, epochs=4, rate=1e-2, verbose=0)
    converters.to_tflite(network, folder / "trained.tflite", "int8")
    np.save(folder / "trained.npy", keras.ops.convert_to_numpy(network(pictures(2, (16, 16)).astype("float32"))))
    return losses
