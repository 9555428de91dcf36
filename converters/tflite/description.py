"""densezoo.json: what a file says of itself, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

import zoo
from converters.graph import as_functional
from converters.quantization.calibration import Calibration
from converters.specs import input_specs, output_specs, picture_place, specs_at_size, task_of
from converters.tf_keras.origin import is_tf_keras
from converters.tflite import file as tflite_file
from converters.tflite.writer.weights import numbers
from zoo.errors import InputError
from zoo.outputs import InputSpec

_AXES = 4  # of pictures, N×H×W×C


def describe(
    model: keras.Model,
    shapes: Sequence[tuple[int | None, ...]],
    overrides: Mapping[str, Any],
    name: str,
    images: Calibration | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """The content of densezoo.json.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        shapes: of the file's inputs, batch first.
        overrides: task, labels and palette from the caller, None for the model's own.
        name: of the network.
        images: that ranges were measured on.
        **facts: recipe, io and scores.
    """
    inputs = [_of_shape(spec, shape) for spec, shape in zip(input_specs(model), shapes, strict=True)]
    outputs = specs_at_size(model, output_specs(model, overrides["labels"], overrides["palette"]), shapes)
    task = overrides["task"] or task_of(model)
    picture = inputs[picture_place(inputs)]
    extent = "×".join(map(str, picture.size or ())) or ("any size" if picture.layout else "a step")
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


def _of_shape(spec: InputSpec, shape: Sequence[int | None]) -> InputSpec:
    """The spec of an input at the file's size."""
    size = None if len(shape) != _AXES or None in shape[1:3] else (int(shape[1]), int(shape[2]))
    return replace(spec, size=size, channels=int(shape[-1]))


def output_names(description: Mapping[str, Any]) -> list[str]:
    """The names of the outputs, in the model's order."""
    return [spec["name"] for spec in description["outputs"]]


def check_size(model: keras.Model, input_size: tuple[int, int] | None) -> tuple[int, int | None, int | None, int]:
    """The shape of the file's only input, N×H×W×C: the model's, with H and W as asked for.

    Raises:
        InputError: for a model that is not of one image, or a size that it does not take.
    """
    shape, *others = input_shapes(model, input_size)
    if others:
        raise InputError(
            f"model '{model.name}' has {len(others) + 1} inputs, and this takes models of one picture: let it take several "
            "pictures along the channels, or convert it with to_tflite"
        )
    return shape


def input_shapes(model: keras.Model, input_size: tuple[int, int] | None) -> list[tuple[int | None, ...]]:
    """The shapes of the file's inputs for one item at a time: the model's, those of pictures with H and W as asked for.

    Raises:
        InputError: for a model that takes no picture, a size that it does not take, or another input of open shape.
    """
    inputs = model.inputs if is_tf_keras(model) else as_functional(model).inputs
    specs, sides = input_specs(model), [tuple(tensor.shape) for tensor in inputs]
    if not any(spec.layout or spec.feedback for spec in specs):
        raise InputError(f"model '{model.name}' takes {', '.join(map(str, sides))}; expected a picture among its inputs")
    shapes = []
    for spec, shape in zip(specs, sides, strict=True):
        if not spec.layout and None in shape[1:]:
            raise InputError(
                f"model '{model.name}' takes {shape} for {spec.name!r}; a file takes one size: build it with a "
                "keras.Input of known sides"
            )
        shapes.append(_picture_shape(model, shape, input_size) if spec.layout else (1, *shape[1:]))
    return shapes


def _picture_shape(
    model: keras.Model, shape: tuple[int | None, ...], input_size: tuple[int, int] | None
) -> tuple[int | None, ...]:
    if len(shape) != _AXES or shape[3] is None:
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
