"""Which function writes which layer: found by the layer's class, or by the class of an operation of `keras.ops`.

    @lowers(keras.layers.PReLU)
    def prelu(build, layer, x):
        return build.emit("PRELU", [x, build.variable(layer.alpha, "alpha")], x.shape)

A function gets a `builder.Builder`, the layer and its arguments, in which TFLite tensors stand for Keras's, and returns the
layer's answer. A layer without one is taken apart into the operations of `keras.ops` that its `call` is made of
(`lowering.py`), or of what its `lower` says (`zoo.layers.primitives`); so a layer of one's own needs a function only where that
is not the best form, and may be entered from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

Lowering = Callable[..., Any]
_LAYERS: dict[type, Lowering] = {}
_OPERATIONS: dict[str, Lowering] = {}


def lowers(*classes: type) -> Callable[[Lowering], Lowering]:
    """Enters a function for layers of these classes, and of subclasses that have the same `call`."""

    def enter(function: Lowering) -> Lowering:
        _LAYERS.update(dict.fromkeys(classes, function))
        return function

    return enter


def lowers_operation(*names: str) -> Callable[[Lowering], Lowering]:
    """Enters a function for the operations of `keras.ops` whose classes have these names."""

    def enter(function: Lowering) -> Lowering:
        _OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return enter


def lowering_of(operation: keras.Operation) -> Lowering | None:
    """The function for a layer or an operation, None where it has to be taken apart."""
    if not isinstance(operation, keras.Layer):
        return _OPERATIONS.get(type(operation).__name__)
    for cls in type(operation).__mro__:
        if cls in _LAYERS:
            return _LAYERS[cls] if type(operation).call is cls.call else None
    return None


def lowering_of_operation(name: str) -> Lowering:
    """The function for the operation of `keras.ops` whose class has this name."""
    return _OPERATIONS[name]
