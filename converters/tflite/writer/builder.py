"""The builder: TFLite's operators as methods, for the functions that lower layers.

Shapes are static, batch first, −1 where open. Numbers are float32, int32, uint8, int8 or bool: whatever else Keras computes in
becomes one of these. Operators whose inputs are all constant are computed at once; such as change nothing are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights, numbers

SAME, VALID = 0, 1
_STORED = {"float16": "float32", "bfloat16": "float32", "float64": "float32", "int64": "int32", "uint32": "int32"}
_STORED |= {"uint64": "int32", "int16": "int32", "uint16": "int32"}
_COMPARISONS = {
    "EQUAL": np.equal, "NOT_EQUAL": np.not_equal, "GREATER": np.greater, "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less, "LESS_EQUAL": np.less_equal, "LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or,
}  # fmt: skip
_ARITHMETIC = {
    "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": np.divide, "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum, "POW": np.power, "FLOOR_DIV": np.floor_divide, "FLOOR_MOD": np.mod,
    "SQUARED_DIFFERENCE": lambda x, y: np.square(x - y), "ATAN2": np.arctan2,
}  # fmt: skip


class Unsupported(Exception):
    """An operation that has no form in the file; `lowering.lower` says in which layer."""


def stored(dtype: str) -> str:
    """The type in the file of what Keras computes in `dtype`."""
    return _STORED.get(dtype, dtype)


def same_shape(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are equal for certain; open sides may differ."""
    return tuple(one) == tuple(other) and -1 not in one


class Builder:
    """Grows a graph, operator by operator, on behalf of one layer after another."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layer = ""
        self.opened: list[keras.Operation] = []  # layers whose own words are being lowered

    # -------------------------------------------------------------------------------------------- tensors

    def tensor(self, value: Any, dtype: str | None = None, role: str = "constant") -> Tensor:
        """The value itself if it is a tensor of the graph; else a constant with its numbers."""
        if isinstance(value, Tensor):
            return value
        if isinstance(value, keras.Variable):
            return self.variable(value, role)
        array = np.asarray(value) if isinstance(value, (int, float, bool, list, tuple, np.ndarray)) else numbers(value)
        return self.constant(array, dtype or stored(array.dtype.name), role)

    def constant(self, value: Any, dtype: str = "float32", role: str = "constant") -> Tensor:
        """A constant of numbers that are there."""
        weights = Weights.of(np.asarray(value).astype(dtype))
        return Tensor(weights.shape, dtype, self.layer, role, weights)

    def zeros(self, shape: Sequence[int], role: str = "zeros") -> Tensor:
        """A constant of zeros."""
        return self.constant(np.zeros(tuple(shape)), role=role)

    def variable(self, variable: Any, role: str) -> Tensor:
        """A constant of a variable's numbers, read when the file is written."""
        weights = Weights.variable(variable, stored(keras.backend.standardize_dtype(variable.dtype)))
        return self.weights(weights, role)

    def weights(self, weights: Weights, role: str) -> Tensor:
        """A constant of numbers that are read when the file is written."""
        return Tensor(weights.shape, weights.dtype, self.layer, role, weights)

    def emit(
        self,
        code: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        dtype: str | None = None,
        role: str | None = None,
        **options: Any,
    ) -> Tensor:
        """Appends an operator of one output, which is of the first input's type unless one is said."""
        first = next(tensor for tensor in inputs if tensor is not None)
        output = Tensor(tuple(int(side) for side in shape), dtype or first.dtype, self.layer, role or code.lower())
        self.graph.operators.append(Operator(code, list(inputs), [output], options, (self.layer,)))
        return output

    def emit_many(
        self,
        code: str,
        inputs: Sequence[Tensor],
        shapes: Sequence[Sequence[int]],
        dtypes: Sequence[str],
        **options: Any,
    ) -> list[Tensor]:
        """Appends an operator of several outputs."""
        outputs = [
            Tensor(tuple(shape), dtype, self.layer, code.lower()) for shape, dtype in zip(shapes, dtypes, strict=True)
        ]
        self.graph.operators.append(Operator(code, list(inputs), outputs, options, (self.layer,)))
        return outputs

    # -------------------------------------------------------------------------------------------- element by element

    def unary(self, code: str, x: Any, dtype: str | None = None) -> Tensor:
        """An operator on each number by itself."""
        x = self.tensor(x)
        return self.emit(code, [x], x.shape, dtype or x.dtype)

    def floats(self, x: Any) -> Tensor:
        """The tensor in float32."""
        return self.cast(self.tensor(x), "float32")

    def binary(self, code: str, x: Any, y: Any) -> Tensor:
        """An operator on pairs of numbers, with broadcasting and with Keras's promotion of types."""
        x, y = self._promoted(x, y)
        function = _COMPARISONS.get(code) or _ARITHMETIC[code]
        if x.constant and y.constant:
            result = function(x.array(), y.array())
            return self.constant(result, stored(result.dtype.name))
        shape = broadcast(x.shape, y.shape)
        x, y = (self._with_rank(tensor, len(shape)) for tensor in (x, y))
        return self.emit(code, [x, y], shape, "bool" if code in _COMPARISONS else x.dtype)

    def _promoted(self, x: Any, y: Any) -> tuple[Tensor, Tensor]:
        weak = [isinstance(value, (int, float, bool)) for value in (x, y)]
        x, y = self.tensor(x), self.tensor(y)
        dtype = _promotion(x.dtype, y.dtype)
        if weak[0] != weak[1]:  # a number of Python's takes on the tensor's type, unless it has a fraction
            strong, number = (y, x) if weak[0] else (x, y)
            dtype = strong.dtype if "float" in strong.dtype or "float" not in number.dtype else "float32"
        if dtype in ("uint8", "int8"):
            dtype = "int32"  # which is what TFLite computes in
        return self.cast(x, dtype), self.cast(y, dtype)

    def _with_rank(self, tensor: Tensor, rank: int) -> Tensor:
        """LiteRT's GPU accelerator uses only the first row of a constant of lower rank whose first axis is above 1."""
        if not tensor.constant or len(tensor.shape) in (0, rank):
            return tensor
        shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
        return Tensor(shape, tensor.dtype, tensor.layer, tensor.role, tensor.weights.reshaped(shape))

    def add(self, x: Any, y: Any) -> Tensor:
        """x + y."""
        return self.binary("ADD", x, y)

    def subtract(self, x: Any, y: Any) -> Tensor:
        """x − y."""
        return self.binary("SUB", x, y)

    def multiply(self, x: Any, y: Any) -> Tensor:
        """x · y."""
        return self.binary("MUL", x, y)

    def divide(self, x: Any, y: Any) -> Tensor:
        """x / y in float32; a constant divisor becomes a factor."""
        x, y = self.floats(x), self.floats(y)
        if y.constant and not x.constant and np.all(y.array() != 0):
            return self.multiply(x, self.constant(1 / y.array().astype(np.float64), role=y.role))
        return self.binary("DIV", x, y)

    def cast(self, x: Tensor, dtype: str) -> Tensor:
        """The numbers in another type of the file."""
        dtype = stored(dtype)
        if x.dtype == dtype:
            return x
        if x.constant:
            return Tensor(x.shape, dtype, x.layer, x.role, x.weights.astype(dtype))
        types = {"inDataType": type_number(x.dtype), "outDataType": type_number(dtype)}
        return self.emit("CAST", [x], x.shape, dtype, **types)

    def select(self, condition: Any, x: Any, y: Any) -> Tensor:
        """x where the condition holds, else y."""
        condition = self.cast(self.tensor(condition), "bool")
        x, y = self._promoted(x, y)
        shape = broadcast(broadcast(condition.shape, x.shape), y.shape)
        return self.emit("SELECT_V2", [condition, x, y], shape, x.dtype)

    # -------------------------------------------------------------------------------------------- shapes

    def reshape(self, x: Any, shape: Sequence[int]) -> Tensor:
        """The same numbers in another shape; one side may be −1."""
        x, shape = self.tensor(x), [int(side) for side in shape]
        known = -1 not in x.shape
        if known and -1 in shape:
            rest = math.prod(side for side in shape if side != -1)
            shape[shape.index(-1)] = math.prod(x.shape) // rest if rest else 0
        if shape.count(-1) > 1:
            raise Unsupported("a reshape with several open sides")
        if tuple(shape) == x.shape:
            return x
        if x.constant:
            return Tensor(tuple(shape), x.dtype, x.layer, x.role, x.weights.reshaped(shape))
        target = self.constant(shape, "int32", "shape")
        return self.emit("RESHAPE", [x, target], shape, newShape=shape)

    def transpose(self, x: Any, axes: Sequence[int]) -> Tensor:
        """The axes in another order."""
        x = self.tensor(x)
        axes = [axis % len(x.shape) for axis in axes]
        shape = [x.shape[axis] for axis in axes]
        if axes == sorted(axes):
            return x
        if x.constant:
            return Tensor(tuple(shape), x.dtype, x.layer, x.role, x.weights.transposed(axes))
        moved = [axis for axis in axes if x.shape[axis] != 1]
        if moved == sorted(moved) and shape.count(-1) <= 1:  # only sides of 1 change places
            return self.reshape(x, shape)
        return self.emit("TRANSPOSE", [x, self.constant(axes, "int32", "axes")], shape)

    def concatenate(self, tensors: Sequence[Any], axis: int) -> Tensor:
        """Tensors one behind the other along an axis."""
        tensors = [self.tensor(tensor) for tensor in tensors]
        if len(tensors) == 1:
            return tensors[0]
        dtype = tensors[0].dtype
        for tensor in tensors[1:]:
            dtype = _promotion(dtype, tensor.dtype)
        tensors = [self.cast(tensor, dtype) for tensor in tensors]
        axis %= len(tensors[0].shape)
        sides = [tensor.shape[axis] for tensor in tensors]
        shape = list(tensors[0].shape)
        shape[axis] = -1 if -1 in sides else sum(sides)
        return self.emit("CONCATENATION", tensors, shape, axis=axis)

    def slice(self, x: Any, begin: Sequence[int], size: Sequence[int]) -> Tensor:
        """A box out of a tensor; a size of −1 is all that is left."""
        x = self.tensor(x)
        shape = [
            (whole if whole < 0 else whole - start) if count < 0 else count
            for whole, start, count in zip(x.shape, begin, size, strict=True)
        ]
        if not any(begin) and same_shape(shape, x.shape):
            return x
        if x.constant:  # as of a GRU's bias at the first step: GPUs take no SLICE of a constant
            box = tuple(slice(start, start + count) for start, count in zip(begin, shape, strict=True))
            return self.constant(x.array()[box], x.dtype, x.role)
        # XNNPACK leaves a SLICE whose sizes are not said, and its neighbours with it; an open side stays −1.
        ends = [self.constant(values, "int32", role) for values, role in ((begin, "begin"), (shape, "size"))]
        return self.emit("SLICE", [x, *ends], shape)

    def strided(
        self, x: Tensor, begin: Sequence[int], end: Sequence[int], strides: Sequence[int], **masks: int
    ) -> Tensor:
        """Every so many rows of a box; the output's shape follows from Python's own slices, unless a side is open."""
        shape = []
        for axis, side in enumerate(x.shape):
            bounds = slice(
                None if masks.get("beginMask", 0) >> axis & 1 else begin[axis],
                None if masks.get("endMask", 0) >> axis & 1 else end[axis],
                strides[axis],
            )
            whole = bounds == slice(None, None, 1)
            shape.append(side if whole else -1 if side < 0 else len(range(*bounds.indices(side))))
        if same_shape(shape, x.shape) and all(stride > 0 for stride in strides):
            return x
        ends = [
            self.constant(values, "int32", role)
            for values, role in ((begin, "begin"), (end, "end"), (strides, "strides"))
        ]
        return self.emit("STRIDED_SLICE", [x, *ends], shape, **masks)

    def pad(self, x: Tensor, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
        """A constant around a tensor: (before, after) for each axis."""
        if not np.any(widths):
            return x
        shape = [side if side < 0 else side + sum(pair) for side, pair in zip(x.shape, widths, strict=True)]
        amounts = self.constant(widths, "int32", "paddings")
        if value == 0:
            return self.emit("PAD", [x, amounts], shape)
        return self.emit("PADV2", [x, amounts, self.constant(value, x.dtype, "value")], shape)

    def reduce(self, code: str, x: Any, axes: Any, keepdims: bool = False) -> Tensor:
        """A reduction such as "MEAN" along axes; None are all of them."""
        x = self.tensor(x)
        rank = len(x.shape)
        axes = range(rank) if axes is None else [axes] if isinstance(axes, int) else list(axes)
        axes = sorted(axis % rank for axis in axes)
        if not axes:
            return x
        shape = [1 if axis in axes else side for axis, side in enumerate(x.shape)]
        if not keepdims:
            shape = [side for axis, side in enumerate(x.shape) if axis not in axes]
        return self.emit(code, [x, self.constant(axes, "int32", "axes")], shape, keepDims=bool(keepdims))


def broadcast(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """The shape of two together; an open side stays open, unless the other one decides it."""
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + tuple(one), (1,) * (rank - len(other)) + tuple(other), strict=True)
    shape = []
    for a, b in pairs:
        if 1 not in (a, b) and -1 not in (a, b) and a != b:
            raise Unsupported(f"shapes {tuple(one)} and {tuple(other)}")
        shape.append(b if a == 1 else a if b == 1 else max(a, b))
    return tuple(shape)


def _promotion(one: str, other: str) -> str:
    """The type that two become together."""
    order = ("bool", "uint8", "int8", "int32", "float32")
    if {one, other} == {"uint8", "int8"}:
        return "int32"
    return max(one, other, key=order.index)


def type_number(dtype: str) -> int:
    """The schema's number of a type."""
    return getattr(schema.TensorType, dtype.upper())
