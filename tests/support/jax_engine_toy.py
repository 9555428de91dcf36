"""Writes networks by engine "jax" in a process of its own, with Keras on JAX, and tells what came of it as JSON."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np

import converters
from zoo.errors import InputError

L, ops = keras.layers, keras.ops
SIZE = (12, 16)


class Erf(L.Layer):
    """A layer that our own writer does not know."""

    def call(self, x):
        return ops.erf(x)


def unknown_layer() -> keras.Model:
    """One, behind a normalization and before bilinear resizing, with two outputs whose names are not in their order."""
    image = keras.Input((*SIZE, 3), name="image")
    x = Erf(name="gauss")(L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(L.Rescaling(1 / 127.5, -1)(image))))
    x = L.UpSampling2D(2, interpolation="bilinear")(x)
    return keras.Model(image, {"scores": L.Conv2D(4, 1, name="scores")(x), "edges": L.Conv2D(2, 1, name="edges")(x)})


def main(folder: Path) -> None:
    """What our writer says of it; the operators and answers of the file; what else the engine refuses."""
    keras.utils.set_random_seed(0)
    model, result = unknown_layer(), {}
    images = np.random.default_rng(1).integers(0, 256, (2, *SIZE, 3), np.uint8)
    refused = {"direct": {"engine": "direct"}, "int8": {"engine": "jax", "recipe": "int8", "calibration": images}}
    for name, options in refused.items():
        try:
            converters.to_tflite(model, folder / "a.tflite", **options)
        except InputError as error:
            result[name] = str(error)
    made = [converters.to_tflite(model, folder / f"{name}.tflite", engine="jax", batch=2) for name in "bc"]
    result["operators"] = dict(made[0].operators)
    result["same bytes"] = made[0].path.read_bytes() == made[1].path.read_bytes()
    single = converters.to_tflite(model, folder / "d.tflite", engine="jax")
    result["parity"] = {row.output: row.measures["relative"] for row in converters.parity(model, single, images).outputs}
    print(json.dumps(result))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
