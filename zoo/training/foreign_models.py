"""Foreign models: those of others, as `zoo.train` takes them: functional, by their graph alone, and up to their logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from zoo.errors import InputError
from zoo.layers import output_layers

# Methods by which a model of its own class learns or answers otherwise than its graph does.
_OWN = ("train_step", "compute_loss", "compute_loss_and_updates", "stateless_compute_loss", "call")
_SQUASHING = ("softmax", "sigmoid")
# Operations that leave every number what it is: behind them a softmax may as well be missing.
_MOVING = (keras.layers.Reshape, keras.layers.Cropping2D, keras.layers.Identity, keras.layers.Dropout)
# Those that mix positions or channels, behind which it may not.
_MIXING = (keras.layers.Resizing, keras.layers.UpSampling2D, keras.layers.Permute, keras.layers.AveragePooling2D)


@dataclass(frozen=True)
class Ending:
    """The activation that a model ends in.

    Attributes:
        activation: "softmax" or "sigmoid".
        operation: that computes it.
        before: its input, where it does nothing else and ends the model.
        mixed: whether operations behind it mix what it gives.
    """

    activation: str
    operation: Any
    before: Any
    mixed: bool


def functional(model: Any) -> keras.Model:
    """The model as a functional one over the same layers: a built Sequential becomes one, others stay.

    Raises:
        InputError: for what has no graph of one image input, and for a class that trains or answers by methods of its own,
            which nothing here would call.
    """
    if isinstance(model, keras.Sequential) and not model.built:
        raise InputError(f"{model.name} is a Sequential of unknown input; begin it with keras.Input((height, width, channels))")
    graph = isinstance(model, keras.Model) and getattr(model, "inputs", None) and len(model.inputs) == 1
    if not graph or (len(model.outputs) != 1 and len(output_layers(model)) != len(model.outputs)):
        raise InputError(
            f"{model!r} cannot be trained here; expected a functional keras.Model with one input, and one output or "
            "several that end in a zoo.layers.ModelOutput each"
        )
    own = _own_methods(model)
    if own:
        raise InputError(
            f"{model.name} has its own {', '.join(own)}, which zoo.train does not call: it trains the graph, by loss=; give "
            "keras.Model(model.inputs, model.outputs), or train it with its own fit"
        )
    return keras.Model(model.inputs, model.outputs, name=model.name) if isinstance(model, keras.Sequential) else model


@contextmanager
def without_activation(network: keras.Model, ending: Ending | None) -> Iterator[keras.Model]:
    """The network up to the numbers before its last activation, over the same layers; undone afterwards.

    Args:
        network: of one output.
        ending: what is left out; None for nothing.

    Raises:
        InputError: for an activation that cannot be left out alone.
    """
    if ending is None:
        yield network
        return
    if ending.mixed or (ending.before is None and not hasattr(ending.operation, "activation")):
        raise InputError(
            f"{network.name}: the {ending.activation} of {ending.operation.name} is not the last that it computes, and "
            "training is on logits; build the model without it, or with it as its last layer"
        )
    if ending.before is not None:
        yield keras.Model(network.inputs[0], ending.before, name=network.name)
        return
    layer, activation = ending.operation, ending.operation.activation
    layer.activation = keras.activations.linear
    try:
        yield keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    finally:
        layer.activation = activation


def ending_of(model: keras.Model) -> Ending | None:
    """The softmax or sigmoid that a model of others ends in; None for neither, and for one that says itself what it gives."""
    return None if output_layers(model) else _ending(model.outputs[0], top=True, mixed=False)


def _ending(tensor: Any, top: bool, mixed: bool) -> Ending | None:
    """The last activation before a tensor; `top` while nothing lies between it and the model's end."""
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return None
    operation = history.operation
    inputs = operation._inbound_nodes[history.node_index].input_tensors
    if isinstance(operation, keras.Model):
        outputs = getattr(operation, "outputs", None)
        return _ending(outputs[0], top=False, mixed=mixed) if outputs and len(outputs) == 1 else None
    name = _activation(operation)
    if name in _SQUASHING:
        alone = isinstance(operation, keras.layers.Activation | keras.layers.Softmax) or _is_plain(operation)
        across = getattr(operation, "axis", -1) not in (-1, len(tensor.shape) - 1)
        return Ending(name, operation, inputs[0] if alone and top else None, mixed or across)
    if len(inputs) != 1 or not (isinstance(operation, (*_MOVING, *_MIXING)) or _is_linear(operation)):
        return None
    nearest = getattr(operation, "interpolation", None) == "nearest"
    return _ending(inputs[0], top=False, mixed=mixed or (isinstance(operation, _MIXING) and not nearest))


def _activation(operation: Any) -> str | None:
    """The name of the activation that an operation ends with, where it is of those that squash."""
    if isinstance(operation, keras.layers.Softmax):
        return "softmax"
    if not isinstance(operation, keras.layers.Layer):  # keras.ops.softmax(x)
        return type(operation).__name__.casefold() if _is_plain(operation) else None
    activation = getattr(operation, "activation", None)
    return next((name for name in _SQUASHING if activation is getattr(keras.activations, name)), None)


def _is_plain(operation: Any) -> bool:
    """Whether it is `keras.ops.softmax` or `keras.ops.sigmoid`."""
    return not isinstance(operation, keras.layers.Layer) and type(operation).__name__.casefold() in _SQUASHING


def _is_linear(operation: Any) -> bool:
    return isinstance(operation, keras.layers.Activation) and operation.activation is keras.activations.linear


def _own_methods(model: keras.Model) -> list[str]:
    """The methods of a model's own class, or of itself, that Keras's graphs do not have."""
    owners = [owner for owner in type(model).__mro__ if owner.__module__.partition(".")[0] != "keras"]
    places: list[Mapping[str, Any]] = [vars(model), *map(vars, owners)]
    return [name for name in _OWN if any(name in place for place in places)]
