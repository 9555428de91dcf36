"""Inspection of a `.tflite` file: its operators, their types, and the float islands in an integer one."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from zoo.errors import InputError

_OPERATORS = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
_TYPES = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}


@dataclass(frozen=True)
class Operator:
    """One operator of a file; `inputs` and `outputs` are the types of the activations, constants left out."""

    index: int
    name: str
    tensor: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def load(path: str | Path) -> schema.ModelT:
    """The flatbuffer's tables as objects.

    Raises:
        InputError: for a missing file or one that is no TFLite flatbuffer.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; convert the model first")
    with path.open("rb") as file:
        if file.read(8)[4:] != b"TFL3":
            raise InputError(f"{path}: not a TFLite file (no TFL3 mark)")
        data = mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ
        )  # weights stay on the disk until somebody looks at them
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))


def operators(path: str | Path) -> tuple[Operator, ...]:
    """The operators of the file's main graph, in the order they run."""
    return tuple(operator for operator, _, _ in _walk(load(path)))


def float_islands(path: str | Path) -> tuple[Operator, ...]:
    """The operators of an integer file that compute, or pass on, floats between its first and its last layer.

    The QUANTIZE that takes in a float input and the DEQUANTIZE that gives out a float output are no islands, nor is what lays
    several of the latter side by side in an output; anything between them that reads or writes float activations is one. A
    file without any quantized activation is all island.
    """
    model = load(path)
    graph = model.subgraphs[0]
    rows = _walk(model)
    begun, ended, joining = {*graph.inputs}, {*graph.outputs}, []
    for operator, inputs, outputs in reversed(rows):
        if operator.name in ("CONCATENATION", "RESHAPE") and ended.issuperset(outputs):
            joining.append(operator)
            ended.update(inputs)
    islands = []
    for operator, inputs, outputs in rows:
        if operator in joining:
            continue
        if "float32" not in operator.inputs + operator.outputs and "float16" not in operator.inputs + operator.outputs:
            continue
        boundary = (operator.name == "QUANTIZE" and begun.issuperset(inputs)) or (
            operator.name == "DEQUANTIZE" and ended.issuperset(outputs)
        )
        if not boundary:
            islands.append(operator)
    return tuple(islands)


def _walk(model: schema.ModelT) -> list[tuple[Operator, list[int], list[int]]]:
    graph = model.subgraphs[0]
    rows = []
    for index, operator in enumerate(graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        # Old files hold the code in a byte, new ones in an integer; the larger one is meant (schema.fbs).
        name = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs = [tensor for tensor in operator.inputs if tensor >= 0 and not _constant(model, tensor)]
        outputs = [tensor for tensor in operator.outputs if tensor >= 0]
        types = tuple(tuple(_TYPES[graph.tensors[tensor].type] for tensor in ends) for ends in (inputs, outputs))
        tensor = graph.tensors[outputs[0]].name.decode() if outputs else ""  # an assignment gives nothing out
        rows.append((Operator(index, name, tensor, *types), inputs, outputs))
    return rows


def _constant(model: schema.ModelT, tensor: int) -> bool:
    graph = model.subgraphs[0]
    buffer = model.buffers[graph.tensors[tensor].buffer]
    return buffer.offset > 1 or (buffer.data is not None and len(buffer.data) > 0)
