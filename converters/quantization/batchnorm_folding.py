"""Graph passes that leave the same function in fewer, or in more convertible, layers; each proves that it is the same.

What an int8 file computes is then what quantization-aware training trains: kernels with the normalisation inside them, and no
operation that would stay in float between two integer ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from converters import choices
from converters import graph as graphs
from converters.collapsing import collapse
from converters.graph import Call, Trace, trace
from converters.single_precision import float32_policy, in_float32
from zoo.errors import InputError

L = keras.layers
FOLDED = (L.Conv2D, L.DepthwiseConv2D, L.Conv2DTranspose, L.Dense)
INTEGER_ACTIVATIONS = ("linear", "relu", "relu6")  # what an integer convolution ends in without a second operation
EQUALITY = 1e-3  # of the answer's spread: folding rounds anew, and an untrained network enlarges what is rounded


def fold(model: keras.Model, biases: bool = False) -> keras.Model:
    """The same function with batch normalisation inside the kernels before it, other scalings as 1×1 depthwise convolutions.

    Layers keep their names. The normalisation's statistics are frozen in: train first, fold then. With `biases`, every kernel
    gets one, and activations stand in layers of their own. Layers that learn by a detour are collapsed first.

    Raises:
        InputError: for a subclassed model, or where the folded one answers otherwise by more than 1e-3 of the spread.
    """
    single = in_float32(collapse(model))
    graph = trace(single)
    with float32_policy():
        folded = _rebuilt(single, graph, biases)
    _check(graph, trace(folded), model.name)
    return folded


def _rebuilt(model: keras.Model, graph: Trace, biases: bool) -> keras.Model:
    names = {id(operation): name for name, operation in graphs.named_operations(graph).items()}
    merged, layers = _merged(graph), {}

    def answer(call: Call, args: tuple, kwargs: dict[str, Any]) -> Any:
        if id(call) in merged:
            return args[0] if args else kwargs["inputs"]
        norm = next((last for last in graph.calls if merged.get(id(last)) is call), None)
        key = id(call.operation)
        if key not in layers:
            layers[key] = _layer(call, names[key], norm, biases)
        try:
            return layers[key](args, {k: v for k, v in kwargs.items() if k != "training"})
        except InputError:
            raise
        except (ValueError, TypeError) as error:  # a layer that takes something else than it was recorded with
            reason = str(error).strip().partition("\n")[0]
            raise InputError(f"layer {call.named()} cannot be applied anew, as folding does: {reason}") from error

    return graphs.rebuilt(model, graph, answer)


def _merged(graph: Trace) -> dict[int, Call]:
    """The batch normalisations that go into the call before them: id → that call."""
    producers, readers, uses = graph.producers(), {}, {}
    for call in graph.calls:
        uses[id(call.operation)] = uses.get(id(call.operation), 0) + 1
        for value in call.inputs:
            readers[value] = readers.get(value, 0) + 1
    merged: dict[int, Call] = {}
    for call in graph.calls:
        if not isinstance(call.operation, L.BatchNormalization):
            continue
        before = producers.get(call.inputs[0])
        if before is None or type(before.operation) not in FOLDED or call.inputs[0] in graph.outputs:
            continue
        if not _channels_last(before.operation):
            continue
        linear = before.operation.get_config()["activation"] == "linear"
        alone = readers[call.inputs[0]] == uses[id(call.operation)] == uses[id(before.operation)] == 1
        if linear and alone and call.operation.axis in (-1, len(call.inputs[0].shape) - 1):
            merged[id(call)] = before
    return merged


def _channels_last(layer: keras.Layer) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _layer(call: Call, name: str, norm: Call | None, biases: bool) -> Callable[[tuple, dict], Any]:
    """The layer that stands for a call's operation: a function of its arguments."""
    operation, first = call.operation, call.inputs[0] if call.inputs else None
    floats = first is not None and len(first.shape) == 4 and "float" in first.dtype  # integers are cast by the layer itself
    if type(operation) in FOLDED:
        return _kernel_layer(operation, name, None if norm is None else norm.operation, biases)
    if isinstance(operation, L.BatchNormalization) and floats and operation.axis in (-1, 3):
        return _depthwise(name, *_scale_and_shift(operation), first.shape[-1])
    if type(operation) is L.Rescaling and floats and all(np.ndim(v) < 2 for v in (operation.scale, operation.offset)):
        scale, shift = (
            np.broadcast_to(np.asarray(v, np.float32), first.shape[-1]) for v in (operation.scale, operation.offset)
        )
        return _depthwise(name, scale, shift, first.shape[-1])
    if isinstance(operation, L.Activation) and floats:
        apart = _hard(operation.get_config()["activation"], name, first.shape[-1])
        if apart is not None:
            return lambda args, kwargs: apart(*args)
    if type(operation) is L.SeparableConv2D and _channels_last(operation):
        return _separated(operation, name, biases)
    if type(operation) is L.Average and floats and len({value.shape[-1] for value in call.inputs}) == 1:
        channels, count = first.shape[-1], len(call.inputs)
        add = L.Add(name=name)
        share = _depthwise(f"{name}_share", np.full(channels, 1 / count), np.zeros(channels), channels)
        return lambda args, kwargs: share((add(*args),), {})
    if not isinstance(operation, keras.Layer):
        return lambda args, kwargs: operation(*args, **kwargs)
    twin = graphs.clone(operation, name=name)

    def run(args: tuple, kwargs: dict) -> Any:
        outputs = twin(*args, **kwargs)
        graphs.copy_weights(operation, twin)
        return outputs

    return run


def _kernel_layer(
    layer: keras.Layer, name: str, norm: L.BatchNormalization | None, biases: bool
) -> Callable[[tuple, dict], Any]:
    if len(layer.weights) != 1 + layer.use_bias:
        raise InputError(
            f"layer '{layer.name}' ({type(layer).__name__}) has {len(layer.weights)} weights, of which folding knows kernel "
            "and bias: merge what was added to it (as LoRA's) first"
        )
    inner, after = _split(layer, name, biases)
    twin = graphs.clone(layer, name=name, use_bias=layer.use_bias or norm is not None or biases, activation=inner)

    def run(args: tuple, kwargs: dict) -> Any:
        outputs = twin(*args, **kwargs)
        weights = [keras.ops.convert_to_numpy(weight) for weight in layer.weights]
        if norm is not None:
            weights = _folded(layer, weights, *_scale_and_shift(norm))
        if len(weights) < len(twin.weights):
            weights.append(np.zeros(twin.weights[-1].shape, "float32"))
        twin.set_weights(weights)
        return outputs if after is None else after(outputs)

    return run


def _split(layer: keras.Layer, name: str, biases: bool) -> tuple[Any, Callable[[Any], Any] | None]:
    """A layer's activation: what stays in it, and what stands in a layer of its own behind it, or None."""
    activation = layer.get_config()["activation"]
    if activation in INTEGER_ACTIVATIONS and not (biases and activation != "linear"):
        return activation, None
    name = f"{name}_activation"
    channels = getattr(layer, "filters", 0) or getattr(layer, "units", 0) if _channels_last(layer) else 0
    return "linear", _hard(activation, name, channels) or L.Activation(activation, name=name)


def _separated(layer: L.SeparableConv2D, name: str, biases: bool) -> Callable[[tuple, dict], Any]:
    """A depthwise convolution and a 1×1 convolution, in which a map that has to be rounded lies between the two."""
    first = L.DepthwiseConv2D(
        layer.kernel_size, layer.strides, layer.padding, layer.depth_multiplier, use_bias=biases,
        dilation_rate=layer.dilation_rate, name=f"{name}_depthwise",
    )  # fmt: skip
    inner, after = _split(layer, name, biases)
    last = L.Conv2D(layer.filters, 1, use_bias=layer.use_bias or biases, activation=inner, name=name)

    def run(args: tuple, kwargs: dict) -> Any:
        outputs = last(first(*args))
        depthwise, *pointwise = (keras.ops.convert_to_numpy(weight) for weight in layer.weights)
        for twin, weights in ((first, [depthwise]), (last, pointwise)):
            zeros = [np.zeros(weight.shape, "float32") for weight in twin.weights[len(weights) :]]
            twin.set_weights([*weights, *zeros])
        return outputs if after is None else after(outputs)

    return run


def _hard(activation: Any, name: str, channels: int) -> Callable[[Any], Any] | None:
    """hard_sigmoid and hard_swish in layers that are integer operations; None for any other activation."""
    if activation not in ("hard_sigmoid", "hard_silu", "hard_swish") or not channels:
        return None
    shift = _depthwise(f"{name}_shift", np.ones(channels), np.full(channels, 3.0), channels)
    sixth = _depthwise(f"{name}_sixth", np.full(channels, 1 / 6), np.zeros(channels), channels)
    clip, times = L.ReLU(6.0, name=f"{name}_relu6"), L.Multiply(name=f"{name}_times")

    def run(x: Any) -> Any:
        gate = sixth((clip(shift((x,), {})),), {})
        return gate if activation == "hard_sigmoid" else times([x, gate])

    return run


def _folded(layer: keras.Layer, weights: list[np.ndarray], scale: np.ndarray, shift: np.ndarray) -> list[np.ndarray]:
    kernel, old = weights[0], weights[1] if layer.use_bias else 0.0
    if isinstance(layer, L.DepthwiseConv2D):  # H×W×C×multiplier
        factor = scale.reshape(kernel.shape[2:])
    elif isinstance(layer, L.Conv2DTranspose):  # H×W×outputs×inputs
        factor = scale[:, None]
    else:
        factor = scale
    return [(kernel * factor).astype("float32"), (old * scale + shift).astype("float32")]


def _scale_and_shift(norm: L.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    mean, variance = (keras.ops.convert_to_numpy(v).astype(np.float64) for v in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * keras.ops.convert_to_numpy(norm.gamma)
    shift = -mean * scale
    return scale, shift + keras.ops.convert_to_numpy(norm.beta) if norm.center else shift


def _depthwise(name: str, scale: np.ndarray, shift: np.ndarray, channels: int) -> Callable[[tuple, dict], Any]:
    layer = L.DepthwiseConv2D(1, name=name)

    def run(args: tuple, kwargs: dict) -> Any:
        outputs = layer(*args)
        layer.set_weights([scale.reshape(1, 1, channels, 1).astype("float32"), shift.astype("float32")])
        return outputs

    return run


def _check(before: Trace, after: Trace, name: str) -> None:
    noise = graphs.noise(before)
    new = graphs.evaluate(after, *noise)
    old, _ = choices.evaluate(before, noise, choices.positions(after, new))
    errors = [
        graphs.difference(old[one], new[other])
        for one, other in zip(graphs.scores(before), graphs.scores(after), strict=True)
    ]
    if all(error <= EQUALITY for error in errors):
        return
    merged = {id(call) for call in _merged(before).values()}
    twins = {call.operation.name: call.outputs[0] for call in after.calls}
    for call in before.calls:
        twin, value = twins.get(call.operation.name), call.outputs[0]
        if id(call) in merged or twin is None or "float" not in value.dtype or old[value].shape != new[twin].shape:
            continue
        if not graphs.difference(old[value], new[twin]) <= EQUALITY:
            break
    raise InputError(
        f"'{name}' answers otherwise once folded, by {max(errors):.2g} of its spread; layer {call.named()} is the first that "
        "differs: it keeps something that its get_config() and weights do not hold, or is used in a way that folding does not "
        "know"
    )
