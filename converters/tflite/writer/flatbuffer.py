"""Serialization: a graph's tables as a flatbuffer, and behind them its constants, streamed.

The tables are packed with empty data vectors; each buffer's offset is then set to a place behind all tables, on a boundary of
16 bytes, so that a runtime uses the numbers where they lie in a mapped file. They are written there block by block: no copy of
the weights is ever held. It is a plain flatbuffer, its data inside, of less than 2 GiB.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.writer import sparsity
from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.versions import version
from converters.tflite.writer.weights import Weights
from zoo.errors import InputError

_ALIGNMENT = 16
_LIMIT = (1 << 31) - 1  # of a flatbuffer's offsets
_DATA = 4  # the place of a Buffer's data among its fields
_OPTIONS = {  # operators whose options table is not called like them
    "CONV_2D": "Conv2DOptions",
    "CONV_3D": "Conv3DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "CUMSUM": "CumsumOptions",
    "TOPK_V2": "TopKV2Options",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "PADV2": "PadV2Options",
    "REVERSE_V2": "ReverseV2Options",
    "SELECT_V2": "SelectV2Options",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "SPLIT_V": "SplitVOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL"), "ReducerOptions"
    ),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), "MaximumMinimumOptions"),
    **dict.fromkeys(
        ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH", "ELU", "PRELU", "FLOOR", "CEIL", "ROUND"), ""
    ),
    **dict.fromkeys(("LOG", "SQRT", "RSQRT", "SIN"), ""),
}


class Writer:
    """The bytes of a graph's flatbuffer.

    Args:
        graph: complete; its tensors get names here.
        description: of the model, for people.
        metadata: further blocks of bytes by name.

    Raises:
        InputError: for 2 GiB or more, which the format cannot hold.
    """

    def __init__(self, graph: Graph, description: str = "", metadata: dict[str, bytes] | None = None) -> None:
        graph.name_tensors()
        self._contents: list[Weights] = []
        tables = _Tables(graph, self._place)
        extra = [
            (name, self._place(Weights.of(np.frombuffer(data, np.uint8)))) for name, data in (metadata or {}).items()
        ]
        shared, self._contents = _shared(self._contents)
        model = tables.model(description, extra, shared, len(self._contents))
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        self._head = bytearray(builder.Output())
        self._gaps = self._lay_out()

    def _place(self, weights: Weights) -> int:
        """A number for a constant; 0 is of what has no data, by the schema."""
        self._contents.append(weights)
        return len(self._contents)

    def _lay_out(self) -> list[int]:
        """Sets every buffer's offset, and gives the bytes that lie unused before each."""
        root, end, gaps = schema.Model.GetRootAs(self._head, 0), len(self._head), []
        for place, weights in enumerate(self._contents, start=1):
            table = root.Buffers(place)._tab
            field = table.Pos + table.Offset(_DATA)
            start = -(-(end + 4) // _ALIGNMENT) * _ALIGNMENT - 4  # where the vector's length stands
            gaps.append(start - end)
            end = start + 4 + weights.nbytes
            if end > _LIMIT:
                raise InputError(
                    f"the file would be larger than 2 GiB, which a .tflite file cannot be ({end:,} bytes and more); "
                    "choose recipe 'float16' or 'dynamic', or a smaller network"
                )
            self._head[field : field + 4] = (start - field).to_bytes(4, "little")
        self.size = end
        return gaps

    def blocks(self) -> Iterator[bytes | memoryview]:
        """The file's bytes in pieces."""
        yield self._head
        for gap, weights in zip(self._gaps, self._contents, strict=True):
            yield bytes(gap) + weights.nbytes.to_bytes(4, "little")
            for block in weights.blocks():
                yield block.reshape(-1).view(np.uint8).data if block.size else b""

    def bytes(self) -> bytes:
        """All of it."""
        return b"".join(self.blocks())


def _shared(contents: Sequence[Weights]) -> tuple[list[int], list[Weights]]:
    """The place of each constant among those that differ, and these."""
    sizes = Counter(weights.nbytes for weights in contents)
    places: dict[Any, int] = {}
    order, different = [0], []
    for number, weights in enumerate(contents):
        # What no other is as long as is equal to none, and need not be read through.
        key = _digest(weights) if sizes[weights.nbytes] > 1 else number
        if key not in places:
            different.append(weights)
            places[key] = len(different)
        order.append(places[key])
    return order, different


def _digest(weights: Weights) -> bytes:
    digest = hashlib.sha256()
    for block in weights.blocks():
        digest.update(block.reshape(-1).view(np.uint8).data if block.size else b"")
    return digest.digest()


class _Slot(schema.BufferT):
    """A buffer whose data's offset is set after packing."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        builder.StartVector(1, 0, 1)
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class _Tables:
    """The objects of the schema that stand for a graph."""

    def __init__(self, graph: Graph, place: Callable[[Weights], int]) -> None:
        self._graph = graph
        self._codes: dict[str, int] = {}  # each operator's code and its version, the highest that any of them needs
        for operator in graph.operators:
            self._codes[operator.code] = max(self._codes.get(operator.code, 1), version(operator))
        self._indices = {tensor: index for index, tensor in enumerate(graph.tensors())}
        self._places = {tensor: place(tensor.weights) for tensor in self._indices if tensor.weights is not None}

    def model(self, description: str, extra: list[tuple[str, int]], shared: list[int], buffers: int) -> schema.ModelT:
        """The whole, with so many buffers besides the empty one."""
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.name = "main"
        graph.tensors = [self._tensor(tensor, shared) for tensor in self._indices]
        graph.inputs, graph.outputs = (
            [self._indices[t] for t in side] for side in (self._graph.inputs, self._graph.outputs)
        )
        graph.operators = [self._operator(operator) for operator in self._graph.operators]
        model.version, model.description, model.subgraphs = 3, description, [graph]
        model.operatorCodes = [_operator_code(*item) for item in self._codes.items()]
        model.buffers = [schema.BufferT(), *(_Slot() for _ in range(buffers))]
        model.signatureDefs = [self._signature()]
        model.metadata = [_metadata(name, shared[place]) for name, place in extra]
        return model

    def _tensor(self, tensor: Tensor, shared: list[int]) -> schema.TensorT:
        table = schema.TensorT()
        table.name, table.hasRank, table.buffer = tensor.name, True, shared[self._places.get(tensor, 0)]
        table.type = getattr(schema.TensorType, tensor.dtype.upper())
        table.shape = [1 if side < 0 else side for side in tensor.shape]
        if any(side < 0 for side in tensor.shape):
            table.shapeSignature = list(tensor.shape)
        if tensor.quantization is not None:
            table.quantization = quantization = schema.QuantizationParametersT()
            quantization.scale = np.asarray(tensor.quantization.scales, np.float32)
            quantization.zeroPoint = np.asarray(tensor.quantization.zero_points, np.int64)
            quantization.quantizedDimension = tensor.quantization.axis
        if tensor.sparsity is not None:
            table.sparsity = sparsity.table(tensor.shape, tensor.sparsity)
        return table

    def _operator(self, operator: Operator) -> schema.OperatorT:
        table = schema.OperatorT()
        table.opcodeIndex = list(self._codes).index(operator.code)
        table.inputs = [-1 if tensor is None else self._indices[tensor] for tensor in operator.inputs]
        table.outputs = [self._indices[tensor] for tensor in operator.outputs]
        name = options_name(operator.code)
        if name:
            table.builtinOptions = options = getattr(schema, f"{name}T")()
            table.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            for field, value in operator.options.items():
                if not hasattr(options, field):
                    raise AttributeError(f"{name} of operator {operator.code} has no field {field!r}")
                setattr(options, field, value)
        return table

    def _signature(self) -> schema.SignatureDefT:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        sides = (self._graph.inputs, self._graph.input_names), (self._graph.outputs, self._graph.output_names)
        signature.inputs, signature.outputs = (
            [_entry(name, self._indices[tensor]) for tensor, name in zip(*side, strict=True)] for side in sides
        )
        return signature


def options_name(code: str) -> str:
    """The name of an operator's options table, empty for one without."""
    if code in _OPTIONS:
        return _OPTIONS[code]
    name = "".join(part.capitalize() for part in code.split("_")) + "Options"
    return name if hasattr(schema.BuiltinOptions, name) else ""


def _operator_code(code: str, number: int) -> schema.OperatorCodeT:
    table = schema.OperatorCodeT()
    table.builtinCode, table.version = getattr(schema.BuiltinOperator, code), number
    table.deprecatedBuiltinCode = min(
        table.builtinCode, 127
    )  # a byte, for readers of old; 127 says that it does not fit
    return table


def _entry(name: str, index: int) -> schema.TensorMapT:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


def _metadata(name: str, buffer: int) -> schema.MetadataT:
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, buffer
    return entry
