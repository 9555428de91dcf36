"""Quantization-aware training on Keras 3 itself: the folded graph with its kernels and outputs rounded as the file has them.

The network is a functional model like any other: `zoo.train` trains it, resumes it and keeps its best epoch, on TensorFlow, JAX
and PyTorch. The ends of what outputs span are weights of it, and the file is written from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from converters import graph as graphs
from converters.graph import Call, Trace, trace
from converters.quantization.activation_ranges import starting_spans
from converters.quantization.batchnorm_folding import fold
from converters.quantization.rounding_layers import RoundedKernel, RoundedOutput, has_kernel
from converters.quantization.rounding_places import fixed_span, fused, rounds
from converters.quantization.unquantized import UnquantizedLayer
from zoo.layers import ModelOutput

_ROUNDED = "_rounded"  # at the end of the name of a rounding, after that of the layer


def quantize_aware(model: keras.Model, calibration: Any, keep: tuple[str, ...], ranges: str) -> keras.Model:
    """The Keras 3 network of `converters.quantize_aware`, whose arguments these are."""
    folded = fold(model)
    graph = trace(folded)
    spans, in_one = starting_spans(graph, calibration, ranges), fused(graph)
    layers = _Clones(lambda operation, clone: RoundedKernel(clone, keep) if has_kernel(operation) else clone)

    def following(call: Call, outputs: list[Any]) -> list[Any]:
        if not rounds(call) or id(call) in in_one or isinstance(call.operation, ModelOutput):  # whose spans are the format's
            return outputs
        fixed, name = fixed_span(call.operation), call.operation.name
        layer = RoundedOutput(fixed or spans[name], learns=fixed is None, name=layers.free_name(name + _ROUNDED))
        return [layer(outputs[0]), *outputs[1:]]

    def image(tensor: Any) -> Any:
        return RoundedOutput((0.0, 255.0), learns=False, name=tensor.name + _ROUNDED)(tensor)

    network = _rebuilt(folded, graph, layers, image, following)
    for layer in network.layers:
        if isinstance(layer, RoundedKernel):
            layer.begin()
    return network


def is_rounding_aware(model: Any) -> bool:
    """Whether a model came from `quantize_aware`."""
    return isinstance(model, keras.Model) and any(isinstance(layer, RoundedOutput) for layer in model.layers)


def unquantized_layers(network: keras.Model) -> tuple[UnquantizedLayer, ...]:
    """The layers with weights that are no kernel of a convolution or a dense layer."""
    rest = [layer for layer in network.layers if layer.weights and not isinstance(layer, (RoundedKernel, RoundedOutput))]
    why = "its weights are no kernel of a convolution or a dense layer"
    return tuple(UnquantizedLayer(layer.name, type(layer).__name__, why) for layer in rest)


def unrounded(network: keras.Model) -> tuple[keras.Model, dict[str, tuple[float, float]]]:
    """The network without its roundings, its kernels with what was to be kept of them; and what outputs span, by layer."""
    spans: dict[str, tuple[float, float]] = {}
    graph = trace(network)
    producers = graph.producers()

    def clone(operation: keras.Operation, copy: Any) -> Any:
        if isinstance(operation, RoundedKernel):
            return type(operation.layer).from_config(operation.layer.get_config())
        return (lambda x: x) if isinstance(operation, RoundedOutput) else copy

    def following(call: Call, outputs: list[Any]) -> list[Any]:
        before = producers.get(call.inputs[0])
        if isinstance(call.operation, RoundedOutput) and before is not None:
            low, high = call.operation.span
            old = spans.get(before.operation.name, (low, high))
            spans[before.operation.name] = min(low, old[0]), max(high, old[1])
        return outputs

    return _rebuilt(network, graph, _Clones(clone), lambda tensor: tensor, following), spans


# ------------------------------------------------------------------------------------------------ graphs anew


@dataclass
class _Clones:
    """A clone of each layer, or what stands in its place, made once however often the layer is called."""

    place: Callable[[keras.Operation, Any], Any]  # of a layer and its clone: what is called instead
    _made: dict[int, Any] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def __call__(self, operation: keras.Operation) -> Any:
        if id(operation) not in self._made:
            clone = graphs.clone(operation) if isinstance(operation, keras.Layer) else operation
            self._made[id(operation)] = self.place(operation, clone)
        return self._made[id(operation)]

    def free_name(self, name: str) -> str:
        """The name, or with a number behind it where it is taken."""
        count, free = 1, name
        while free in self._names:
            count, free = count + 1, f"{name}_{count}"
        self._names.add(free)
        return free


def _rebuilt(
    model: keras.Model,
    graph: Trace,
    layers: _Clones,
    image: Callable[[Any], Any],
    following: Callable[[Call, list[Any]], list[Any]],
) -> keras.Model:
    """The model of other layers with the same weights: `image` for its inputs, `following` for each call's outputs."""

    def answer(call: Call, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
        place = layers(call.operation)
        outputs = keras.tree.flatten(place(*args, **{key: each for key, each in kwargs.items() if key != "training"}))
        _copy(call.operation, place)
        return following(call, outputs)

    return graphs.rebuilt(model, graph, answer, lambda tensor: image(tensor) if "float" in tensor.dtype else tensor)


def _copy(source: keras.Operation, target: Any) -> None:
    if isinstance(target, RoundedKernel):
        target.layer.set_weights(source.get_weights())
    elif isinstance(source, RoundedKernel):
        kernel = keras.ops.convert_to_numpy(source.projected())
        target.set_weights([kernel, *source.layer.get_weights()[1:]])
    elif isinstance(target, keras.Layer):
        graphs.copy_weights(source, target)
