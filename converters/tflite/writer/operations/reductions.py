"""Reductions along axes."""

from __future__ import annotations

import math
from typing import Any

import keras

from converters.tflite.writer.builder import Builder, Unsupported, type_number
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.registry import lowers_operation

_LANES = 4
_CODES = {"Sum": "SUM", "Prod": "REDUCE_PROD"}
_CODES |= {"Max": "REDUCE_MAX", "Amax": "REDUCE_MAX", "Min": "REDUCE_MIN", "Amin": "REDUCE_MIN"}


@lowers_operation(*_CODES)
def _reduced(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    if getattr(operation, "initial", None) is not None:
        raise Unsupported(f"{type(operation).__name__} with initial")
    x = build.cast(x, "int32") if x.dtype in ("bool", "uint8", "int8") else x
    return build.reduce(_CODES[type(operation).__name__], x, operation.axis, operation.keepdims)


@lowers_operation("Any", "All")
def _logical(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    x = x if x.dtype == "bool" else build.binary("NOT_EQUAL", x, 0)
    return build.reduce(f"REDUCE_{type(operation).__name__.upper()}", x, operation.axis, operation.keepdims)


def mean(build: Builder, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """The mean in float32."""
    return build.reduce("MEAN", build.floats(x), axis, keepdims)


@lowers_operation("Mean")
def _mean(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    return mean(build, build.tensor(x), operation.axis, operation.keepdims)


def variance(build: Builder, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """The mean square distance from the mean."""
    x = build.floats(x)
    distance = build.binary("SQUARED_DIFFERENCE", x, mean(build, x, axis, True))
    return mean(build, distance, axis, keepdims)


@lowers_operation("Var", "Std")
def _variance(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    result = variance(build, build.tensor(x), operation.axis, operation.keepdims)
    return result if type(operation).__name__ == "Var" else build.unary("SQRT", result)


@lowers_operation("Moments")
def _moments(build: Builder, operation: keras.Operation, x: Any) -> list[Tensor]:
    x, axes, keepdims = build.tensor(x), operation.axes, operation.keepdims
    return [mean(build, x, axes, keepdims), variance(build, x, axes, keepdims)]


@lowers_operation("Argmax", "Argmin")
def _argmax(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """int32 always: browsers and GPUs refuse int64. ARG_MIN is refused by the GPU accelerator."""
    x = build.tensor(x)
    x = build.cast(x, "int32") if x.dtype == "bool" else x
    axis, rank = operation.axis, len(x.shape)
    if axis is None:
        x, axis = build.reshape(x, (math.prod(x.shape),)), 0
    axis %= len(x.shape)
    if type(operation).__name__ == "Argmin":
        x = build.unary("NEG", build.floats(x))
    shape = [side for at, side in enumerate(x.shape) if at != axis]
    result = build.emit(
        "ARG_MAX", [x, build.constant(axis, "int32", "axis")], shape, "int32", outputType=type_number("int32")
    )
    if not operation.keepdims:
        return result
    kept = [1] * rank if operation.axis is None else [*shape[:axis], 1, *shape[axis:]]
    return build.reshape(result, kept)


@lowers_operation("CountNonzero")
def _count(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    nonzero = build.cast(build.binary("NOT_EQUAL", build.tensor(x), 0), "int32")
    return build.reduce("SUM", nonzero, operation.axis)


@lowers_operation("Cumsum")
def _cumulative(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x = build.tensor(x)
    if operation.axis is None:
        x = build.reshape(x, (math.prod(x.shape),))
    x = build.cast(x, "int32") if x.dtype in ("bool", "uint8", "int8") else x
    axis = build.constant((operation.axis or 0) % len(x.shape), "int32", "axis")
    return build.emit("CUMSUM", [x, axis], x.shape, exclusive=False, reverse=False)


@lowers_operation("TopK")
def _top_k(build: Builder, operation: keras.Operation, x: Any) -> list[Tensor]:
    """LiteRT's GPU accelerator answers with a neighbour's values where rows are no multiple of four long: they end in copies of
    their least value then, which lie behind it and so are never chosen."""
    x = build.tensor(x)
    shape, k = (*x.shape[:-1], int(operation.k)), build.constant(int(operation.k), "int32", "k")
    missing = -x.shape[-1] % _LANES
    if missing and -1 not in x.shape and "float" in x.dtype:
        least = build.reduce("REDUCE_MIN", x, -1, keepdims=True)
        x = build.concatenate([x, *[least] * missing], len(x.shape) - 1)
    return build.emit_many("TOPK_V2", [x, k], [shape, shape], [x.dtype, "int32"])
