"""Operators in forms that LiteRT's integer kernels, and XNNPACK's above all, compute: the same function in float32.

XNNPACK (LiteRT 2.3) takes no RELU, HARD_SWISH or average pooling of int8 by itself, and each one that it leaves cuts a graph
into parts between which tensors are handed over. It takes their arithmetic: a product with a ReLU in it, a depthwise mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.quantization.integers.graph import Bits
from converters.tflite.writer.graph import ACTIVATIONS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_SAME = schema.Padding.SAME


def prepare(graph: Graph, bits: Bits) -> None:
    """Replaces, in place, operators that shall compute in integers by such as can."""
    _join_affine(graph, bits)
    operators: list[Operator] = []
    for operator in graph.operators:
        form = _FORMS.get(operator.code) if bits(operator) else None
        parts = None if form is None or operator.output.dtype != "float32" else form(operator)
        operators += [operator] if parts is None else parts
    graph.operators = operators


def _join_affine(graph: Graph, bits: Bits) -> None:
    """a · x + b for each channel, rounded twice, becomes a depthwise convolution, rounded once."""
    readers, producers = graph.readers(), graph.producers()
    for operator in list(graph.operators):
        product = producers.get(operator.inputs[0]) if operator.code == "ADD" else None
        if product is None or product.code != "MUL" or not bits(operator) or not bits(product):
            continue
        factor, offset = (_by_channel(each) for each in (product, operator))
        alone = len(readers[product.output]) == 1 and product.output not in graph.outputs
        if factor is None or offset is None or not alone or product.activation:
            continue
        kernel, bias = _constant(operator, "scale", factor.reshape(1, 1, 1, -1)), _constant(operator, "offset", offset)
        clamp = operator.activation
        operator.options = {**_depthwise((1, 1)), "padding": _SAME, "fusedActivationFunction": clamp}
        operator.code, operator.inputs = "DEPTHWISE_CONV_2D", [product.inputs[0], kernel, bias]
        operator.layers = tuple(dict.fromkeys((*product.layers, *operator.layers)))
        graph.remove([product])


def _by_channel(operator: Operator) -> np.ndarray | None:
    """The constant that each channel of N×H×W×C is multiplied by or gets added; None for other operators."""
    x, y = operator.inputs
    if x.constant or not y.constant or len(x.shape) != 4 or x.shape != operator.output.shape or x.dtype != "float32":
        return None
    if any(side != 1 for side in y.shape[:-1]):
        return None
    return np.broadcast_to(y.array().reshape(-1), (x.shape[-1],))


def _depthwise(strides: tuple[int, int]) -> dict[str, int]:
    """The options of a depthwise convolution that do not depend on its padding."""
    return {
        "depthMultiplier": 1, "strideH": strides[0], "strideW": strides[1], "dilationHFactor": 1, "dilationWFactor": 1,
    }  # fmt: skip


def _constant(operator: Operator, role: str, value: np.ndarray) -> Tensor:
    weights = Weights.of(value.astype(np.float32))
    return Tensor(weights.shape, "float32", operator.output.layer, role, weights)


def _binary(operator: Operator, code: str, x: Tensor, y: Tensor, output: Tensor, clamp: str = "") -> Operator:
    options = {"fusedActivationFunction": ACTIVATIONS[clamp]} if clamp else {}
    return Operator(code, [x, y], [output], options, operator.layers)


def _inner(operator: Operator, role: str) -> Tensor:
    return Tensor(operator.output.shape, "float32", operator.output.layer, role)


def _number(operator: Operator, role: str, value: float) -> Tensor:
    return _constant(operator, role, np.full([1] * len(operator.output.shape), value))


def _clamped(operator: Operator) -> list[Operator]:
    """A ReLU that follows no product, or not that alone: 1 · x with the ReLU in it."""
    (x,) = operator.inputs
    return [_binary(operator, "MUL", x, _number(operator, "one", 1.0), operator.output, operator.code)]


def _leaky(operator: Operator) -> list[Operator] | None:
    if operator.options.get("alpha", 0.0):
        return None
    return _clamped(Operator("RELU", operator.inputs, operator.outputs, {}, operator.layers))


def _hard_swish(operator: Operator) -> list[Operator]:
    """x · relu6(x + 3) / 6."""
    (x,) = operator.inputs
    gate, sixth = _inner(operator, "gate"), _inner(operator, "sixth")
    return [
        _binary(operator, "ADD", x, _number(operator, "three", 3.0), gate, "RELU6"),
        _binary(operator, "MUL", gate, _number(operator, "share", 1 / 6), sixth),
        _binary(operator, "MUL", x, sixth, operator.output),
    ]


def _averaged(operator: Operator) -> list[Operator] | None:
    """A mean over windows, all of them whole, as a depthwise convolution."""
    (x,), options = operator.inputs, operator.options
    window = options["filterHeight"], options["filterWidth"]
    strides = options["strideH"], options["strideW"]
    sides = zip(x.shape[1:3], operator.output.shape[1:3], window, strides, strict=True)
    whole = all((count - 1) * stride + side <= length for length, count, side, stride in sides)
    if -1 in x.shape or (options.get("padding", _SAME) == _SAME and not whole):
        return None
    channels = x.shape[-1]
    kernel = _constant(operator, "mean", np.full((1, *window, channels), 1 / math.prod(window)))
    shared = {key: options[key] for key in ("padding", "fusedActivationFunction") if key in options}
    inputs = [x, kernel, _constant(operator, "bias", np.zeros(channels))]
    return [Operator("DEPTHWISE_CONV_2D", inputs, operator.outputs, {**_depthwise(strides), **shared}, operator.layers)]


_FORMS: dict[str, Callable[[Operator], list[Operator] | None]] = {
    "RELU": _clamped,
    "RELU6": _clamped,
    "LEAKY_RELU": _leaky,
    "HARD_SWISH": _hard_swish,
    "AVERAGE_POOL_2D": _averaged,
}
