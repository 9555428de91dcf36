"""Normalisations as multiplications and additions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder, Unsupported
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.reductions import mean, variance
from converters.tflite.writer.registry import lowers_operation


def scaled_and_shifted(build: Builder, x: Tensor, scale: np.ndarray, shift: np.ndarray, axis: int = -1) -> Tensor:
    """x · scale + shift, numbers along one axis: what passes fold into a convolution before it."""
    shape = [1] * len(x.shape)
    shape[axis] = -1
    y = build.multiply(x, build.constant(scale.reshape(shape), role="scale"))
    return build.add(y, build.constant(shift.reshape(shape), role="offset"))


@lowers_operation("BatchNorm")
def _batch_norm(
    build: Builder, operation: keras.Operation, x: Any, mean: Any, variance: Any, offset: Any = None, scale: Any = None
) -> Tensor:
    constants = [build.tensor(each) if each is not None else None for each in (mean, variance, offset, scale)]
    if any(each is not None and not each.constant for each in constants):
        raise Unsupported("BatchNorm with statistics that are computed")
    centre, spread, offset, scale = (None if each is None else each.array().astype(np.float64) for each in constants)
    factor = 1 / np.sqrt(spread + operation.epsilon) * (1 if scale is None else scale)
    shift = -centre * factor + (0 if offset is None else offset)
    return scaled_and_shifted(build, build.floats(x), factor, shift, operation.axis)


def normalized(build: Builder, x: Tensor, axes: Any, epsilon: float) -> Tensor:
    """(x − mean) / √(variance + ε) along axes."""
    distance = build.subtract(x, mean(build, x, axes, True))
    return build.multiply(distance, build.unary("RSQRT", build.add(variance(build, x, axes, True), float(epsilon))))


@lowers_operation("LayerNorm")
def _layer_norm(build: Builder, operation: keras.Operation, x: Any, gamma: Any = None, beta: Any = None) -> Tensor:
    x, axes = build.floats(x), operation.axis
    if getattr(operation, "rms_scaling", False):
        y = build.multiply(x, build.unary("RSQRT", build.add(variance(build, x, axes, True), float(operation.epsilon))))
    else:
        y = normalized(build, x, axes, operation.epsilon)
    return affine(build, y, gamma, beta, axes)


def affine(build: Builder, x: Tensor, gamma: Any, beta: Any, axes: Any) -> Tensor:
    """x · γ + β, each along some axes."""
    rank = len(x.shape)
    places = [at % rank for at in ([axes] if isinstance(axes, int) else axes)]
    shape = [x.shape[at] if at in places else 1 for at in range(rank)]
    if gamma is not None:
        x = build.multiply(x, build.reshape(build.tensor(gamma, role="gamma"), shape))
    return x if beta is None else build.add(x, build.reshape(build.tensor(beta, role="beta"), shape))


@lowers_operation("RMSNorm")
def _rms_norm(build: Builder, operation: keras.Operation, x: Any, scale: Any = None) -> Tensor:
    x = build.floats(x)
    power = mean(build, build.multiply(x, x), operation.axis, True)
    y = build.multiply(x, build.unary("RSQRT", build.add(power, float(operation.epsilon))))
    return affine(build, y, scale, None, operation.axis)


@lowers_operation("Normalize")
def _normalize(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """x over its Euclidean length along an axis."""
    x = build.floats(x)
    if operation.order != 2:
        raise Unsupported(f"Normalize of order {operation.order}")
    power = build.reduce("SUM", build.multiply(x, x), operation.axis, keepdims=True)
    epsilon = keras.config.epsilon() if operation.epsilon is None else float(operation.epsilon)
    least = build.binary("MAXIMUM", power, max(epsilon**2, float(np.finfo("float32").tiny)))
    return build.multiply(x, build.unary("RSQRT", least))
