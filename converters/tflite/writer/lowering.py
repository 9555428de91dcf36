"""From a Keras model to a TFLite graph, one call after another."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from converters.tflite.writer import layers, operations
from converters.tflite.writer.builder import Builder, Unsupported, same_shape, stored
from converters.tflite.writer.graph import Graph, Tensor
from converters.tflite.writer.primitives import Symbolic
from converters.tflite.writer.registry import lowering_of
from zoo.analysis.graph import Call, Trace, calls_inside, specs_at, substitute, trace
from zoo.errors import InputError

L = keras.layers


@functools.cache
def _load() -> None:
    """Imports every module that enters lowerings."""
    for package in (layers, operations):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")


def lower(
    model: keras.Model,
    input_shapes: Sequence[Sequence[int | None]],
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> Graph:
    """A model's graph at inference, as its layers are written; passes make it better.

    Args:
        model: functional or Sequential.
        input_shapes: batch first, one an input; None for sides that the file leaves open.
        input_names: of the file's inputs, in the model's order.
        output_names: of its outputs.

    Raises:
        InputError: naming the layer that cannot be written.
    """
    _load()
    source = trace(model)
    specs = specs_at(source, *(tuple(shape) for shape in input_shapes))
    graph = Graph([], input_names=list(input_names), output_names=list(output_names))
    build, tensors, calls = Builder(graph), {}, _needed(source)
    _check_masks(calls)
    for value, shape, name in zip(source.inputs, input_shapes, input_names, strict=True):
        sides = tuple(-1 if side is None else int(side) for side in shape)
        dtype = value.dtype if value.dtype in ("uint8", "int8", "bool") else stored(value.dtype)
        tensors[value] = Tensor(sides, dtype, name)
        graph.inputs.append(tensors[value])
    for call in calls:
        build.layer = call.operation.name
        before = len(graph.operators)
        results = _call(build, call, tensors)
        for value, result in zip(call.outputs, results, strict=True):
            _check(call, result, specs[value])
            tensors[value] = result
        _answer(graph, before, results)
    graph.outputs = _ends(build, [tensors[value] for value in source.outputs])
    return graph


def _needed(source: Trace) -> list[Call]:
    """The calls that an output depends on; heads for training only are not among them, nor need they be known."""
    needed, calls = set(source.outputs), []
    for call in reversed(source.calls):
        if needed.intersection(call.outputs):
            calls.append(call)
            needed.update(call.inputs)
    return calls[::-1]


def _check_masks(calls: Sequence[Call]) -> None:
    """Keras hands masks on beside the graph, where nobody sees them."""
    masking = [
        call for call in calls if isinstance(call.operation, L.Masking) or getattr(call.operation, "mask_zero", False)
    ]
    readers = [call for call in calls if "mask" in inspect.signature(call.operation.call).parameters]
    if masking and readers:
        raise InputError(
            f"layer {masking[0].named()} makes a mask, which layer {readers[0].named()} reads: masks are not known to this "
            "writer; leave the mask out, or pass engine='tensorflow'"
        )


def _call(build: Builder, call: Call, tensors: Mapping[Any, Tensor]) -> list[Tensor]:
    try:
        return [build.tensor(result) for result in apply(build, call, tensors)]
    except Unsupported as error:
        raise InputError(
            f"layer {call.named()}: its operation {error} is not known to this writer; write the layer with other operations, "
            "enter a lowering for it (converters.tflite.writer.registry), or pass engine='tensorflow' or engine='jax'"
        ) from error


def apply(build: Builder, call: Call, tensors: Mapping[Any, Tensor]) -> list[Any]:
    """The tensors that a call gives, by its layer's lowering or by what its `call` is made of."""
    args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
    return keras.tree.flatten(invoke(build, call.operation, *args, **kwargs))


def invoke(build: Builder, operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
    """What a layer or an operation gives, when its tensors are the file's."""
    kwargs = {name: value for name, value in kwargs.items() if name not in ("training", "mask") or value is not None}
    kwargs.pop("training", None)
    lowering = lowering_of(operation)
    if "mask" in kwargs and lowering is not None and "mask" not in inspect.signature(lowering).parameters:
        raise Unsupported(f"{type(operation).__name__} with a mask")
    if lowering is not None:
        return lowering(build, operation, *args, **kwargs)
    if not isinstance(operation, keras.Layer):
        raise Unsupported(type(operation).__name__)
    if not hasattr(operation, "lower") or operation in build.opened:
        return taken_apart(build, operation, args, kwargs)
    build.opened.append(operation)  # its `lower` may call the layer itself
    try:
        return taken_apart(build, lambda inputs: operation.lower(inputs, Symbolic()), args, {}, operation)
    finally:
        build.opened.remove(operation)


def taken_apart(
    build: Builder, function: Any, args: tuple, kwargs: Mapping[str, Any], owner: keras.Operation | None = None
) -> Any:
    """What a layer, or any function of tensors, gives by way of the operations of `keras.ops` that it calls.

    The function's owner is the layer that it may call.
    """
    try:
        inside, structure = calls_inside(function, args, dict(kwargs), lambda leaf: isinstance(leaf, Tensor), owner)
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        what = getattr(owner or function, "name", getattr(function, "__name__", "function"))
        raise Unsupported(f"in '{what}', which is not made of keras.ops alone ({_first_line(error)}),") from error
    leaves = [leaf for leaf in keras.tree.flatten((args, dict(kwargs))) if isinstance(leaf, Tensor)]
    tensors = dict(zip(inside.inputs, leaves, strict=True))
    for call in inside.calls:
        tensors.update(zip(call.outputs, apply(build, call, tensors), strict=True))
    return substitute(structure, lambda value: build.tensor(tensors[value]))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160]


def _check(call: Call, result: Tensor, spec: keras.KerasTensor) -> None:
    """A lowering that gives another shape than Keras is an error, not a file."""
    shape = tuple(-1 if side is None else side for side in spec.shape)
    open_side = -1 in shape or -1 in result.shape
    fits = (
        len(shape) == len(result.shape) if open_side else same_shape(shape, result.shape) or shape == result.shape == ()
    )
    if not fits or stored(spec.dtype) != stored(result.dtype):
        raise InputError(
            f"layer {call.named()} would be written with {result.dtype} {result.shape}, where Keras has {spec.dtype} {shape}; "
            "pass engine='tensorflow'"
        )


def _answer(graph: Graph, before: int, results: Sequence[Tensor]) -> None:
    """Names what a layer gives after the layer."""
    made = {tensor for operator in graph.operators[before:] for tensor in operator.outputs}
    for result in results:
        if result in made:
            result.role = ""


def _ends(build: Builder, outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs, each a computed tensor of its own, which a file asks for."""
    ends: list[Tensor] = []
    for tensor in outputs:
        if tensor in ends or tensor in build.graph.inputs or tensor.constant:
            shape = build.constant(tensor.shape, "int32", "shape")
            tensor = build.emit("RESHAPE", [tensor, shape], tensor.shape, newShape=list(tensor.shape))
        ends.append(tensor)
    return ends
