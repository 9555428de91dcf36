"""Reads the standard TFLite metadata: the flatbuffer that a file carries under the name TFLITE_METADATA.

Schema: metadata_schema.fbs of tensorflow/tflite-support, of which these are the fields that a runner needs. Slots are
the fields' positions in the schema; a slot is found at 4 + 2 × position in a flatbuffer's vtable.
"""

from __future__ import annotations

from dataclasses import dataclass

from flatbuffers import number_types as number
from flatbuffers.table import Table

AXIS_LABELS, VALUE_LABELS = 2, 3  # enum AssociatedFileType
_NORMALISATION = 1  # union ProcessUnitOptions


@dataclass(frozen=True)
class Metadata:
    """The metadata of a file: what it says of itself.

    `mean` and `std` are the input's normalisation, (x - mean) / std with x in 0–255: one number, or one a channel.
    `files` are the names that the appended zip should hold, `label_files` those of the first output's class labels.
    """

    name: str = ""
    description: str = ""
    license: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    label_files: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class _Node:
    """A flatbuffer table whose fields are asked for by position."""

    def __init__(self, data: bytes, position: int) -> None:
        self._table = Table(data, position)

    def _offset(self, slot: int) -> int:
        return self._table.Offset(4 + 2 * slot)

    def text(self, slot: int) -> str:
        offset = self._offset(slot)
        return self._table.String(offset + self._table.Pos).decode("utf-8") if offset else ""

    def byte(self, slot: int) -> int:
        offset = self._offset(slot)
        return self._table.Get(number.Uint8Flags, offset + self._table.Pos) if offset else 0

    def child(self, slot: int) -> _Node | None:
        offset = self._offset(slot)
        return _Node(self._table.Bytes, self._table.Indirect(offset + self._table.Pos)) if offset else None

    def children(self, slot: int) -> list[_Node]:
        offset = self._offset(slot)
        if not offset:
            return []
        start = self._table.Vector(offset)
        count = self._table.VectorLen(offset)
        return [_Node(self._table.Bytes, self._table.Indirect(start + 4 * index)) for index in range(count)]

    def floats(self, slot: int) -> tuple[float, ...]:
        offset = self._offset(slot)
        if not offset:
            return ()
        return tuple(float(value) for value in self._table.GetVectorAsNumpy(number.Float32Flags, offset))


def parse(data: bytes) -> Metadata:
    """The metadata in `data`, a ModelMetadata flatbuffer. Raises struct.error or IndexError where it is damaged."""
    root = _Node(data, int.from_bytes(data[:4], "little"))
    files = [entry.text(0) for entry in root.children(6)]
    labels: list[str] = []
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for subgraph in root.children(3)[:1]:
        for tensor in subgraph.children(2)[:1]:
            for unit in tensor.children(4):
                options = unit.child(1)
                if unit.byte(0) == _NORMALISATION and options is not None:
                    mean, std = options.floats(0), options.floats(1)
        for tensor in subgraph.children(3):
            for entry in tensor.children(6):
                files.append(entry.text(0))
                if entry.byte(2) in (AXIS_LABELS, VALUE_LABELS):
                    labels.append(entry.text(0))
    return Metadata(root.text(0), root.text(1), root.text(5), mean, std, tuple(labels), tuple(dict.fromkeys(files)))
