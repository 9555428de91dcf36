"""Collapsing: layers that learn by a detour become the plain ones that compute the same, which is proved on noise.

A layer that can say itself plainly has a method `collapsed`, which gives a built Keras layer with weights
(`zoo.layers.CollapsibleConv2D`). `to_tflite`, `to_onnx` and what quantizes collapse such a network first, so that files,
counts of parameters and integer kernels are of the plain one.
"""

from __future__ import annotations

from typing import Any

import keras

from converters import graph as graphs
from converters.graph import Call, Trace, trace
from zoo.errors import InputError

EQUALITY = 1e-4  # of the answer's spread: the same sums in another order, in float32


def collapses(model: keras.Model) -> bool:
    """Whether a model holds a layer that has a plain form."""
    return isinstance(model, keras.Model) and any(hasattr(layer, "collapsed") for layer in model.layers)


def collapse(model: keras.Model) -> keras.Model:
    """The same function with every collapsible layer as the plain one that it is the product of.

    Layers keep their names and all others their weights. A model without such layers comes back as it is.

    Args:
        model: functional or Sequential.

    Raises:
        InputError: for a subclassed model, or where the plain one answers otherwise by more than 1e-4 of the spread.
    """
    if not collapses(model):
        return model
    graph = trace(model)
    plain: dict[int, Any] = {}

    def answer(call: Call, args: tuple, kwargs: dict[str, Any]) -> Any:
        operation = call.operation
        if id(operation) not in plain:
            plain[id(operation)] = _plain(operation)
        outputs = plain[id(operation)](*args, **{name: each for name, each in kwargs.items() if name != "training"})
        if not hasattr(operation, "collapsed"):
            graphs.copy_weights(operation, plain[id(operation)])
        return outputs

    collapsed = graphs.rebuilt(model, graph, answer)
    _prove(graph, trace(collapsed), model.name)
    return collapsed


def _plain(operation: keras.Operation) -> Any:
    """A layer of the new model: the collapsed one, or a copy."""
    if hasattr(operation, "collapsed"):
        return operation.collapsed()
    return graphs.clone(operation) if isinstance(operation, keras.Layer) else operation


def _prove(before: Trace, after: Trace, name: str) -> None:
    """Both graphs on the same noise.

    Raises:
        InputError: if they differ.
    """
    noise = graphs.noise(before)
    old, new = graphs.evaluate(before, *noise), graphs.evaluate(after, *noise)
    for one, other in zip(graphs.scores(before), graphs.scores(after), strict=True):
        error = graphs.difference(old[one], new[other])
        if not error <= EQUALITY:
            raise InputError(
                f"'{name}' answers otherwise once collapsed, by {error:.2g} of its spread: a layer's `collapsed` is not "
                "what it computes"
            )
