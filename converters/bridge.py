"""From Keras 3 to tf_keras and back: tfmot, which quantizes, prunes and clusters, knows only the latter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

from converters import graph as graphs
from converters.graph import Call, Trace, Value, substitute, trace
from converters.lowering import check_backend
from converters.twins import make_twin
from zoo.errors import InputError

EQUALITY = 1e-5  # of the answer's spread
_HALF = {"float16": 1e-2, "bfloat16": 1e-1}  # a model that computes in less than float32 cannot agree better with one that does
_SIDES = (64, 96, 128, 224, 320, 512, 640)  # tried for an open side, until the network can see it
Wrap = Callable[[Call, tf_keras.layers.Layer], Any]


def to_tf_keras(model: keras.Model) -> tf_keras.Model:
    """The same network, with the same weights, in tf_keras (Keras 2). Computes in float32.

    Nested models are opened up, for tfmot wants none; shared layers stay shared. The layers keep their names; where nested
    models hold one name twice, the second gets "_1". Both are run on noise, and the call fails where they differ.

    Raises:
        InputError: for a layer without a twin (naming it, and how to register one), an operator in the graph, a subclassed
            model, or answers that differ by more than 1e-5 of their spread (naming the first layer that differs).
    """
    check_backend("tf_keras")
    graph = trace(model)
    twin, tensors = rebuild(model, graph)
    _check_equal(graph, twin, tensors, model)
    return twin


def to_keras(twin: tf_keras.Model, model: keras.Model) -> keras.Model:
    """A copy of `model` with the weights that its twin has now, after tfmot's wrappers trained them.

    Where a twin was changed for quantization (its normalisation folded into convolutions), only what kept its shape travels.

    Args:
        twin: from `to_tf_keras`, `quantize_aware`, `prune` or `cluster` of that model.
        model: the Keras 3 model the twin was made of; it is left as it is.

    Raises:
        InputError: where the twin is not one of this model: a layer with weights is missing in it or has other shapes.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    layers = {_plain(layer).name: _plain(layer) for layer in twin.layers}
    for name, operation in named_operations(trace(copy)).items():
        if not getattr(operation, "weights", None):
            continue
        if name not in layers:
            raise InputError(f"layer '{name}' of '{model.name}' is not in '{twin.name}': give the twin of this very model")
        trained = _own_weights(layers[name])
        if [w.shape for w in trained] != [tuple(w.shape) for w in operation.weights]:
            raise InputError(f"layer '{name}' has other weights in '{twin.name}' than in '{model.name}'")
        operation.set_weights(trained)
    return copy


def rebuild(model: keras.Model, graph: Trace, wrap: Wrap | None = None) -> tuple[tf_keras.Model, dict[Value, Any]]:
    """The tf_keras model of a graph with its weights, and the symbolic tensor of every value.

    Args:
        wrap: called with each call and its twin, gives what is put into the graph in its place.
    """
    names = {id(operation): name for name, operation in named_operations(graph).items()}
    twins: dict[int, tuple[tf_keras.layers.Layer, Any]] = {}
    tensors: dict[Value, Any] = {}
    for value, tensor in zip(graph.inputs, graphs.as_functional(model).inputs, strict=True):
        tensors[value] = tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
    for call in graph.calls:
        key = id(call.operation)
        if key not in twins:
            twin = make_twin(call.operation)
            twin._name = names[key]
            twins[key] = twin, twin if wrap is None else wrap(call, twin)
        args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
        # Keras records training=True where a layer trains by default; only a frozen one has to be told.
        kwargs = {k: v for k, v in kwargs.items() if v is not None and (k, v) != ("training", True)}
        outputs = twins[key][1](*args, **kwargs)
        tensors.update(zip(call.outputs, tf.nest.flatten(outputs), strict=True))
    for call in graph.calls:
        _copy(call.operation, twins[id(call.operation)][0])
    inputs, outputs = ([tensors[value] for value in values] for values in (graph.inputs, graph.outputs))
    single = len(inputs) == 1, len(outputs) == 1
    network = tf_keras.Model(inputs[0] if single[0] else inputs, outputs[0] if single[1] else outputs, name=model.name)
    return network, tensors


def named_operations(graph: Trace) -> dict[str, keras.Operation]:
    """The operations of a graph under the names that their twins have: their own, made unique."""
    named: dict[str, keras.Operation] = {}
    seen: set[int] = set()
    for operation in (call.operation for call in graph.calls):
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        name, count = operation.name, 0
        while name in named:
            count += 1
            name = f"{operation.name}_{count}"
        named[name] = operation
    return named


def _copy(operation: keras.Operation, twin: tf_keras.layers.Layer) -> None:
    if not isinstance(operation, keras.Layer) or not twin.weights:
        return
    ours = [keras.ops.convert_to_numpy(weight) for weight in operation.weights]
    if [w.shape for w in ours] != [tuple(w.shape) for w in twin.weights]:
        raise InputError(
            f"layer '{operation.name}' ({type(operation).__name__}): its twin has weights "
            f"{[tuple(w.shape) for w in twin.weights]}, it has {[w.shape for w in ours]}"
        )
    twin.set_weights(ours)


def _plain(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
    """The layer inside tfmot's wrappers."""
    while isinstance(layer, tf_keras.layers.Wrapper):
        layer = layer.layer
    return layer


def _own_weights(layer: tf_keras.layers.Layer) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in layer.weights]


# ------------------------------------------------------------------------------------------------ equality


def _check_equal(graph: Trace, twin: tf_keras.Model, tensors: Mapping[Value, Any], model: keras.Model) -> None:
    noise = [_noise(graph, value, index) for index, value in enumerate(_sized(graph))]
    ends = _compared(graph)
    ours = graphs.evaluate(graph, *noise)
    theirs = tf_keras.Model(twin.inputs, [tensors[value] for value in ends])(noise, training=False)
    errors = [_error(ours[value], answer) for value, answer in zip(ends, tf.nest.flatten(theirs), strict=True)]
    allowed = max([EQUALITY, *(_HALF.get(call.operation.compute_dtype, 0.0) for call in graph.calls)])
    if max(errors) <= allowed:
        return
    inner = [call for call in graph.calls if "float" in call.outputs[0].dtype]
    answers = tf_keras.Model(twin.inputs, [tensors[call.outputs[0]] for call in inner])(noise, training=False)
    differing = (c for c, a in zip(inner, answers, strict=True) if not _error(ours[c.outputs[0]], a) <= allowed)
    first = next(differing, inner[-1])
    raise InputError(
        f"the bridge of '{model.name}' is off by {max(errors):.2g} of the answer's spread; {first.named()} is the first layer "
        "that differs: register a twin that computes the same, with converters.twin_of"
    )


def _sized(graph: Trace) -> list[tuple[int, ...]]:
    """The inputs' shapes for a batch of two, with open sides filled so that the network can see them."""
    problem: InputError | None = None
    for side in _SIDES:
        shapes = [(2, *(side if n is None else n for n in value.shape[1:])) for value in graph.inputs]
        try:
            graphs.shapes_at(graph, *shapes)
            return shapes
        except InputError as error:
            problem = error
    raise problem


def _noise(graph: Trace, shape: tuple[int, ...], seed: int) -> tf.Tensor:
    values = np.random.default_rng(seed).uniform(0, 255, shape)
    return tf.constant(values, graph.inputs[seed].dtype)


def _compared(graph: Trace) -> list[Value]:
    """The outputs; of class indices the scores that they were taken from, for an index has no tolerance."""
    producers = graph.producers()
    return [value if "float" in value.dtype else producers[value].inputs[0] for value in graph.outputs]


def _error(ours: Any, theirs: Any) -> float:
    ours, theirs = (np.asarray(array, np.float64) for array in (ours, theirs))
    difference = np.abs(ours - theirs).max()
    spread = ours.std()
    return float(difference / spread) if spread else float(difference != 0)
