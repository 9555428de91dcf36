"""A model's graph (`zoo.analysis.graph`) as converters use it: run call by call, with layers put in the place of others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo.analysis.graph import Call, Trace, Value, as_functional, specs_at, substitute, trace
from zoo.errors import InputError

__all__ = [
    "Call",
    "Trace",
    "Value",
    "apply",
    "as_functional",
    "at_inference",
    "clone",
    "concrete_shapes",
    "copy_weights",
    "difference",
    "distance",
    "evaluate",
    "fed",
    "in_form",
    "named_operations",
    "rebuilt",
    "scores",
    "shapes_at",
    "substitute",
    "trace",
    "walk",
]


_SIDES = (64, 96, 128, 224, 320, 512, 640)  # tried for an open side, until the network can see it
_MAP = 4  # axes of a map, N×H×W×C


def shapes_at(graph: Trace, *input_shapes: tuple[int | None, ...]) -> dict[Value, tuple[int | None, ...]]:
    """Each tensor's shape, batch first, when the model's inputs have the given ones; nothing is computed or built."""
    return {value: tuple(spec.shape) for value, spec in specs_at(graph, *input_shapes).items()}


def evaluate(graph: Trace, *arrays: Any) -> dict[Value, Any]:
    """Every tensor of the graph at inference, computed by the model's own layers when its inputs are the given ones."""
    tensors = fed(graph, *arrays)
    for call in graph.calls:
        tensors.update(zip(call.outputs, apply(call, tensors), strict=True))
    return tensors


def fed(graph: Trace, *arrays: Any) -> dict[Value, Any]:
    """The model's inputs with what they are given, each in the type that it takes: pictures are floats here as a rule."""
    return {value: keras.ops.cast(array, value.dtype) for value, array in zip(graph.inputs, arrays, strict=True)}


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

    Left to itself, a Resizing or Random* layer switches the normalisation after it to training, inside a layer of layers
    too. Keras takes `training` for any layer, also for one whose `call` has no such argument, and tells those inside it.
    """
    if isinstance(operation, keras.Layer):
        return lambda *args, **kwargs: operation(*args, **{**kwargs, "training": False})
    return operation


def clone(layer: keras.Layer, convert: Callable[[Any], Any] = lambda config: config, **changes: Any) -> keras.Layer:
    """A layer of the same configuration, not yet built.

    Args:
        layer: the original.
        convert: what is done to its configuration.
        **changes: to its arguments.

    Raises:
        InputError: for a layer that does not survive its own configuration.
    """
    try:
        return type(layer).from_config({**convert(layer.get_config()), **changes})
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, IndexError) as error:
        raise InputError(
            f"layer '{layer.name}' ({type(layer).__name__}) cannot be made anew from its own get_config(): "
            f"{_first_line(error)}; give it one that holds all arguments of its __init__"
        ) from error


def named_operations(graph: Trace) -> dict[str, keras.Operation]:
    """The operations of a graph under the names that their counterparts have: their own, made unique."""
    named: dict[str, keras.Operation] = {}
    ids: set[int] = set()
    for operation in (call.operation for call in graph.calls):
        if id(operation) in ids:
            continue
        ids.add(id(operation))
        name, count = operation.name, 0
        while name in named:
            count += 1
            name = f"{operation.name}_{count}"
        named[name] = operation
    return named


def copy_weights(source: keras.Operation, target: keras.Operation) -> None:
    """Copies a layer's weights into a clone that has been built.

    Raises:
        InputError: where the clone has others.
    """
    if source is target or not isinstance(source, keras.Layer):
        return
    if len(source.weights) != len(target.weights):
        raise InputError(
            f"layer '{source.name}' ({type(source).__name__}) has {len(source.weights)} weights, made anew from its own "
            f"get_config() {len(target.weights)}: what was added to it afterwards (as LoRA's) has to be merged first"
        )
    for old, new in zip(source.weights, target.weights, strict=True):
        if math.prod(old.shape) != math.prod(new.shape):
            shapes = f"{tuple(old.shape)} but {tuple(new.shape)} at an open size"
            raise InputError(f"layer '{source.name}': weight {old.path} is {shapes}")
        new.assign(keras.ops.cast(old, new.dtype))
    if hasattr(target, "finalize_state"):  # an adapted Normalization computes its constants from its weights
        target.finalize_state()


def rebuilt(
    model: keras.Model,
    graph: Trace,
    answer: Callable[[Call, tuple, dict[str, Any]], Any],
    enter: Callable[[Any], Any] = lambda tensor: tensor,
    dtype: Callable[[str], str] = lambda dtype: dtype,
) -> keras.Model:
    """A model of the same inputs and name whose calls are answered anew, its outputs in the form of the model's own.

    Args:
        model: that the graph is of.
        graph: its calls.
        answer: gives a call's outputs from its arguments, the new tensors in them.
        enter: what is done to each input first.
        dtype: an input's type, from the one that it has.
    """
    inputs: list[Any] = []
    tensors: dict[Value, Any] = {}
    for value, tensor in zip(graph.inputs, as_functional(model).inputs, strict=True):
        inputs.append(keras.Input(batch_shape=tensor.shape, dtype=dtype(tensor.dtype), name=tensor.name))
        tensors[value] = enter(inputs[-1])
    for call in graph.calls:
        args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
        tensors.update(zip(call.outputs, keras.tree.flatten(answer(call, args, kwargs)), strict=True))
    ends = in_form(model, [tensors[value] for value in graph.outputs])
    structure = getattr(model, "_inputs_struct", None)  # its names are the inputs', whatever the tensors are called
    several = dict(zip(sorted(structure), inputs, strict=True)) if isinstance(structure, Mapping) else inputs
    return keras.Model(inputs[0] if len(inputs) == 1 else several, ends, name=model.name)


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


def check_one_input(model: keras.Model, what: str) -> None:
    """Refuses models of several inputs, for what knows of one picture only.

    Raises:
        InputError: saying how many there are.
    """
    count = len(getattr(model, "inputs", None) or ())
    if count > 1:
        raise InputError(f"model '{model.name}' has {count} inputs; {what} is for models of one picture, to_tflite for both")


def noise(graph: Trace) -> list[np.ndarray]:
    """Seeded numbers for each input, two items: 0–255, but 0 or 1 for whole numbers that are no map, which may be looked up."""
    arrays = []
    for seed, (value, shape) in enumerate(zip(graph.inputs, concrete_shapes(graph), strict=True)):
        most = 255 if len(shape) == _MAP or "int" not in value.dtype else 1.99
        arrays.append(np.random.default_rng(seed).uniform(0, most, shape).astype(value.dtype))
    return arrays


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
    if ours.shape != theirs.shape:
        return math.inf
    error, spread = float(np.sqrt(((ours - theirs) ** 2).mean())), float(ours.std())
    return error / spread if spread else float(error != 0)


def distance(expected: np.ndarray, answer: np.ndarray, least: float = 1e-6) -> float:
    """How far a file's output is from the model's: the share of class indices that differ, or of floats the root mean square
    error in units of the spread, where the model's are finite. What hardly spreads is measured by its size,
    and by `least` at the least."""
    if expected.dtype.kind not in "fV":
        return float((expected != answer).mean())
    finite = np.isfinite(expected := expected.astype(np.float64))
    if not finite.any():
        return 0.0
    expected, answer = expected[finite], np.asarray(answer, np.float64)[finite]
    scale = max(expected.std(), 1e-2 * np.abs(expected).max(), least)
    return float(np.sqrt(np.square(expected - answer).mean())) / scale


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
