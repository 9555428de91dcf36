"""A model's graph (`zoo.graph`) as converters use it: run call by call, with layers put in the place of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from zoo.errors import InputError
from zoo.graph import Call, Trace, Value, as_functional, specs_at, substitute, takes_training, trace

__all__ = [
    "Call",
    "Trace",
    "Value",
    "apply",
    "as_functional",
    "at_inference",
    "copy_weights",
    "evaluate",
    "shapes_at",
    "substitute",
    "trace",
]


def shapes_at(graph: Trace, *input_shapes: tuple[int | None, ...]) -> dict[Value, tuple[int | None, ...]]:
    """Each tensor's shape, batch first, when the model's inputs have the given ones; nothing is computed or built."""
    return {value: tuple(spec.shape) for value, spec in specs_at(graph, *input_shapes).items()}


def evaluate(graph: Trace, *arrays: Any) -> dict[Value, Any]:
    """Every tensor of the graph at inference, computed by the model's own layers when its inputs are the given ones."""
    tensors = dict(zip(graph.inputs, arrays, strict=True))
    for call in graph.calls:
        tensors.update(zip(call.outputs, apply(call, tensors), strict=True))
    return tensors


def apply(call: Call, tensors: Mapping[Value, Any]) -> list[Any]:
    """The outputs of one call at inference."""
    args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
    return keras.tree.flatten(at_inference(call.operation)(*args, **kwargs))


def at_inference(operation: keras.Operation) -> Callable[..., Any]:
    """The operation as a function that never trains.

    Left to itself, a Resizing or Random* layer switches the normalisation after it to training.
    """
    if isinstance(operation, keras.Layer) and takes_training(operation):
        return lambda *args, **kwargs: operation(*args, **{**kwargs, "training": False})
    return operation


def copy_weights(source: keras.Operation, target: keras.Operation) -> None:
    """Copies a layer's weights into a clone that has been built."""
    if source is target or not isinstance(source, keras.Layer):
        return
    for old, new in zip(source.weights, target.weights, strict=True):
        if math.prod(old.shape) != math.prod(new.shape):
            shapes = f"{tuple(old.shape)} but {tuple(new.shape)} at an open size"
            raise InputError(f"layer '{source.name}': weight {old.path} is {shapes}")
        new.assign(old)
    if hasattr(target, "finalize_state"):  # an adapted Normalization computes its constants from its weights
        target.finalize_state()
