"""densezoo.json: what a file says of itself, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

import zoo
from converters.graph import as_functional
from converters.quantization.calibration import Calibration
from converters.specs import input_specs, output_specs, specs_at_size, task_of
from converters.tf_keras.origin import is_tf_keras
from converters.tflite import file as tflite_file
from converters.tflite.writer.weights import numbers
from zoo.errors import InputError


def describe(
    model: keras.Model,
    shape: tuple[int | None, ...],
    overrides: Mapping[str, Any],
    name: str,
    images: Calibration | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """The content of densezoo.json.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        shape: of the file's input, N×H×W×C.
        overrides: task, labels and palette from the caller, None for the model's own.
        name: of the network.
        images: that ranges were measured on.
        **facts: recipe, io and scores.
    """
    size = None if None in shape[1:3] else (int(shape[1]), int(shape[2]))
    image, *others = input_specs(model)
    inputs = [replace(image, size=size, channels=int(shape[3])), *others]
    outputs = specs_at_size(model, output_specs(model, overrides["labels"], overrides["palette"]), shape)
    task = overrides["task"] or task_of(model)
    extent = "any size" if size is None else f"{size[0]}×{size[1]}"
    return {
        "format": tflite_file.FORMAT,
        "name": name,
        "task": task,
        "inputs": [spec.to_dict() for spec in inputs],
        "outputs": [spec.to_dict() for spec in outputs],
        **facts,
        "license": "",
        "description": f"{task} by {name}, {facts['recipe']}, {extent}; densezoo",
        "provenance": _provenance(model, images),
    }


def state_shapes(model: keras.Model, batch: int) -> list[tuple[int, ...]]:
    """The shapes of the inputs behind the first, for so many items at a time.

    Raises:
        InputError: for a state of open shape.
    """
    shapes = [(batch, *tensor.shape[1:]) for tensor in model.inputs[1:]]
    if any(None in shape for shape in shapes):
        raise InputError(f"model '{model.name}' takes states {shapes}; expected N×units, units known")
    return shapes


def output_names(description: Mapping[str, Any]) -> list[str]:
    """The names of the outputs, in the model's order."""
    return [spec["name"] for spec in description["outputs"]]


def check_size(model: keras.Model, input_size: tuple[int, int] | None) -> tuple[int, int | None, int | None, int]:
    """The shape of the file's first input, N×H×W×C: the model's, with H and W as asked for.

    Raises:
        InputError: for a model that is not an image's, a size that it does not take, or inputs beside it that are no states.
    """
    inputs = model.inputs if is_tf_keras(model) else as_functional(model).inputs
    if [tensor.name for tensor in inputs[1:]] != [spec.name for spec in input_specs(model)[1:] if spec.feedback]:
        raise InputError(
            f"model '{model.name}' has {len(inputs)} inputs; a file takes one, and the states of a step behind it "
            "(zoo.layers.step_network): let it take several pictures along the channels"
        )
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or shape[3] is None:
        raise InputError(f"model '{model.name}' takes {shape}; expected N×H×W×C with C known")
    if input_size is None:
        return (1, *shape[1:])
    if not isinstance(input_size, Sequence) or len(input_size) != 2 or any(int(side) < 1 for side in input_size):
        raise InputError(f"input_size is {input_size!r}; expected (height, width) in pixels, as in (256, 256)")
    height, width = (int(side) for side in input_size)
    for own, side in zip(shape[1:3], (height, width), strict=True):
        if own is not None and own != side:
            raise InputError(
                f"model '{model.name}' is built for {shape[1]}×{shape[2]}, input_size says {height}×{width}: leave it out"
            )
    return (1, height, width, shape[3])


def _provenance(model: keras.Model, images: Calibration | None) -> dict[str, Any]:
    weights = (numbers(weight) for weight in model.weights)  # one at a time: they may be 0.5 GiB
    return {
        "densezoo": zoo.__version__,
        "keras": keras.version(),
        "weights_sha256": tflite_file.weights_sha256(weights),
        "calibration": None if images is None else {"count": images.count, "sha256": images.sha256},
    }
