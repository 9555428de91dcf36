"""densezoo.json: what a file says of itself, whatever its format."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import keras

import zoo
from converters.graph import as_functional, trace
from converters.quantization.calibration import Calibration
from converters.tflite import file as tflite_file
from converters.tflite.lowering import is_twin
from zoo.errors import InputError
from zoo.outputs.palettes import voc_palette


def describe(
    model: keras.Model,
    shape: tuple[int | None, ...],
    given: Mapping[str, Any],
    name: str,
    images: Calibration | None = None,
) -> dict[str, Any]:
    """What the model is and where it comes from; recipe, io and scores are the writer's to add.

    Args:
        model: of Keras 3, or its tf_keras twin.
        shape: of the file's input, N×H×W×C.
        given: task, labels and palette from the caller, None for the model's own.
        name: of the network.
        images: that ranges were measured on.
    """
    return {
        "format": tflite_file.FORMAT,
        "name": name,
        **_meaning(model, given["task"], given["labels"], given["palette"]),
        "input": {"name": "image", "size": list(shape[1:3]), "channels": shape[3], "range": [0, 255]},
        "provenance": _provenance(model, images),
    }


def answer_of(model: Any) -> Any:
    """The zoo's `ModelOutput` that a model of either Keras ends in, or None."""
    if not is_twin(model):
        return zoo.layers.model_output(model)
    inner = (getattr(layer, "layer", layer) for layer in reversed(model.layers))
    originals = (getattr(layer, "original", None) for layer in inner)
    return next((original for original in originals if isinstance(original, zoo.layers.ModelOutput)), None)


def check_size(model: keras.Model, input_size: tuple[int, int] | None) -> tuple[int, int | None, int | None, int]:
    """The file's input shape N×H×W×C: the model's, with H and W as asked for.

    Raises:
        InputError: for a model that is not an image's, or a size that it does not take.
    """
    inputs = model.inputs if is_twin(model) else as_functional(model).inputs
    if len(inputs) != 1:
        raise InputError(f"model '{model.name}' has {len(inputs)} inputs; a file takes one image")
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or shape[3] is None:
        raise InputError(f"model '{model.name}' takes {shape}; expected N×H×W×C with C known")
    if input_size is None:
        return (1, *shape[1:])
    if not isinstance(input_size, Sequence) or len(input_size) != 2 or any(int(side) < 1 for side in input_size):
        raise InputError(f"input_size is {input_size!r}; expected (height, width) in pixels, as in (256, 256)")
    height, width = (int(side) for side in input_size)
    for own, given in zip(shape[1:3], (height, width), strict=True):
        if own is not None and own != given:
            raise InputError(
                f"model '{model.name}' is built for {shape[1]}×{shape[2]}, input_size says {height}×{width}: leave it out"
            )
    return (1, height, width, shape[3])


_HEADS = {"linear": "logits", "softmax": "probabilities", "sigmoid": "probabilities", "argmax": "classes"}  # format 1


def _meaning(
    model: keras.Model, task: str | None, labels: Sequence[str] | None, palette: Sequence[Sequence[int]] | None
) -> dict[str, Any]:
    """task, head, labels and palette: from the `ModelOutput`, else from what is given, else from the output's shape."""
    answer = answer_of(model)
    output = model.outputs[0]
    if answer is not None:
        task, head = task or answer.task, _HEADS[answer.spec.activation]
        labels = answer.labels if labels is None else labels
        palette = answer.palette if palette is None and len(labels) == len(answer.palette) else palette
        classes = len(answer.labels)
    else:
        head = _head(model)
        rank = len(output.shape) + (head == "classes")
        task = task or ("segmentation" if rank == 4 else "classification")
        classes = None if head == "classes" else output.shape[-1]
        if labels is None:
            labels = [f"class {index}" for index in range(classes or 0)]
    if classes and len(labels) != classes:
        raise InputError(
            f"{len(labels)} labels for {classes} classes: give one each, in the order of the output's channels"
        )
    if palette is None:  # the colour map has 256 colours; a classifier may have more classes
        palette = [voc_palette(256)[index % 256] for index in range(len(labels))]
    if len(palette) != len(labels):
        raise InputError(f"{len(palette)} colours for {len(labels)} labels: give one (r, g, b) each")
    colours = [[int(value) for value in colour] for colour in palette]
    return {"task": task, "head": head, "labels": [str(label) for label in labels], "palette": colours}


def _head(model: keras.Model) -> str:
    if "int" in str(model.outputs[0].dtype):
        return "classes"
    last = model.layers[-1] if is_twin(model) else trace(model).calls[-1].operation
    activation = last.get_config().get("activation") if hasattr(last, "get_config") else None
    probabilities = type(last).__name__ in ("Softmax", "Sigmoid") or activation in ("softmax", "sigmoid")
    return "probabilities" if probabilities else "logits"


def _provenance(model: keras.Model, images: Calibration | None) -> dict[str, Any]:
    weights = (weight.numpy() for weight in model.weights)  # one at a time: they may be 0.5 GiB
    return {
        "densezoo": zoo.__version__,
        "keras": keras.version(),
        "tensorflow": importlib.metadata.version("tensorflow"),
        "weights_sha256": tflite_file.weights_sha256(weights),
        "calibration": None if images is None else {"count": images.count, "sha256": images.sha256},
    }
