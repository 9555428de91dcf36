"""A Keras functional graph as a flat list of calls, nested models opened up: what counting and converting walk over.

The one place that reads Keras's own nodes (`_nodes_by_depth`), because no public call lists them.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo.errors import InputError


@dataclass(eq=False)
class Value:
    """One tensor of the graph; `shape` is as the graph recorded it, batch first, None where open."""

    shape: tuple[int | None, ...]
    dtype: str


@dataclass
class Call:
    """One operation (a layer, or a bare operation such as `x + y`) applied to tensors."""

    operation: keras.Operation
    args: tuple
    kwargs: dict[str, Any]
    outputs: list[Value]

    @property
    def inputs(self) -> list[Value]:
        """The tensors it reads, in order, constants left out."""
        return [leaf for leaf in keras.tree.flatten((self.args, self.kwargs)) if isinstance(leaf, Value)]

    def named(self) -> str:
        """The name in error messages: the layer's name and class."""
        return f"'{self.operation.name}' ({type(self.operation).__name__})"


@dataclass
class Trace:
    """A model's graph: `calls` in an order in which they can be run."""

    inputs: list[Value] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    def producers(self) -> dict[Value, Call]:
        """Each tensor's call; the model's inputs have none."""
        return {value: call for call in self.calls for value in call.outputs}


def substitute(structure: Any, replacement: Callable[[Value], Any]) -> Any:
    """The same nest of arguments with each `Value` replaced."""
    return keras.tree.map_structure(lambda leaf: replacement(leaf) if isinstance(leaf, Value) else leaf, structure)


def trace(model: keras.Model) -> Trace:
    """Lists the calls of a functional or Sequential model, nested ones included.

    Raises:
        InputError: for a model whose graph is not known: subclassed, or Sequential and not built.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"expected a keras.Model, got {type(model).__name__}")
    functional = as_functional(model)
    result = Trace(inputs=[_value(tensor) for tensor in functional.inputs])
    result.outputs = _expand(functional, result.inputs, result.calls, None)
    return result


def as_functional(model: keras.Model) -> keras.Model:
    """The model itself if it is functional; a functional view on a built Sequential one."""
    if isinstance(model, keras.Sequential):
        if not model.built or not model.inputs:
            raise InputError(
                f"model '{model.name}' has no weights yet: give it a keras.Input or call model.build(input_shape) first"
            )
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not isinstance(model, keras.Function):
        raise InputError(
            f"model '{model.name}' is a subclassed {type(model).__name__}, whose layers cannot be listed; "
            "build it with the functional API or keras.Sequential"
        )
    return model


def specs_at(graph: Trace, *input_shapes: tuple[int | None, ...]) -> dict[Value, keras.KerasTensor]:
    """Each tensor as a symbol, when the model's inputs have the given shapes, batch first; nothing is computed or built.

    Raises:
        InputError: if a layer cannot see an input of that size.
    """
    pairs = zip(graph.inputs, input_shapes, strict=True)
    specs = {value: keras.KerasTensor(shape, dtype=value.dtype) for value, shape in pairs}
    for call in graph.calls:
        kwargs = {key: value for key, value in call.kwargs.items() if key not in ("training", "mask")}
        args, kwargs = substitute((call.args, kwargs), specs.__getitem__)
        try:
            outputs = call.operation.compute_output_spec(*args, **kwargs)
        except (ValueError, TypeError) as error:
            size = "×".join(str(side) for side in input_shapes[0][1:3])
            raise InputError(f"layer {call.named()} cannot see an input of {size}: {_first_line(error)}") from error
        specs.update(zip(call.outputs, keras.tree.flatten(outputs), strict=True))
    return specs


def _value(tensor: keras.KerasTensor) -> Value:
    return Value(tuple(tensor.shape), tensor.dtype)


def _expand(model: keras.Model, inputs: list[Value], calls: list[Call], training: bool | None) -> list[Value]:
    """Appends the calls of `model` fed with `inputs`; returns its outputs."""
    env = {id(t): _as_taken(t, value, calls, model.name) for t, value in zip(model.inputs, inputs, strict=True)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input or any(id(tensor) not in env for tensor in node.input_tensors):
                continue
            args, kwargs = keras.tree.map_structure(
                lambda leaf: env[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf,
                (node.arguments.args, node.arguments.kwargs),
            )
            outputs = _apply(node, args, kwargs, calls, training)
            env.update({id(tensor): value for tensor, value in zip(node.outputs, outputs, strict=True)})
    return [env[id(tensor)] for tensor in model.outputs]


def _as_taken(tensor: keras.KerasTensor, value: Value, calls: list[Call], name: str) -> Value:
    """A nested model's input: Keras casts what it is called with to the type that it was built for."""
    if value.dtype == tensor.dtype:
        return value
    taken = keras.ops.cast(keras.KerasTensor(value.shape, dtype=value.dtype), tensor.dtype)
    operation = taken._keras_history.operation
    if "float" in tensor.dtype:  # as a layer, which every converter knows
        operation = keras.layers.Rescaling(1.0, dtype=tensor.dtype, name=f"{name}_cast")
    calls.append(Call(operation, (value,), {}, [Value(value.shape, tensor.dtype)]))
    return calls[-1].outputs[0]


def sublayers(operation: keras.Operation) -> list[keras.Layer]:
    """A layer and all layers inside it; none of a bare operation."""
    return list(operation._flatten_layers()) if isinstance(operation, keras.Layer) else []


def _apply(node, args: tuple, kwargs: dict[str, Any], calls: list[Call], training: bool | None) -> list[Value]:
    operation = node.operation
    if isinstance(operation, keras.Model):
        # A frozen base is called with training=False; opened up, each of its layers has to be told.
        frozen = kwargs.pop("training", None)
        values = [leaf for leaf in keras.tree.flatten((args, kwargs)) if isinstance(leaf, Value)]
        return _expand(as_functional(operation), values, calls, training if frozen is None else frozen)
    if training is not None and "training" not in kwargs and takes_training(operation):
        kwargs = {**kwargs, "training": training}
    outputs = [_value(tensor) for tensor in node.outputs]
    calls.append(Call(operation, args, kwargs, outputs))
    return outputs


def takes_training(operation: keras.Operation) -> bool:
    """Whether a call may be told that it is one of training."""
    return "training" in inspect.signature(operation.call).parameters


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def calls_inside(
    function: Callable[..., Any],
    args: tuple,
    kwargs: dict[str, Any],
    is_tensor: Callable[[Any], bool],
    owner: keras.Operation | None = None,
) -> tuple[Trace, Any]:
    """The operations of `keras.ops` that a layer's `call`, or any function of tensors, is made of.

    Nothing is computed, and neither the layer nor Keras's numbering of names is any different afterwards.

    Args:
        function: the layer, at inference, or the function.
        args: with leaves of the caller's own in place of tensors, which have `shape` (−1 where open) and `dtype`.
        kwargs: likewise.
        is_tensor: which leaves these are.
        owner: the layer that a function may call, if it is not one.

    Returns:
        The calls, whose inputs are those leaves in order, and the structure of the result with `Value` leaves.

    Raises:
        Whatever the function raises of symbolic tensors, such as for an operation outside `keras.ops`.
    """
    call, kwargs = function, dict(kwargs)
    if isinstance(function, keras.Layer):
        call = function.call
        if takes_training(function):
            kwargs["training"] = False
    symbols: list[keras.KerasTensor] = []

    def symbol(leaf: Any) -> Any:
        if not is_tensor(leaf):
            return leaf
        shape = tuple(None if side < 0 else side for side in leaf.shape)
        symbols.append(keras.Input(batch_shape=shape, dtype=leaf.dtype))
        return symbols[-1]

    with _names_unchanged(), _nodes_unchanged(owner or function):
        args, kwargs = keras.tree.map_structure(symbol, (args, kwargs))
        outputs = call(*args, **kwargs)
        leaves = [leaf for leaf in keras.tree.flatten(outputs) if isinstance(leaf, keras.KerasTensor)]
        inside = Trace(inputs=[_value(tensor) for tensor in symbols])
        values = _expand(keras.Function(symbols, leaves), inside.inputs, inside.calls, False)
    inside.outputs = values
    ids = {id(tensor): value for tensor, value in zip(leaves, values, strict=True)}
    return inside, keras.tree.map_structure(lambda leaf: ids.get(id(leaf), leaf), outputs)


@contextlib.contextmanager
def _names_unchanged() -> Iterator[None]:
    """Names that Keras numbers through the process go on after it as before.

    Keras has no public word for it: `keras.backend.get_uid` counts on, and `reset_uids` forgets the caller's names too.
    """
    from keras.src.backend.common import global_state

    counts = global_state.get_global_attribute("object_name_uids")
    global_state.set_global_attribute("object_name_uids", None if counts is None else copy.copy(counts))
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", counts)


@contextlib.contextmanager
def _nodes_unchanged(function: Any) -> Iterator[None]:
    """Layers within a layer that are called get no nodes by it."""
    counts = [(layer, len(layer._inbound_nodes)) for layer in sublayers(function)]
    try:
        yield
    finally:
        for layer, count in counts:
            del layer._inbound_nodes[count:]
