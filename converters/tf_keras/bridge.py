"""From Keras 3 to tf_keras and back: tfmot, which quantizes, prunes and clusters, knows only the latter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

from converters import choices
from converters import graph as graphs
from converters.graph import Call, Trace, Value, named_operations, substitute, trace
from converters.single_precision import in_float32
from converters.tensorflow_process import check_backend
from converters.tf_keras.layers import make_counterpart
from converters.tf_keras.origin import unwrapped
from zoo.errors import InputError

EQUALITY = 1e-5  # of the answer's spread
Wrap = Callable[[Call, tf_keras.layers.Layer], Any]


def to_tf_keras(model: keras.Model) -> tf_keras.Model:
    """The same network, with the same weights, in tf_keras (Keras 2). Computes in float32.

    Nested models are opened up, for tfmot wants none; shared layers stay shared. The layers keep their names; where nested
    models hold one name twice, the second gets "_1". Both are run on noise, and the call fails where they differ.

    Raises:
        InputError: for a layer without a counterpart (naming it, and how to register one), an operator in the graph, a
            subclassed model, or answers that differ by more than 1e-5 of their spread (naming the first layer that differs).
    """
    check_backend("tf_keras")
    model = in_float32(model)
    graph = trace(model)
    counterpart, tensors = rebuild(model, graph)
    _check_equal(graph, counterpart, tensors, model)
    return counterpart


def to_keras(counterpart: tf_keras.Model, model: keras.Model) -> keras.Model:
    """A copy of `model` with the weights that its counterpart has now, after tfmot's wrappers trained them.

    Where batch normalisation was folded into the counterpart's kernels (`quantize_aware`, `cluster`), it is in the copy too.

    Args:
        counterpart: from `to_tf_keras`, `quantize_aware`, `prune` or `cluster` of that model; a clustered one is done with
            then.
        model: the Keras 3 model the counterpart was made of; it is left as it is.

    Raises:
        InputError: where the counterpart is not one of this model: a layer with weights is missing in it or has other shapes.
    """
    if any(hasattr(layer, "cluster_centroids") for layer in counterpart.layers):
        from tensorflow_model_optimization.clustering.keras import strip_clustering

        counterpart = strip_clustering(counterpart)
    norms = {name for name, operation in named_operations(trace(model)).items() if _is_norm(operation)}
    if norms - {unwrapped(layer).name for layer in counterpart.layers}:
        from converters.quantization.batchnorm_folding import fold

        model = fold(model)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    layers = {unwrapped(layer).name: layer for layer in counterpart.layers}
    for name, operation in named_operations(trace(copy)).items():
        if not getattr(operation, "weights", None):
            continue
        if name not in layers:
            raise InputError(
                f"layer '{name}' of '{model.name}' is not in '{counterpart.name}': give the counterpart of this very model"
            )
        for weight, mask, _ in getattr(layers[name], "pruning_vars", ()):
            weight.assign(weight * mask)  # the last step of training moved the zeros too
        trained = own_weights(layers[name])
        if [tuple(w.shape) for w in trained] != [tuple(w.shape) for w in operation.weights]:
            raise InputError(f"layer '{name}' has other weights in '{counterpart.name}' than in '{model.name}'")
        operation.set_weights([np.asarray(weight) for weight in trained])
    return copy


def rebuild(
    model: keras.Model, graph: Trace, wrap: Wrap | None = None, enter: Callable[[Any], Any] = lambda tensor: tensor
) -> tuple[tf_keras.Model, dict[Value, Any]]:
    """The tf_keras model of a graph with its weights, and the symbolic tensor of every value.

    Args:
        wrap: called with each call and its counterpart, gives what is put into the graph in its place.
        enter: what is done to each input first.
    """
    names = {id(operation): name for name, operation in named_operations(graph).items()}
    counterparts: dict[int, tuple[tf_keras.layers.Layer, Any]] = {}
    tensors: dict[Value, Any] = {}
    inputs = []
    for value, tensor in zip(graph.inputs, graphs.as_functional(model).inputs, strict=True):
        inputs.append(tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name))
        tensors[value] = enter(inputs[-1])
    for call in graph.calls:
        key = id(call.operation)
        args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
        # Keras records training=True where a layer trains by default; only a frozen one has to be told.
        kwargs = {k: v for k, v in kwargs.items() if v is not None and (k, v) != ("training", True)}
        try:
            if key not in counterparts:
                counterpart = make_counterpart(call.operation)
                counterpart._name = names[key]
                counterparts[key] = counterpart, counterpart if wrap is None else wrap(call, counterpart)
            outputs = counterparts[key][1](*args, **kwargs)
        except InputError:
            raise
        except Exception as error:  # tf_keras's, of a configuration or an argument that is Keras 3's
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"layer {call.named()} is another in tf_keras ({type(error).__name__}: {reason}): register a counterpart with "
                "converters.tf_keras_counterpart"
            ) from error
        tensors.update(zip(call.outputs, tf.nest.flatten(outputs), strict=True))
    for call in graph.calls:
        _copy(call.operation, counterparts[id(call.operation)][1])
    outputs = graphs.in_form(model, [tensors[value] for value in graph.outputs])
    network = tf_keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name=model.name)
    return network, tensors


def _is_norm(operation: keras.Operation) -> bool:
    return isinstance(operation, keras.layers.BatchNormalization)


def _copy(operation: keras.Operation, counterpart: tf_keras.layers.Layer) -> None:
    weights = own_weights(counterpart)
    if not isinstance(operation, keras.Layer) or not weights:
        return
    ours = [keras.ops.convert_to_numpy(weight) for weight in operation.weights]
    if [w.shape for w in ours] != [tuple(w.shape) for w in weights]:
        raise InputError(
            f"layer '{operation.name}' ({type(operation).__name__}): its counterpart has weights "
            f"{[tuple(w.shape) for w in weights]}, it has {[w.shape for w in ours]}"
        )
    for weight, value in zip(weights, ours, strict=True):
        weight.assign(value)


def own_weights(layer: tf_keras.layers.Layer) -> list[tf.Variable]:
    """The variables of the layer inside tfmot's wrappers, in its own order; what wrappers add is left out."""
    inner = unwrapped(layer)
    # A wrapper puts a tensor where its layer's kernel was and keeps the variable for itself: the first of the layer's.
    kernels = [row[0] for row in getattr(layer, "_weight_vars", ())]
    return kernels + [weight for weight in inner.weights if not any(weight is one for one in kernels)]


# ------------------------------------------------------------------------------------------------ equality


def _check_equal(graph: Trace, counterpart: tf_keras.Model, tensors: Mapping[Value, Any], model: keras.Model) -> None:
    noise = [_noise(graph, value, index) for index, value in enumerate(graphs.concrete_shapes(graph))]
    ends = graphs.scores(graph)
    values = list(dict.fromkeys([*ends, *choices.recorded_values(graph)]))
    answers = tf_keras.Model(counterpart.inputs, [tensors[value] for value in values])(noise, training=False)
    theirs = dict(zip(values, tf.nest.flatten(answers), strict=True))
    ours, _ = choices.evaluate(graph, noise, choices.positions(graph, theirs))
    errors = [graphs.difference(ours[value], theirs[value]) for value in ends]
    allowed = EQUALITY
    if max(errors) <= allowed:
        return
    inner = [call for call in graph.calls if "float" in call.outputs[0].dtype]
    answers = tf_keras.Model(counterpart.inputs, [tensors[call.outputs[0]] for call in inner])(noise, training=False)
    differing = (c for c, a in zip(inner, answers, strict=True) if not graphs.difference(ours[c.outputs[0]], a) <= allowed)
    first = next(differing, inner[-1])
    raise InputError(
        f"the bridge of '{model.name}' is off by {max(errors):.2g} of the answer's spread; {first.named()} is the first layer "
        "that differs: register a counterpart that computes the same, with converters.tf_keras_counterpart"
    )


def _noise(graph: Trace, shape: tuple[int, ...], seed: int) -> tf.Tensor:
    values = np.random.default_rng(seed).uniform(0, 255, shape)
    return tf.constant(values, graph.inputs[seed].dtype)
