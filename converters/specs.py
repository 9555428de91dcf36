"""Specs of what a model of either Keras takes and gives, output by output in the model's own order: what goes into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import zoo.layers
from converters.graph import as_functional, trace
from converters.tf_keras.origin import is_tf_keras, unwrapped
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.outputs import InputSpec, OutputSpec

_ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "softmax": "softmax", "sigmoid": "sigmoid"}
_IMAGE, _ANSWER = "image", "answer"  # what the only input and the only output are called


def input_specs(model: Any) -> tuple[InputSpec, ...]:
    """One spec an input; the only one is called "image" where the model does not say otherwise."""
    own = next((layer.inputs for layer in model_outputs(model) if layer is not None and layer.inputs), None)
    if own is not None:
        return own
    specs = zoo.layers.input_specs(model if is_tf_keras(model) else as_functional(model))
    return (replace(specs[0], name=_IMAGE),) if len(specs) == 1 else specs


def output_specs(
    model: Any, labels: Sequence[str] | None = None, palette: Sequence[Sequence[int]] | None = None
) -> tuple[OutputSpec, ...]:
    """One spec an output: as its `ModelOutput` says, or else by its shape and type.

    They are named as the model's dict of outputs does; without one the only output as its spec says, several as their
    layers.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        labels: names of the first output's classes, for a model that does not say them.
        palette: one (r, g, b) each.

    Raises:
        InputError: for labels or colours of another number than classes.
    """
    ends, tensors = _ends(model), model.outputs if is_tf_keras(model) else as_functional(model).outputs
    specs = [_spec(end, tensor) for end, tensor in zip(ends, tensors, strict=True)]
    specs[0] = _relabelled(specs[0], labels, palette)
    return tuple(replace(spec, name=name) for spec, name in zip(specs, _names(model, ends, specs), strict=True))


def model_outputs(model: Any) -> list[ModelOutput | None]:
    """The zoo's `ModelOutput` that each output comes from, None for one that comes from another layer."""
    return [output_layer(end) for end in _ends(model)]


def output_layer(end: Any) -> ModelOutput | None:
    """The zoo's `ModelOutput` that an output comes from, of the layer of either Keras that makes it."""
    original = getattr(end, "original", end)
    return original if isinstance(original, ModelOutput) else None


def task_of(model: Any) -> str:
    """The task of a model, in words: as its first `ModelOutput` says, or else what its first output is."""
    layer = next(filter(None, model_outputs(model)), None)
    return output_specs(model)[0].kind.replace("_", " ") if layer is None else layer.task


def _ends(model: Any) -> list[Any]:
    """The layer that makes each output, without tfmot's wrappers."""
    if is_tf_keras(model):
        return [unwrapped(tensor._keras_history.layer) for tensor in model.outputs]
    graph = trace(model)
    producers = graph.producers()
    return [producers[value].operation if value in producers else None for value in graph.outputs]


def _names(model: Any, ends: Sequence[Any], specs: Sequence[OutputSpec]) -> list[str]:
    structure = getattr(model, "_nested_outputs" if is_tf_keras(model) else "_outputs_struct", None)
    if isinstance(structure, Mapping):
        return sorted(structure)  # as Keras flattens a dict
    if len(specs) == 1:
        return [specs[0].name]
    names = [getattr(end, "name", _ANSWER) for end in ends]
    return [f"{name}_{names[:at].count(name)}" if name in names[:at] else name for at, name in enumerate(names)]


def _spec(end: Any, tensor: Any) -> OutputSpec:
    layer = output_layer(end)
    if layer is not None:
        return layer.spec
    shape, rank = tuple(tensor.shape), len(tensor.shape)
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    if "int" in dtype and rank in (1, 3):
        return OutputSpec("class_map", activation="argmax", scale=1 if rank == 3 else None)
    if "int" in dtype or rank not in (2, 4):
        return OutputSpec("numbers", channels=shape[-1] if rank > 1 else None, scale=None)
    settings = end.get_config() if hasattr(end, "get_config") else {}
    activation = _ACTIVATIONS.get(type(end).__name__) or _ACTIVATIONS.get(str(settings.get("activation")), "linear")
    count = shape[-1] or 0
    labels = ("background", "foreground") if count == 1 else tuple(f"class {index}" for index in range(count))
    return OutputSpec("class_scores", _ANSWER, shape[-1], labels, activation=activation, scale=1 if rank == 4 else None)


def _relabelled(
    spec: OutputSpec, labels: Sequence[str] | None, palette: Sequence[Sequence[int]] | None
) -> OutputSpec:
    if labels is not None:
        if spec.channels == 1 and len(labels) == 1:
            labels = ("background", *labels)
        if spec.labels and len(labels) != len(spec.labels):
            raise InputError(
                f"{len(labels)} labels for {len(spec.labels)} classes: give one each, in the order of the output's channels"
            )
        colours = spec.palette if len(labels) == len(spec.palette) else ()
        spec = replace(spec, labels=tuple(labels), palette=colours)
    if palette is not None:
        spec = replace(spec, palette=tuple(tuple(int(value) for value in colour) for colour in palette))
    return spec
