"""The choices that a `.tflite` graph makes on its way (ARG_MAX: positions of maxima, classes), told or taken from outside.

Two right computations may choose differently where values tie but for rounding (`zoo.outputs.near_ties`). To hold the rest
of a graph to its numbers all the same, one side tells what it chose, and the other computes on with it:

    telling(path, target)     the file with each choice's scores and result as further outputs
    taking(path, target)      the file with each result as a further input, and the scores as further outputs
    beginning(path, target)   the file's first operators alone, which tells how long each of them takes (`edge.operators`)

Only tables at the flatbuffer's end are added and lists changed; weights stay where they lie.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from edge.graph import Graph, Tensor

# Fields of schema.fbs, as places in a table's list of fields.
_SIGNATURES, _INPUTS, _OUTPUTS, _OPERATORS = (4 + 2 * field for field in (7, 1, 2, 3))


@dataclass(frozen=True)
class Choice:
    """One ARG_MAX operator: the tensors it reads and writes, the axis that it chooses over, its place among operators."""

    scores: Tensor
    result: Tensor
    axis: int
    operator: int

    @property
    def layer(self) -> str:
        """The layer that it comes from, in files that name tensors after layers, as ours do."""
        return self.result.name.partition(";")[0].partition("/")[0]


def choices(graph: Graph) -> tuple[Choice, ...]:
    """All choices of a graph in its order; not those over an axis that is computed, which are none of ours."""
    result = []
    for place, operator in enumerate(graph.operators):
        if operator.name == "ARG_MAX" and graph.tensors[operator.inputs[1]].values:
            scores, axis = (graph.tensors[tensor] for tensor in operator.inputs[:2])
            chosen = int(axis.values[0]) % len(scores.shape)
            result.append(Choice(scores, graph.tensors[operator.outputs[0]], chosen, place))
    return tuple(result)


def inner_choices(graph: Graph) -> tuple[Choice, ...]:
    """The choices whose results the graph itself goes on with."""
    return tuple(choice for choice in choices(graph) if not _answers(choice, graph))


def answers(graph: Graph) -> tuple[Choice, ...]:
    """The choices whose results are outputs of the graph: maps of class indices."""
    return tuple(choice for choice in choices(graph) if _answers(choice, graph))


def telling(path: str | Path, target: Path, tensors: Sequence[int]) -> Path:
    """Writes the file with further outputs, the tensors of those indices. Returns `target`."""
    data = bytearray(Path(path).read_bytes())
    _extend(data, _OUTPUTS, tensors)
    target.write_bytes(data)
    return target


def taking(path: str | Path, target: Path, choices: Sequence[Choice], tensors: Sequence[int]) -> Path:
    """Writes the file with the choices' results as further inputs, and further outputs. Returns `target`."""
    data = bytearray(Path(path).read_bytes())
    _extend(data, _INPUTS, [choice.result.index for choice in choices])
    _extend(data, _OUTPUTS, tensors)
    _remove_operators(data, {choice.operator for choice in choices})
    target.write_bytes(data)
    return target


def beginning(path: str | Path, target: Path, count: int, tensors: Sequence[int]) -> Path:
    """Writes the file with its first `count` operators alone, and with these tensors for its outputs. Returns `target`."""
    data = bytearray(Path(path).read_bytes())
    _extend(data, _OUTPUTS, tensors, after=())
    table = _subgraph(data)
    struct.pack_into("<I", data, table.Vector(table.Offset(_OPERATORS)) - 4, count)
    target.write_bytes(data)
    return target


def _answers(choice: Choice, graph: Graph) -> bool:
    return any(choice.result.index == output.index for output in graph.outputs)


# ------------------------------------------------------------------------------------------------ writing


def _subgraph(data: bytearray) -> flatbuffers.table.Table:
    return schema.Model.GetRootAs(data, 0).Subgraphs(0)._tab


def _extend(data: bytearray, field: int, tensors: Sequence[int], after: Sequence[int] | None = None) -> None:
    """Writes a list of tensors at the end of the data, and lets the subgraph's field point to it: those that the field has,
    or `after`, and then these."""
    table = _subgraph(data)
    start, length = table.Vector(table.Offset(field)), table.VectorLen(table.Offset(field))
    entries = (*(struct.unpack_from(f"<{length}i", data, start) if after is None else after), *tensors)
    data += bytes(-len(data) % 4)
    place, end = table.Pos + table.Offset(field), len(data)
    data += struct.pack(f"<I{len(entries)}i", len(entries), *entries)
    struct.pack_into("<I", data, place, end - place)
    _forget_signatures(data)


def _forget_signatures(data: bytearray) -> None:
    """Without them runtimes go by the graph's own inputs and outputs; they name those that there were."""
    table = schema.Model.GetRootAs(data, 0)._tab
    if table.Offset(_SIGNATURES):
        struct.pack_into("<I", data, table.Vector(table.Offset(_SIGNATURES)) - 4, 0)


def _remove_operators(data: bytearray, indices: set[int]) -> None:
    """Moves up those that stay in the list of operators: each entry is a distance from its own place."""
    table = _subgraph(data)
    start, length = table.Vector(table.Offset(_OPERATORS)), table.VectorLen(table.Offset(_OPERATORS))
    staying = [table.Indirect(start + 4 * index) for index in range(length) if index not in indices]
    for index, operator in enumerate(staying):
        struct.pack_into("<I", data, start + 4 * index, operator - (start + 4 * index))
    struct.pack_into("<I", data, start - 4, len(staying))
