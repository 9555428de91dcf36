"""Excerpts: some operators of a `.tflite` file as a small file of their own, with the constants that they read and no others.

    source = Excerpts("model.tflite")
    places = source.before([output.index])                      # the operators that a tensor depends on
    part = source.write("part.tflite", places, [output.index])  # part.feeds: the tensors that it takes for inputs
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.errors import InputError
from edge.graph import Graph, read_graph

_ALIGNMENT = 16  # of weights (schema.fbs: force_align)
_ROOM = 4096  # for tables; the builder grows where they need more


@dataclass(frozen=True)
class Excerpt:
    """A file that was written.

    Attributes:
        path: of the file.
        places: of its operators in the whole graph, in their order.
        feeds: the whole graph's tensors that it takes for inputs, by index, in its own order.
        outputs: those that it gives out.
    """

    path: Path
    places: tuple[int, ...]
    feeds: tuple[int, ...]
    outputs: tuple[int, ...]


class Excerpts:
    """A file to take excerpts from.

    Raises InputError for a file that is missing or damaged, and for one of several graphs, whose parts hang together.
    """

    def __init__(self, path: str | Path, graph: Graph | None = None) -> None:
        self.path = Path(path)
        self.graph = graph or read_graph(self.path)

    @cached_property
    def _model(self) -> Any:
        with self.path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # weights stay on the disk until they are written
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        if len(model.subgraphs) > 1 or any(buffer.offset > 1 for buffer in model.buffers):
            raise InputError(f"{self.path.name} has several graphs, or weights behind its tables; no part of it stands alone")
        return model

    def computing(self) -> list[int]:
        """The places of the operators whose results depend on the inputs, and are no resources."""
        return [
            place
            for place, operator in enumerate(self.graph.operators)
            if operator.outputs
            and not all(self.graph.fixed(index) for index in operator.outputs)
            and all(self.graph.tensors[index].numeric for index in operator.outputs)
        ]

    def before(self, tensors: Iterable[int], until: Iterable[int] = ()) -> list[int]:
        """The places of the operators that tensors depend on, in their order, not going back beyond the tensors `until`."""
        waiting, stops, places = list(tensors), set(until), set()
        while waiting:
            tensor = waiting.pop()
            place = None if tensor in stops else self.graph.place(tensor)
            if place is not None and place not in places:
                places.add(place)
                waiting += self.graph.operators[place].activations
        return sorted(places)

    def producers(self, place: int) -> list[int]:
        """The places of the operators that write what one reads; those that make constants are left out."""
        reads = self.graph.operators[place].activations
        places = {self.graph.place(index) for index in reads if not self.graph.fixed(index)}
        return sorted(place for place in places if place is not None)

    def write(self, target: str | Path, places: Iterable[int], outputs: Sequence[int]) -> Excerpt:
        """Writes the operators at these places, and what makes their constants, with these tensors for outputs."""
        chosen = set(places)
        reads = {index for place in chosen for index in self.graph.operators[place].activations}
        chosen.update(self.before(index for index in reads if self.graph.fixed(index)))
        ordered = tuple(sorted(chosen))
        operators = [self.graph.operators[place] for place in ordered]
        made = {index for operator in operators for index in operator.outputs}
        used = dict.fromkeys(index for operator in operators for index in (*operator.activations, *operator.outputs))
        feeds = tuple(index for index in used if index not in made and not self.graph.tensors[index].constant)
        path = Path(target)
        path.write_bytes(_packed(self._part(ordered, list(used), feeds, outputs)))
        return Excerpt(path, ordered, feeds, tuple(outputs))

    def _part(self, places: Sequence[int], tensors: Sequence[int], feeds: Sequence[int], outputs: Sequence[int]) -> Any:
        whole = self._model.subgraphs[0]
        numbers = {tensor: number for number, tensor in enumerate(tensors)}
        buffers, places_of = [_Aligned()], {0: 0}
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.name, graph.tensors, graph.operators = whole.name, [], []
        for index in tensors:
            tensor = _copy(whole.tensors[index])
            if tensor.buffer not in places_of:
                places_of[tensor.buffer] = len(buffers)
                buffers.append(_Aligned(self._model.buffers[tensor.buffer].data))
            tensor.buffer = places_of[tensor.buffer]
            graph.tensors.append(tensor)
        codes: dict[int, int] = {}
        for place in places:
            operator = _copy(whole.operators[place])
            operator.opcodeIndex = codes.setdefault(operator.opcodeIndex, len(codes))
            operator.inputs = [numbers.get(index, -1) for index in operator.inputs]
            operator.outputs = [numbers[index] for index in operator.outputs]
            graph.operators.append(operator)
        graph.inputs, graph.outputs = ([numbers[index] for index in side] for side in (feeds, outputs))
        model.version, model.subgraphs, model.buffers = self._model.version, [graph], buffers
        model.operatorCodes = [self._model.operatorCodes[index] for index in codes]
        return model


def _copy(table: Any) -> Any:
    """The same fields in another object, so that some can be changed."""
    result = type(table)()
    vars(result).update(vars(table))
    return result


class _Aligned(schema.BufferT):
    """A buffer whose data lie where runtimes can use them."""

    def __init__(self, data: np.ndarray | None = None) -> None:
        super().__init__()
        self.data = data

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None
        if self.data is not None and len(self.data):
            raw = np.ascontiguousarray(self.data, np.uint8)
            builder.StartVector(1, raw.size, _ALIGNMENT)
            builder.head = builder.head - raw.size
            memoryview(builder.Bytes)[builder.head : builder.head + raw.size] = raw.data
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _packed(model: Any) -> bytes:
    size = sum(len(buffer.data) + _ALIGNMENT for buffer in model.buffers if buffer.data is not None)
    builder = flatbuffers.Builder(size + _ROOM)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
