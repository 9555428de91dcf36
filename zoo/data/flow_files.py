"""Flow files: Middlebury's .flo, which FlyingChairs has too, and KITTI's PNG of 16 bits; read and written.

A .flo file is the tag "PIEH" (202021.25 read as a float32), width and height as int32, then (dx, dy) of every pixel as float32,
row by row, all little-endian; a component beyond 1e9 says that the flow there is not known (Baker et al., "A Database and
Evaluation Methodology for Optical Flow", 2011). KITTI's PNG has three channels of 16 bits: 64·dx + 32768, 64·dy + 32768, and
whether the flow is known (Menze & Geiger, "Object Scene Flow for Autonomous Vehicles", 2015). It reaches 512 pixels either way,
in steps of 1/64.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.data.targets import FlowField
from zoo.errors import InputError

TAG = struct.pack("<f", 202021.25)  # b"PIEH"
UNKNOWN = 1e9  # pixels, beyond which a component of a .flo file says that nothing is known
WRITTEN_UNKNOWN = 1666666752.0  # what Middlebury's own files have there
KITTI_UNITS, KITTI_ZERO, KITTI_MOST = 64, 1 << 15, (1 << 16) - 1
_BROKEN = (OSError, SyntaxError, EOFError, struct.error, zlib.error)  # what Pillow raises of files that are no PNG any more
_HEADER = struct.Struct("<4sii")
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_DEPTH, _RGB = 16, 2  # of a PNG: bits a channel, and the number of its kind of colour


def read_flow(path: str | Path) -> FlowField:
    """The flow of a .flo or .png file.

    Raises:
        InputError: naming the file where it is missing, of another ending, or not what its ending says.
    """
    path = Path(path)
    return _format(path, READERS)(path)


def write_flow(path: str | Path, flow: FlowField) -> None:
    """Writes a .flo or .png file, by the ending of the path; what is not valid is written as not known.

    Raises:
        InputError: for another ending, and for vectors that are no numbers or that the format has no room for.
    """
    path = Path(path)
    write = _format(path, WRITERS)
    if not np.isfinite(flow.values[flow.valid]).all():
        raise InputError(f"{path}: the flow has NaN or infinity where it is valid; say so in valid=")
    path.write_bytes(write(path, flow))


def _format(path: Path, by_ending: dict[str, Callable]) -> Callable:
    ending = path.suffix.lower()
    if ending not in by_ending:
        raise InputError(f"{path}: a flow is a file {' or '.join(f'*{name}' for name in by_ending)}")
    return by_ending[ending]


def _read_flo(path: Path) -> FlowField:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    data = path.read_bytes()
    if len(data) < _HEADER.size or data[: len(TAG)] != TAG:
        raise InputError(f"{path}: does not begin as a .flo file does, with {TAG.decode()!r}")
    _, width, height = _HEADER.unpack_from(data)
    expected = _HEADER.size + 8 * max(width, 0) * max(height, 0)
    if width < 1 or height < 1 or len(data) != expected:
        raise InputError(
            f"{path}: says {width}×{height} pixels (W×H), of which {expected} bytes would be the file, and has {len(data)}"
        )
    values = np.frombuffer(data, "<f4", offset=_HEADER.size).reshape(height, width, 2).astype(np.float32)
    with np.errstate(invalid="ignore"):
        valid = (np.abs(values) <= UNKNOWN).all(axis=-1)  # of NaN too this is False
    return FlowField(np.where(valid[..., None], values, 0), valid)


def _read_kitti(path: Path) -> FlowField:
    from PIL import Image

    from zoo.data import deep_pixels

    try:
        with Image.open(path) as picture:
            picture.load()
            pixels = deep_pixels.values(picture, lambda: Image.open(path), path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _BROKEN as error:
        raise InputError(f"{path}: cannot be read as a PNG ({error}); replace or remove it") from error
    if pixels is None or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise InputError(f"{path}: a flow is a PNG of three channels of 16 bits, as KITTI's; this one is {picture.mode}")
    valid = pixels[..., 2] > 0
    values = (pixels[..., :2] - KITTI_ZERO) / KITTI_UNITS
    return FlowField(np.where(valid[..., None], values, 0).astype(np.float32), valid)


def _flo(path: Path, flow: FlowField) -> bytes:
    height, width = flow.size
    values = np.where(flow.valid[..., None], flow.values, WRITTEN_UNKNOWN)
    return _HEADER.pack(TAG, width, height) + values.astype("<f4").tobytes()


def _kitti(path: Path, flow: FlowField) -> bytes:
    height, width = flow.size
    values = np.where(flow.valid[..., None], np.rint(flow.values.astype(np.float64) * KITTI_UNITS) + KITTI_ZERO, 0)
    if values.min() < 0 or values.max() > KITTI_MOST:
        farthest = np.abs(flow.values[flow.valid]).max()
        raise InputError(f"{path}: a vector of {farthest:g} pixels; KITTI's PNG holds up to 512. Write a .flo file")
    pixels = np.dstack([values, flow.valid]).astype(">u2")
    rows = pixels.reshape(height, -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # every row begins with its filter, 0 for none
    head = struct.pack(">IIBBBBB", width, height, _DEPTH, _RGB, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b""))
    return _PNG_HEAD + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file: length, kind, data and their checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


READERS = {".flo": _read_flo, ".png": _read_kitti}
WRITERS = {".flo": _flo, ".png": _kitti}
