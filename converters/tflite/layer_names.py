"""Names of a model's layers, by which a file's tensors are traced to them."""

from __future__ import annotations

import re
from typing import Any

import keras

from converters.graph import trace
from converters.tf_keras.origin import is_tf_keras


def layer_kinds(model: Any) -> dict[str, str]:
    """The class of each layer by its name, of nested models too."""
    layers = model.layers if is_tf_keras(model) else [call.operation for call in trace(model).calls]
    return {layer.name: type(layer).__name__ for layer in layers}


def layer_names(model: keras.Model) -> set[str]:
    """The names of all operations, those of nested models included."""
    return set(layer_kinds(model))


def last_layers(model: keras.Model) -> set[str]:
    """The layers between the answer and the last weights before it, those with the weights included."""
    if is_tf_keras(model):
        return set()
    graph, names = trace(model), set()
    producers, todo = {value: call for call in graph.calls for value in call.outputs}, list(graph.outputs)
    while todo:
        call = producers.get(todo.pop())
        if call is not None:
            names.add(call.operation.name)
            todo += [] if getattr(call.operation, "weights", None) else call.inputs
    return names


def layer_of(path: str, names: set[str]) -> str | None:
    """The innermost layer that a TensorFlow name (`scope_1/layer_1/op`) belongs to."""
    for segment in reversed(path.split("/")):
        for candidate in (segment, re.sub(r"_\d+$", "", segment)):
            if candidate in names:
                return candidate
    return None
