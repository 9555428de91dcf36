"""The graph inside a `.tflite` file: tensors and operators, read from the flatbuffer without running anything.

The native interpreter trusts the file's offsets, so a cut or damaged file must be refused here, before it is loaded.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.errors import InputError

TEXT = "string"  # the type of tensors that hold text, and no numbers
_DTYPES = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.FLOAT64: "float64",
    schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.INT16: "int16",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.BOOL: "bool",
    schema.TensorType.UINT16: "uint16",
    schema.TensorType.UINT32: "uint32",
    schema.TensorType.UINT64: "uint64",
    schema.TensorType.COMPLEX64: "complex64",
    schema.TensorType.COMPLEX128: "complex128",
    schema.TensorType.STRING: TEXT,
}
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
_METADATA = "TFLITE_METADATA"
_MOST_VALUES = 64  # of a constant that is read along with the graph: axes, factors and shapes, not weights
_FUSED = {value: name for name, value in vars(schema.ActivationFunctionType).items() if isinstance(value, int)}
# Operators that may apply an activation to what they compute → the table of their options.
_FUSING = {
    "ADD": schema.AddOptions,
    "AVERAGE_POOL_2D": schema.Pool2DOptions,
    "CONCATENATION": schema.ConcatenationOptions,
    "CONV_2D": schema.Conv2DOptions,
    "CONV_3D": schema.Conv3DOptions,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptions,
    "DIV": schema.DivOptions,
    "FULLY_CONNECTED": schema.FullyConnectedOptions,
    "L2_NORMALIZATION": schema.L2NormOptions,
    "MAX_POOL_2D": schema.Pool2DOptions,
    "MUL": schema.MulOptions,
    "SUB": schema.SubOptions,
    "TRANSPOSE_CONV": schema.TransposeConvOptions,
}
_TABLES = {value: name for name, value in vars(schema.BuiltinOptions).items() if isinstance(value, int) and value}

_NUMERIC = {dtype for dtype in _DTYPES.values() if dtype != TEXT}


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph.

    Attributes:
        index: its place among the graph's tensors.
        name: as the file has it.
        shape: that it has until somebody resizes the inputs; an open side is 1 there.
        dtype: as NumPy calls it; "string" for text, "type N" for one that NumPy does not have.
        scale: 0 where it is not quantised; else real = scale × (stored - zero_point).
        zero_point: see `scale`.
        signature: the shape with -1 for each side that is open; `shape` where the file says nothing of it.
        constant: whether the file holds its values.
        key: what the signature calls an input or an output, empty where there is none.
        values: the real values of a small constant; empty for all other tensors.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0
    signature: tuple[int, ...] = ()
    constant: bool = False
    key: str = ""
    values: tuple[float, ...] = ()

    @property
    def dynamic(self) -> bool:
        """Whether a side may change."""
        return -1 in self.signature

    @property
    def open(self) -> bool:
        """Whether another side than the first, the batch's, may change: then `shape` is not what anybody will feed."""
        return -1 in self.signature[1:]

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers that NumPy has."""
        return self.dtype in _NUMERIC

    @property
    def label(self) -> str:
        """The name to show: the signature's, else its own first one (what is fused has several)."""
        return self.key or self.name.split(";")[0]

    def store(self, values: np.ndarray) -> np.ndarray:
        """Real values as the tensor stores them: quantised by its own scale where it has one, else cast.

        Raises InputError for a tensor that holds no numbers.
        """
        if not self.numeric:
            raise InputError(f"{self.label!r} takes {self.dtype}, no numbers; the runner feeds numbers alone")
        if self.scale:
            limits = np.iinfo(self.dtype)
            steps = np.rint(np.asarray(values, np.float32) / np.float32(self.scale)) + self.zero_point
            values = np.clip(steps, limits.min, limits.max)
        elif np.dtype(self.dtype).kind in "iu" and np.asarray(values).dtype.kind == "f":
            values = np.rint(values)  # half a level, as resizing leaves it, is no reason to lose the whole one
        return np.asarray(values, dtype=self.dtype, order="C")  # ascontiguousarray would give a scalar an axis

    def real(self, stored: np.ndarray) -> np.ndarray:
        """Stored values as real ones, float32 where the tensor is quantised, else as they are."""
        if not self.scale:
            return stored
        return (stored.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


@dataclass(frozen=True)
class Operator:
    """One node.

    Attributes:
        name: of its op; a custom op's own.
        inputs: its tensors' indices; -1 is an optional input left out.
        outputs: likewise.
        custom: whether TFLite does not have it built in.
        options: the fields of its options by the schema's names, as "strideH".
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    custom: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def fused(self) -> str:
        """The activation within it, "NONE" where there is none."""
        number = self.options.get("fusedActivationFunction", 0) if self.name in _FUSING else 0
        return _FUSED.get(number, "NONE")

    @property
    def activations(self) -> tuple[int, ...]:
        """The tensors that it reads, without places left empty; constants are among them."""
        return tuple(index for index in self.inputs if index >= 0)


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a file, which is the one that runs."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: bytes | None

    @property
    def quantized(self) -> bool:
        """Whether activations, and not only weights, are integers with a scale."""
        return any(t.scale and not t.constant and t.dtype in ("int8", "uint8", "int16") for t in self.tensors)

    @property
    def rounded(self) -> bool:
        """Whether the CPU computes with integers: in a quantized graph, and where an operator takes float activations but
        int8 weights, for which it rounds the activations while it runs. An accelerator does not."""
        return self.quantized or any(map(self._rounds, self.operators))

    def _rounds(self, operator: Operator) -> bool:
        read = [self.tensors[index] for index in operator.inputs if index >= 0]
        # Activations need not come first: a TRANSPOSE_CONV reads its size before them.
        floats = any(tensor.dtype == "float32" and not tensor.constant for tensor in read)
        return floats and any(tensor.dtype == "int8" and tensor.constant for tensor in read)

    def producer(self, tensor: int) -> Operator | None:
        """The operator that writes a tensor, or None for inputs and constants."""
        place = self._places.get(tensor)
        return None if place is None else self.operators[place]

    def place(self, tensor: int) -> int | None:
        """The place of the operator that writes a tensor, or None for inputs and constants."""
        return self._places.get(tensor)

    def readers(self, tensor: int) -> list[Operator]:
        """The operators that read a tensor."""
        return [operator for operator in self.operators if tensor in operator.inputs]

    def fixed(self, tensor: int) -> bool:
        """Whether a tensor is a constant, or computed of constants alone, as the weights of a half-precision file are."""
        return tensor in self._fixed

    @cached_property
    def _places(self) -> dict[int, int]:
        return {tensor: place for place, operator in enumerate(self.operators) for tensor in operator.outputs}

    @cached_property
    def _fixed(self) -> set[int]:
        result = {tensor.index for tensor in self.tensors if tensor.constant}
        for operator in self.operators:
            if operator.inputs and result.issuperset(operator.activations):
                result.update(operator.outputs)
        return result


def read_graph(path: str | Path) -> Graph:
    """The graph in the file at `path`.

    Raises InputError for a missing or empty file, one that is no TFLite model, or one that is cut or damaged.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}; expected a .tflite file")
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < 8 or file.read(8)[4:] != b"TFL3":
            raise InputError(f"{path} is not a TFLite file ({size} bytes, no 'TFL3' mark); give a .tflite file")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        model = schema.Model.GetRootAs(data, 0)
        _check_buffers(model, size)
        return _graph(model)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise InputError(f"{path} is cut short or damaged ({error}); fetch or convert it again") from error


def _check_buffers(model: Any, size: int) -> None:
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        slot = table.Offset(4)
        end = table.Vector(slot) + table.VectorLen(slot) if slot else 0
        buffer = model.Buffers(index)
        if buffer.Offset() > 1:  # files over 2 GB keep their weights behind the flatbuffer
            end = max(end, buffer.Offset() + buffer.Size())
        if end > size:
            raise ValueError(f"buffer {index} ends at byte {end} of {size}")


def _graph(model: Any) -> Graph:
    if not model.SubgraphsLength() or not model.BuffersLength():
        raise ValueError("no graph inside")
    subgraph = model.Subgraphs(0)
    tensors = tuple(_tensor(model, subgraph.Tensors(index), index) for index in range(subgraph.TensorsLength()))
    codes = [_operator_name(model.OperatorCodes(index)) for index in range(model.OperatorCodesLength())]
    operators = []
    for index in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(index)
        name, custom = codes[operator.OpcodeIndex()]
        ends = _indices(operator, "Inputs"), _indices(operator, "Outputs")
        operators.append(Operator(name, *ends, custom, _options(operator)))
    keys = _signature(model)
    inputs, outputs = (
        tuple(replace(tensors[index], key=keys[side].get(index, "")) for index in _indices(subgraph, side))
        for side in ("Inputs", "Outputs")
    )
    if not inputs or not outputs:
        raise ValueError("no input or no output")
    return Graph(tensors, tuple(operators), inputs, outputs, _metadata(model))


def _signature(model: Any) -> dict[str, dict[int, str]]:
    """Tensor → name, of the inputs and the outputs, by the first signature of the graph that runs."""
    for index in range(model.SignatureDefsLength()):
        entry = model.SignatureDefs(index)
        if not entry.SubgraphIndex():
            return {
                side: {
                    int(maps(place).TensorIndex()): (maps(place).Name() or b"").decode("utf-8", "replace")
                    for place in range(getattr(entry, f"{side}Length")())
                }
                for side, maps in (("Inputs", entry.Inputs), ("Outputs", entry.Outputs))
            }
    return {"Inputs": {}, "Outputs": {}}


def _indices(table: Any, field: str) -> tuple[int, ...]:
    count = getattr(table, field + "Length")()
    return tuple(int(getattr(table, field)(index)) for index in range(count))


def _operator_name(code: Any) -> tuple[str, bool]:
    value = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if value == schema.BuiltinOperator.CUSTOM:
        return (code.CustomCode() or b"CUSTOM").decode("utf-8"), True
    return _OPERATORS.get(value, f"op {value}"), False


def _options(operator: Any) -> dict[str, Any]:
    name, table = _TABLES.get(operator.BuiltinOptionsType(), ""), operator.BuiltinOptions()
    if table is None or not hasattr(schema, f"{name}T"):
        return {}
    options = getattr(schema, name)()
    options.Init(table.Bytes, table.Pos)
    return vars(getattr(schema, f"{name}T").InitFromObj(options))


def _tensor(model: Any, tensor: Any, index: int) -> Tensor:
    shape = _indices(tensor, "Shape")
    signature = _indices(tensor, "ShapeSignature") or shape
    shape = tuple(max(side, 1) if side < 0 else side for side in shape)  # some writers mark an open side in the shape itself
    scale, zero_point = 0.0, 0
    quantization = tensor.Quantization()
    # One scale for the tensor; per-channel scales are for weights, which nobody feeds or reads.
    if quantization is not None and quantization.ScaleLength() == 1:
        scale = float(quantization.Scale(0))
        zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    dtype = _DTYPES.get(tensor.Type(), f"type {tensor.Type()}")
    buffer = model.Buffers(tensor.Buffer())
    constant = buffer is not None and (buffer.DataLength() > 0 or buffer.Offset() > 1)
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    values = _values(buffer, dtype, scale, zero_point) if constant else ()
    return Tensor(index, name, shape, dtype, scale, zero_point, signature, constant, values=values)


def _values(buffer: Any, dtype: str, scale: float, zero_point: int) -> tuple[float, ...]:
    """A small constant's values; empty for large ones, for those behind the flatbuffer, and for what are no numbers."""
    if dtype not in _NUMERIC or not 0 < buffer.DataLength() <= _MOST_VALUES * np.dtype(dtype).itemsize:
        return ()
    stored = buffer.DataAsNumpy().view(dtype)
    if stored.dtype.kind not in "fiub":
        return ()
    real = (stored.astype(np.float64) - zero_point) * scale if scale else stored.astype(np.float64)
    return tuple(real.tolist())


def _metadata(model: Any) -> bytes | None:
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if (entry.Name() or b"").decode("utf-8", "replace") == _METADATA:
            data = model.Buffers(entry.Buffer()).DataAsNumpy()
            return data.tobytes() if isinstance(data, np.ndarray) else None
    return None
