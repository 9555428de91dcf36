"""Arithmetic, comparisons and functions of single numbers."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder, Unsupported, stored
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.activations import clipped
from converters.tflite.writer.registry import lowers_operation

_BINARY = {
    "Add": "ADD", "Subtract": "SUB", "Multiply": "MUL", "Maximum": "MAXIMUM", "Fmax": "MAXIMUM", "Minimum": "MINIMUM",
    "Fmin": "MINIMUM", "Equal": "EQUAL", "NotEqual": "NOT_EQUAL", "Greater": "GREATER", "GreaterEqual": "GREATER_EQUAL",
    "Less": "LESS", "LessEqual": "LESS_EQUAL",
}  # fmt: skip
_UNARY = {"Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Rsqrt": "RSQRT", "Sin": "SIN", "Cos": "COS"}
_UNCHANGED_TYPE = {"Negative": "NEG", "Absolute": "ABS", "Abs": "ABS", "Fabs": "ABS"}
_WHOLE = {"Floor": "FLOOR", "Ceil": "CEIL"}


@lowers_operation(*_BINARY)
def _binary(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    x1, x2 = build.tensor(x1) if _array(x1) else x1, build.tensor(x2) if _array(x2) else x2
    return build.binary(_BINARY[type(operation).__name__], x1, x2)


def _array(value: Any) -> bool:
    return not isinstance(value, (int, float, bool))


@lowers_operation("Divide", "TrueDivide")
def _divide(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    return build.divide(x1, x2)


@lowers_operation("DivideNoNan")
def _divide_no_nan(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    x, y = build.floats(x1), build.floats(x2)
    zero = build.binary("EQUAL", y, 0.0)
    safe = build.select(zero, build.constant(1.0), y)
    return build.select(zero, build.constant(0.0), build.divide(x, safe))


@lowers_operation("FloorDivide", "Mod")
def _floor_divide(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    return build.binary("FLOOR_DIV" if type(operation).__name__ == "FloorDivide" else "FLOOR_MOD", x1, x2)


@lowers_operation("Power")
def _power(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    exponent = x2 if isinstance(x2, (int, float)) else None
    if exponent == 2:
        x = build.tensor(x1)
        return build.multiply(x, x)
    if exponent == 0.5:
        return build.unary("SQRT", build.floats(x1))
    return build.binary("POW", x1, x2)


@lowers_operation("Arctan2")
def _arctan2(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    return build.binary("ATAN2", build.floats(x1), build.floats(x2))


@lowers_operation("LogicalAnd", "LogicalOr", "LogicalXor")
def _logical(build: Builder, operation: Any, x1: Any, x2: Any) -> Tensor:
    x, y = (build.cast(build.tensor(value), "bool") for value in (x1, x2))
    name = type(operation).__name__
    return build.binary({"LogicalAnd": "LOGICAL_AND", "LogicalOr": "LOGICAL_OR", "LogicalXor": "NOT_EQUAL"}[name], x, y)


@lowers_operation("LogicalNot")
def _logical_not(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary("LOGICAL_NOT", build.cast(build.tensor(x), "bool"))


@lowers_operation(*_UNARY)
def _float_function(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary(_UNARY[type(operation).__name__], build.floats(x))


@lowers_operation(*_UNCHANGED_TYPE)
def _of_any_type(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.tensor(x)
    x = build.cast(x, "int32") if x.dtype in ("bool", "uint8", "int8") else x
    return build.unary(_UNCHANGED_TYPE[type(operation).__name__], x)


@lowers_operation(*_WHOLE)
def _whole(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary(_WHOLE[type(operation).__name__], build.floats(x))


@lowers_operation("Round")
def _round(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    """To the even neighbour from halfway, as everywhere."""
    x, decimals = build.tensor(x), operation.decimals
    if "float" not in x.dtype and decimals >= 0:
        return x
    if not decimals:
        return build.unary("ROUND", build.floats(x))
    factor = 10.0**decimals
    return build.multiply(build.unary("ROUND", build.multiply(build.floats(x), factor)), 1 / factor)


@lowers_operation("Trunc")
def _trunc(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.tensor(x)
    if "float" not in x.dtype:
        return x
    size = build.unary("FLOOR", build.unary("ABS", x))
    return build.multiply(build.unary("SIGN", x), size)


@lowers_operation("Sign")
def _sign(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.unary("SIGN", build.tensor(x))


@lowers_operation("Square")
def _square(build: Builder, operation: Any, x: Any) -> Tensor:
    x = build.tensor(x)
    return build.multiply(x, x)


@lowers_operation("Reciprocal")
def _reciprocal(build: Builder, operation: Any, x: Any) -> Tensor:
    return build.divide(build.constant(1.0), x)


@lowers_operation("Log2", "Log10", "Log1p", "Expm1", "Exp2")
def _of_other_base(build: Builder, operation: Any, x: Any) -> Tensor:
    x, name = build.floats(x), type(operation).__name__
    if name == "Log1p":
        return build.unary("LOG", build.add(x, 1.0))
    if name == "Expm1":  # ELU is it below zero, with no loss near it
        above = build.subtract(build.unary("EXP", build.unary("RELU", x)), 1.0)
        return build.add(build.unary("ELU", build.binary("MINIMUM", x, 0.0)), above)
    if name == "Exp2":
        return build.unary("EXP", build.multiply(x, math.log(2)))
    return build.multiply(build.unary("LOG", x), 1 / math.log(2 if name == "Log2" else 10))


@lowers_operation("Sinh", "Cosh", "Tan", "Hypot", "Logaddexp", "Deg2rad", "Rad2deg")
def _composed(build: Builder, operation: Any, x: Any, other: Any = None) -> Tensor:
    x, name = build.floats(x), type(operation).__name__
    if name == "Tan":
        return build.divide(build.unary("SIN", x), build.unary("COS", x))
    if name in ("Deg2rad", "Rad2deg"):
        return build.multiply(x, math.pi / 180 if name == "Deg2rad" else 180 / math.pi)
    if name == "Hypot":
        y = build.floats(other)
        return build.unary("SQRT", build.add(build.multiply(x, x), build.multiply(y, y)))
    if name == "Logaddexp":
        y = build.floats(other)
        apart = build.unary("EXP", build.unary("NEG", build.unary("ABS", build.subtract(x, y))))
        return build.add(build.binary("MAXIMUM", x, y), build.unary("LOG", build.add(apart, 1.0)))
    grown, shrunk = build.unary("EXP", x), build.unary("EXP", build.unary("NEG", x))
    return build.multiply((build.subtract if name == "Sinh" else build.add)(grown, shrunk), 0.5)


@lowers_operation("Clip")
def _clip(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, low, high = build.tensor(x), operation.x_min, operation.x_max
    if not all(isinstance(bound, (int, float, type(None))) for bound in (low, high)):
        bounded = x if low is None else build.binary("MAXIMUM", x, build.tensor(low))
        return bounded if high is None else build.binary("MINIMUM", bounded, build.tensor(high))
    if "float" in x.dtype and (low, high) == (0, 6):
        return build.unary("RELU6", x)
    if "float" in x.dtype:
        return clipped(build, x, low, high)
    bounded = x if low is None else build.binary("MAXIMUM", x, low)
    return bounded if high is None else build.binary("MINIMUM", bounded, high)


@lowers_operation("Cast", "SaturateCast")
def _cast(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    x, dtype = build.tensor(x), stored(operation.dtype)
    if type(operation).__name__ == "SaturateCast" and dtype in ("uint8", "int8", "int32") and x.dtype != dtype:
        bounds = np.iinfo(operation.dtype)
        if dtype != "int32":
            x = build.binary("MINIMUM", build.binary("MAXIMUM", x, int(bounds.min)), int(bounds.max))
    if dtype == "bool" and x.dtype != "bool":
        return build.binary("NOT_EQUAL", x, 0)
    return build.cast(x, dtype)


@lowers_operation("ConvertToTensor", "StopGradient", "Copy", "Array", "Conj", "Conjugate", "Real")
def _handed_on(build: Builder, operation: keras.Operation, x: Any = None, **kwargs: Any) -> Tensor:
    x = build.tensor(kwargs.get("variable", x) if x is None else x)
    dtype = getattr(operation, "dtype", None)
    return build.cast(x, dtype) if isinstance(dtype, str) and dtype in ("float32", "int32", "float16") else x


@lowers_operation("Where")
def _where(build: Builder, operation: Any, condition: Any, x1: Any = None, x2: Any = None) -> Tensor:
    if x1 is None:
        raise Unsupported("Where of one argument")
    return build.select(condition, x1, x2)


@lowers_operation("Isnan", "Isfinite", "Isinf")
def _kinds_of_number(build: Builder, operation: Any, x: Any) -> Tensor:
    x, name = build.floats(x), type(operation).__name__
    number = build.binary("LESS_EQUAL", build.unary("ABS", x), float("inf"))
    if name == "Isnan":
        return build.unary("LOGICAL_NOT", number)
    largest = float(np.finfo("float32").max)
    finite = build.binary("LESS_EQUAL", build.unary("ABS", x), largest)
    return finite if name == "Isfinite" else build.binary("LOGICAL_AND", number, build.unary("LOGICAL_NOT", finite))
