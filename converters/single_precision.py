"""Single precision: the network that a file computes, whatever its layers computed in while they were trained.

Half precision is a way of training: weights are float32 (or become it without loss), and float32 is what files, TFLite's and
ONNX's operators and tf_keras share. So every converter starts with `in_float32`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from converters import graph as graphs
from converters.graph import Call, Trace, clone, copy_weights, trace
from zoo.analysis.graph import sublayers
from zoo.errors import InputError

FLOAT32 = "float32"


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself where every layer computes in float32, else a copy in which every layer does.

    Its weights are the model's as float32, its layers keep their names, nested models are opened up, and inputs of half
    precision become float32 ones; integer inputs stay.

    Raises:
        InputError: for a layer that Keras has quantized, one that does not survive its own configuration, a subclassed model.
    """
    graph = trace(model)
    for call in graph.calls:
        _refuse_quantized(call)
    if all(_single(call) for call in graph.calls) and not any(_half(value.dtype) for value in graph.inputs):
        return model
    with float32_policy():
        return _rebuilt(model, graph)


@contextlib.contextmanager
def float32_policy() -> Iterator[None]:
    """While it lasts, layers that are made compute in float32, whatever policy the caller has set for all."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(FLOAT32)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _rebuilt(model: keras.Model, graph: Trace) -> keras.Model:
    twins = {id(operation): _twin(operation, name) for name, operation in graphs.named_operations(graph).items()}

    def answer(call: Call, args: tuple, kwargs: dict[str, Any]) -> Any:
        outputs = twins[id(call.operation)](*args, **kwargs)
        copy_weights(call.operation, twins[id(call.operation)])
        return outputs

    return graphs.rebuilt(model, graph, answer, dtype=lambda dtype: FLOAT32 if _half(dtype) else dtype)


def _twin(operation: keras.Operation, name: str) -> Any:
    if isinstance(operation, keras.Layer):
        return clone(operation, name=name, convert=_in_float32)
    if _half(getattr(operation, "dtype", None) or ""):  # a cast that somebody wrote into the graph
        return lambda x: x if x.dtype == FLOAT32 else keras.ops.cast(x, FLOAT32)
    return operation


def _in_float32(config: Any) -> Any:
    """A layer's configuration with every precision in it, those of the layers inside it too, as float32."""
    if isinstance(config, Mapping):
        return {key: _plain(value) if key == "dtype" else _in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_in_float32(item) for item in config)
    return config


def _plain(dtype: Any) -> Any:
    return FLOAT32 if isinstance(dtype, Mapping) or _half(str(dtype)) or str(dtype).startswith("mixed_") else dtype


def _single(call: Call) -> bool:
    operation = call.operation
    if not isinstance(operation, keras.Layer):
        return not any(_half(value.dtype) for value in call.outputs)
    policies = (layer.dtype_policy for layer in sublayers(operation))
    return all(
        dtype is None or "float" not in dtype or dtype == FLOAT32
        for policy in policies
        for dtype in (policy.compute_dtype, policy.variable_dtype)
    )


def _half(dtype: str) -> bool:
    """Whether a type is a floating one of another width."""
    return "float" in dtype and dtype != FLOAT32


def _refuse_quantized(call: Call) -> None:
    for layer in sublayers(call.operation):
        if getattr(layer.dtype_policy, "quantization_mode", None) is not None:
            raise InputError(
                f"layer {call.named()} was quantized by Keras to {layer.dtype_policy.quantization_mode}, in which files are "
                "not written: convert the float model, which recipe='int8' quantizes"
            )
