"""TensorBoard's event file, written directly: the same log under every backend, without TensorFlow or another package.

The format is TFRecord around the protocol buffer `Event` (tensorflow/core/util/event.proto); scalars need four of its
fields.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

_CASTAGNOLI = 0x82F63B78  # CRC-32C, reflected


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


class Events:
    """One event file: begun with the rows that there are, then one row added an epoch.

    Args:
        path: of the file; an older one is replaced, so that a resumed run has each epoch once.
        rows: scalars by tag; "epoch" is the step.
    """

    def __init__(self, path: Path, rows: Iterable[Mapping[str, float]] = ()) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_record(_double(1, time.time()) + _bytes(3, b"brain.Event:2")))
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, float]) -> None:
        """Appends one step's scalars."""
        values = b"".join(
            _bytes(1, _bytes(1, tag.encode()) + _float(2, value)) for tag, value in row.items() if tag != "epoch"
        )
        event = _double(1, time.time()) + _key(2, 0) + _varint(int(row["epoch"])) + _bytes(5, values)
        with self._path.open("ab") as file:
            file.write(_record(event))


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_crc(length) + data + _masked_crc(data)


def _masked_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _bytes(number: int, value: bytes) -> bytes:
    return _key(number, 2) + _varint(len(value)) + value


def _double(number: int, value: float) -> bytes:
    return _key(number, 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _key(number, 5) + struct.pack("<f", value)
