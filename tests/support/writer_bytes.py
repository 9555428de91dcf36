"""Converts tiny networks in a process without TensorFlow, and tells the digest of each file.

    KERAS_BACKEND=jax python writer_bytes.py FOLDER NAME … --forms NAME …

Those behind --forms are written in every form, others in float32 alone. Weights depend on their shapes and places, so that
every backend has the same. In the folder `integers_toy` does its part.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

ABSENT = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "tf2onnx")
RECIPES = ("float32", "float16", "dynamic")


def digests(name: str, folder: Path, recipes: Sequence[str] = RECIPES) -> dict[str, str]:
    """By recipe, the digest of a tiny network's file."""
    import keras
    import numpy as np
    from tiny_models import tiny

    import converters

    keras.backend.clear_session()
    model, random = tiny(name, (64, 64)), np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 0.5, weight.shape).astype("float32") for weight in model.weights])
    result = {}
    for recipe in recipes:
        path = converters.to_tflite(model, folder / f"{recipe}.tflite", recipe).path
        result[recipe] = hashlib.sha256(path.read_bytes()).hexdigest()
    return result


class Absent:
    """A finder by which some packages cannot be imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in ABSENT else None

    def create_module(self, spec: ModuleSpec) -> None:
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module: object) -> None:
        """Nothing: there is no module."""


def main(arguments: list[str]) -> None:
    """Prints a JSON object: digests by network and recipe, and the losses of `integers_toy`."""
    sys.meta_path.insert(0, Absent())
    import integers_toy
    from quick_jax import drawn_as_zeros

    gc.freeze()  # as in tests/conftest.py
    place = arguments.index("--forms")
    with tempfile.TemporaryDirectory() as folder, drawn_as_zeros():
        result = {name: digests(name, Path(folder), RECIPES[:1]) for name in arguments[1:place]}
        result |= {name: digests(name, Path(folder)) for name in arguments[place + 1 :]}
    losses = integers_toy.all_of_it(Path(arguments[0]))
    assert not sys.modules.keys() & set(ABSENT)
    print(json.dumps({"digests": result, "losses": losses}))


if __name__ == "__main__":
    main(sys.argv[1:])
