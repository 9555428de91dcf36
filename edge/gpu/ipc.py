"""Messages between a process and its worker: a JSON header and arrays, over a pipe.

A message is 4 bytes of length, a JSON object of that length, then the bytes of each array that it announces.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np


def send(stream: BinaryIO, header: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Writes one message. Raises BrokenPipeError where the reader is gone."""
    announced = [{"dtype": str(array.dtype), "shape": list(array.shape)} for array in arrays]
    text = json.dumps({**header, "arrays": announced}).encode()
    stream.write(len(text).to_bytes(4, "little") + text)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Reads one message. Raises EOFError where the writer ended before it was whole."""
    header = json.loads(_exactly(stream, int.from_bytes(_exactly(stream, 4), "little")))
    arrays = []
    for entry in header.pop("arrays"):
        dtype = np.dtype(entry["dtype"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        arrays.append(np.frombuffer(_exactly(stream, count * dtype.itemsize), dtype).reshape(entry["shape"]))
    return header, arrays


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EOFError(f"{len(data)} of {count} bytes")
    return data
