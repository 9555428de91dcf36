"""Activations, in the forms that LiteRT's CPU and GPU get right."""

from __future__ import annotations

import math
from typing import Any

import keras

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.registry import lowers_operation

NEVER = -6e4  # a score that no softmax sees, within float16
_UNARY = {"Relu": "RELU", "Relu6": "RELU6", "Sigmoid": "LOGISTIC", "Tanh": "TANH", "HardTanh": "RELU_N1_TO_1"}
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@lowers_operation(*_UNARY)
def _by_one_operator(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return build.unary(_UNARY[type(operation).__name__], build.floats(x))


@lowers_operation("ReLU")
def _relu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return rectified(build, build.tensor(x), operation.negative_slope, operation.max_value, operation.threshold)


def rectified(build: Builder, x: Tensor, slope: float, largest: float | None, threshold: float) -> Tensor:
    """Keras's relu with all its options."""
    x = build.floats(x)
    slope, threshold = float(slope or 0), float(threshold or 0)
    if not threshold:
        if slope:
            y = build.emit("LEAKY_RELU", [x], x.shape, alpha=slope)
            return y if largest is None else build.binary("MINIMUM", y, float(largest))
        if largest is None:
            return build.unary("RELU", x)
        if largest in (1, 6):
            return build.unary("RELU6", x) if largest == 6 else clipped(build, x, 0.0, 1.0)
        return clipped(build, x, 0.0, float(largest))
    above = build.select(build.binary("GREATER", x, threshold), x, build.constant(0.0))
    y = above if largest is None else clipped(build, above, 0.0, float(largest))
    if slope:
        y = build.subtract(y, build.multiply(build.unary("RELU", build.subtract(build.constant(threshold), x)), slope))
    return y


def clipped(build: Builder, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """The numbers cut off below and above."""
    if low is not None:
        x = build.unary("RELU", x) if low == 0 else build.binary("MAXIMUM", x, low)
    return x if high is None else build.binary("MINIMUM", x, high)


@lowers_operation("LeakyRelu")
def _leaky_relu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return rectified(build, build.tensor(x), operation.negative_slope, None, 0)


@lowers_operation("Silu")
def _silu(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.floats(x)
    return build.multiply(x, build.unary("LOGISTIC", x))


@lowers_operation("HardSigmoid")
def _hard_sigmoid(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.multiply(build.unary("RELU6", build.add(build.floats(x), 3.0)), 1 / 6)


@lowers_operation("HardSilu")
def _hard_silu(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary("HARD_SWISH", build.floats(x))


def _elu(build: Builder, x: Any, alpha: float, scale: float = 1.0) -> Tensor:
    """scale · (x above zero, else alpha · (eˣ − 1)); ELU itself has alpha 1."""
    x = build.floats(x)
    if alpha == scale == 1:
        return build.unary("ELU", x)
    low = build.unary("ELU", build.binary("MINIMUM", x, 0.0))
    return build.add(build.multiply(build.unary("RELU", x), scale), build.multiply(low, alpha * scale))


@lowers_operation("Elu")
def _of_elu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return _elu(build, x, float(operation.alpha))


@lowers_operation("Selu")
def _selu(build: Builder, operation: Any, x: Any) -> Tensor:
    return _elu(build, x, _SELU_ALPHA, _SELU_SCALE)


@lowers_operation("Celu")
def _celu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, alpha = build.floats(x), float(operation.alpha)
    low = build.unary("ELU", build.multiply(build.binary("MINIMUM", x, 0.0), 1 / alpha))
    return build.add(build.unary("RELU", x), build.multiply(low, alpha))


@lowers_operation("Gelu")
def _gelu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.floats(x)
    return build.emit("GELU", [x], x.shape, approximate=bool(operation.approximate))


def softplus(build: Builder, x: Any) -> Tensor:
    """log(1 + eˣ) without overflow, which log(1 + exp(x)) has above 88, and in float16 from 11."""
    x = build.floats(x)
    small = build.unary("EXP", build.unary("NEG", build.unary("ABS", x)))
    return build.add(build.unary("RELU", x), build.unary("LOG", build.add(small, 1.0)))


@lowers_operation("Softplus")
def _softplus(build: Builder, operation: Any, x: Any) -> Tensor:
    return softplus(build, x)


@lowers_operation("LogSigmoid")
def _log_sigmoid(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary("NEG", softplus(build, build.unary("NEG", build.floats(x))))


@lowers_operation("Softsign")
def _softsign(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.floats(x)
    return build.divide(x, build.add(build.unary("ABS", x), 1.0))


@lowers_operation("Mish")
def _mish(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.floats(x)
    return build.multiply(x, build.unary("TANH", softplus(build, x)))


@lowers_operation("Squareplus")
def _squareplus(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.floats(x)
    root = build.unary("SQRT", build.add(build.multiply(x, x), float(operation.b)))
    return build.multiply(build.add(x, root), 0.5)


@lowers_operation("TanhShrink")
def _tanh_shrink(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.floats(x)
    return build.subtract(x, build.unary("TANH", x))


@lowers_operation("SparseSigmoid")
def _sparse_sigmoid(build: Builder, operation: Any, x: Any) -> Tensor:
    return clipped(build, build.multiply(build.add(build.floats(x), 1.0), 0.5), 0.0, 1.0)


@lowers_operation("SparsePlus")
def _sparse_plus(build: Builder, operation: Any, x: Any) -> Tensor:
    """0 below −1, (x + 1)² / 4 up to 1, x above."""
    x = build.floats(x)
    middle = build.add(clipped(build, x, -1.0, 1.0), 1.0)
    return build.add(build.multiply(build.multiply(middle, middle), 0.25), build.unary("RELU", build.subtract(x, 1.0)))


@lowers_operation("HardShrink", "SoftShrink", "Threshold")
def _shrunk(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, width, name = build.floats(x), float(operation.threshold), type(operation).__name__
    zero = build.constant(0.0)
    if name == "Threshold":
        return build.select(build.binary("GREATER", x, width), x, build.constant(float(operation.default_value)))
    if name == "HardShrink":
        return build.select(build.binary("GREATER", build.unary("ABS", x), width), x, zero)
    return build.subtract(
        build.unary("RELU", build.subtract(x, width)), build.unary("RELU", build.subtract(build.constant(-width), x))
    )


@lowers_operation("Glu")
def _glu(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.floats(x)
    axis = operation.axis % len(x.shape)
    size = [-1] * len(x.shape)
    size[axis] = x.shape[axis] // 2
    begins = [[half * size[axis] if at == axis else 0 for at in range(len(x.shape))] for half in (0, 1)]
    value, gate = (build.slice(x, begin, size) for begin in begins)
    return build.multiply(value, build.unary("LOGISTIC", gate))


def softmax(build: Builder, x: Any, axis: Any = -1) -> Tensor:
    """Softmax along any axis or axes; TFLite's is along the last."""
    x = build.floats(x)
    rank = len(x.shape)
    if isinstance(axis, (tuple, list)):
        axes = [at % rank for at in axis]
        rest = [at for at in range(rank) if at not in axes]
        moved = build.transpose(x, [*rest, *axes])
        flat = build.reshape(moved, [*(x.shape[at] for at in rest), math.prod(x.shape[at] for at in axes)])
        back = build.reshape(softmax(build, flat), moved.shape)
        return build.transpose(back, [[*rest, *axes].index(at) for at in range(rank)])
    axis %= rank
    if axis == rank - 1:
        return build.emit("SOFTMAX", [x], x.shape, beta=1.0)
    order = [*(at for at in range(rank) if at != axis), axis]
    y = build.transpose(x, order)
    y = build.emit("SOFTMAX", [y], y.shape, beta=1.0)
    return build.transpose(y, [order.index(at) for at in range(rank)])


@lowers_operation("Softmax")
def _softmax(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return softmax(build, x, operation.axis)


@lowers_operation("LogSoftmax")
def _log_softmax(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """x − (largest + log Σ exp(x − largest)): in this order the GPU accelerator takes it, and refuses LOG_SOFTMAX."""
    x = build.floats(x)
    return build.subtract(x, log_sum_exp(build, x, operation.axis, True))


def log_sum_exp(build: Builder, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """log Σ exp(x) along axes without overflow."""
    largest = build.reduce("REDUCE_MAX", x, axis, keepdims=True)
    total = build.reduce("SUM", build.unary("EXP", build.subtract(x, largest)), axis, keepdims=True)
    result = build.add(largest, build.unary("LOG", total))
    if keepdims:
        return result
    axes = range(len(x.shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [at % len(x.shape) for at in axes]
    return build.reshape(result, [side for at, side in enumerate(result.shape) if at not in axes])


@lowers_operation("Logsumexp")
def _logsumexp(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return log_sum_exp(build, build.floats(x), operation.axis, operation.keepdims)
