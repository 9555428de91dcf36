"""A model's graph (`zoo.analysis.graph`) as converters use it: run call by call, with layers put in the place of others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo.analysis.graph import Call, Trace, Value, as_functional, specs_at, substitute, takes_training, trace
from zoo.errors import InputError

__all__ = [
    "Call",
    "Trace",
    "Value",
    "apply",
    "as_functional",
    "at_inference",
    "concrete_shapes",
    "copy_weights",
    "difference",
    "evaluate",
    "in_form",
    "scores",
    "shapes_at",
    "substitute",
    "trace",
    "walk",
]


_SIDES = (64, 96, 128, 224, 320, 512, 640)  # tried for an open side, until the network can see it


def shapes_at(graph: Trace, *input_shapes: tuple[int | None, ...]) -> dict[Value, tuple[int | None, ...]]:
    """Each tensor's shape, batch first, when the model's inputs have the given ones; nothing is computed or built."""
    return {value: tuple(spec.shape) for value, spec in specs_at(graph, *input_shapes).items()}


def evaluate(graph: Trace, *arrays: Any) -> dict[Value, Any]:
    """Every tensor of the graph at inference, computed by the model's own layers when its inputs are the given ones."""
    tensors = dict(zip(graph.inputs, arrays, strict=True))
    for call in graph.calls:
        tensors.update(zip(call.outputs, apply(call, tensors), strict=True))
    return tensors


def walk(graph: Trace, tensors: MutableMapping[Value, Any]) -> Iterator[Call]:
    """Each call at inference, once its outputs are among the tensors, which hold the inputs to begin with.

    Tensors that nothing reads any more are taken out after the call that was last to read them, or that gave them; the
    graph's outputs stay.
    """
    readers = Counter(value for each in graph.calls for value in each.inputs)
    readers.update(graph.outputs)
    for call in graph.calls:
        tensors.update(zip(call.outputs, apply(call, tensors), strict=True))
        yield call
        readers.subtract(call.inputs)
        for value in (*call.inputs, *call.outputs):
            if not readers[value]:
                tensors.pop(value, None)


def apply(call: Call, tensors: Mapping[Value, Any]) -> list[Any]:
    """The outputs of one call at inference."""
    args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
    outputs = keras.tree.flatten(at_inference(call.operation)(*args, **kwargs))
    return [keras.ops.stop_gradient(output) for output in outputs]  # PyTorch would keep every map for a gradient


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


def concrete_shapes(graph: Trace) -> list[tuple[int, ...]]:
    """The inputs' shapes for a batch of two, with open sides filled so that the network can see them."""
    problem: InputError | None = None
    for side in _SIDES:
        shapes = [(2, *(side if n is None else n for n in value.shape[1:])) for value in graph.inputs]
        try:
            shapes_at(graph, *shapes)
            return shapes
        except InputError as error:
            problem = error
    raise problem


def in_form(model: keras.Model, outputs: Sequence[Any]) -> Any:
    """Outputs in the form that a model gives its own: one, a list, or a dict by name."""
    structure = getattr(model, "_outputs_struct", None)
    if isinstance(structure, Mapping):
        return dict(zip(sorted(structure), outputs, strict=True))
    return outputs[0] if len(outputs) == 1 else list(outputs)


def scores(graph: Trace) -> list[Value]:
    """The outputs; of class indices the scores that they were taken from, for an index has no tolerance."""
    producers = graph.producers()
    return [value if "float" in value.dtype else producers[value].inputs[0] for value in graph.outputs]


def difference(ours: Any, theirs: Any) -> float:
    """The root mean square difference of two arrays, in units of the first one's standard deviation.

    Not the largest: rounding adds up to some extreme somewhere. Where a network records maxima, `converters.choices` makes
    both choose alike at near ties first.
    """
    ours, theirs = (np.asarray(keras.ops.convert_to_numpy(array), np.float64) for array in (ours, theirs))
    error, spread = float(np.sqrt(((ours - theirs) ** 2).mean())), float(ours.std())
    return error / spread if spread else float(error != 0)
