"""The activation of a layer: a function of Keras, a layer, or a function of the caller's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.lowering import invoke, taken_apart
from converters.tflite.writer.registry import lowering_of_operation

_OPERATIONS = {  # activations that call the backend themselves, or that are so frequent that looking inside is a waste
    "relu": ("Relu", {}), "relu6": ("Relu6", {}), "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "silu": ("Silu", {}),
    "hard_silu": ("HardSilu", {}), "hard_sigmoid": ("HardSigmoid", {}), "softmax": ("Softmax", {"axis": -1}),
    "mish": ("Mish", {}),
}  # fmt: skip


def activated(build: Builder, activation: Callable[..., Any] | None, x: Any) -> Tensor:
    """What an activation gives."""
    if activation is None or activation is keras.activations.linear:
        return build.tensor(x)
    name = getattr(activation, "__name__", "")
    if name in _OPERATIONS and activation is getattr(keras.activations, name, None):
        operation, options = _OPERATIONS[name]
        return lowering_of_operation(operation)(build, type(operation, (), options)(), x)
    if isinstance(activation, keras.Operation):
        return invoke(build, activation, x)
    return taken_apart(build, activation, (x,), {})
