"""PyTorch's weights files as arrays, without PyTorch: `.pth` of `torch.save`, in either of its two formats, and `.safetensors`.

A `.pth` is a pickle, and a pickle can name any function for its reader to call. The reader here knows the few names that a dict
of tensors is made of and refuses a file that asks for any other, before anything is called.
"""

from __future__ import annotations

import collections
import io
import json
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from zoo.errors import InputError

SAFETENSORS = ".safetensors"
TORCHVISION, TIMM = "torchvision:", "timm:"  # mark a path as a file of PyTorch weights, and say whose network it is of
_MAGIC = 0x1950A86A20F9469CFC6C  # what torch.save began with before it wrote zip files (PyTorch 1.6)
_BFLOAT16 = "bfloat16"  # NumPy has none: read as the upper halves of float32
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_SAFETENSORS_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": _BFLOAT16, "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_NESTED = ("state_dict", "model", "model_state_dict")  # under which checkpoints of trainings keep the weights
_BROKEN = (
    OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, struct.error, pickle.UnpicklingError,
    zipfile.BadZipFile,
)  # fmt: skip


def is_torch(weights: str | Path | None) -> bool:
    """Whether a file of PyTorch weights is meant: "torchvision:PATH" or "timm:PATH"."""
    return str(weights).startswith((TORCHVISION, TIMM))


def read_state(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a PyTorch weights file by their names, in float32 or the integer type that they have.

    Args:
        path: a state dict saved by `torch.save`, bare or under "state_dict" or "model" of a checkpoint, or `.safetensors`.
            "module." in front of all names, which `DataParallel` adds, is taken away.

    Raises:
        InputError: if there is no such file, it is broken, or a pickle asks for anything but tensors and containers.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {path}; give the path of a .pth or .safetensors file of PyTorch weights")
    try:
        state = _safetensors(path) if path.suffix == SAFETENSORS else _pickled(path)
    except _BROKEN as error:
        raise InputError(f"{path} cannot be read as PyTorch weights ({error}); expected a .pth or .safetensors file") from error
    tensors = {str(name): array for name, array in state.items() if isinstance(array, np.ndarray)}
    if not tensors:
        raise InputError(f"{path} holds no tensors by name; save a state dict: torch.save(model.state_dict(), PATH)")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): array for name, array in tensors.items()}
    return tensors


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    """Eight bytes of the header's length, the header in JSON, the tensors' bytes."""
    content = memoryview(path.read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(bytes(content[8 : 8 + length]))
    tensors = {}
    for name, facts in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in facts["data_offsets"])
        values = _values(content[start:end], _SAFETENSORS_TYPES[facts["dtype"]])
        tensors[name] = values.reshape(facts["shape"])
    return tensors


def _pickled(path: Path) -> Mapping[str, Any]:
    """The state dict of a file that `torch.save` wrote, out of the checkpoint around it if there is one."""
    with path.open("rb") as file:
        state = _zipped(file) if zipfile.is_zipfile(file) else _legacy(file)
    for key in _NESTED:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping):
        raise ValueError(f"it holds a {type(state).__name__} and no state dict")
    return state


def _zipped(file: IO[bytes]) -> Any:
    """A zip of NAME/data.pkl and one member a storage."""
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl")
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")

        def storage(kind: str, key: str, count: int) -> np.ndarray:
            return _values(archive.read(f"{folder}data/{key}"), kind)[:count]

        return _Unpickler(io.BytesIO(archive.read(pickled)), storage).load()


def _legacy(file: IO[bytes]) -> Any:
    """Pickles one after the other (magic number, version, the writer's machine, the object, keys), then the storages' bytes."""
    file.seek(0)
    if _Unpickler(file).load() != _MAGIC:
        raise ValueError("it does not begin as torch.save's files do")
    for _ in range(2):  # version, the writer's machine
        _Unpickler(file).load()
    storages: dict[str, np.ndarray] = {}

    def storage(kind: str, key: str, count: int) -> np.ndarray:
        """Numbers that the object can have views of before they are read."""
        return storages.setdefault(key, _Pending(kind, count))

    state = _Unpickler(file, storage).load()
    for key in _Unpickler(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        pending = storages[key]
        pending.values = _values(file.read(count * _width(pending.kind)), pending.kind)
    return _resolved(state)


@dataclass
class _Pending:
    """A storage whose numbers come later in the file."""

    kind: str
    count: int
    values: np.ndarray | None = None


@dataclass(frozen=True)
class _View:
    """A tensor over a storage."""

    storage: Any
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The numbers, checked to lie within the storage, in an array of their own."""
        values = self.storage.values if isinstance(self.storage, _Pending) else self.storage
        size = math.prod(self.shape)
        if size == 0:
            return np.zeros(self.shape, values.dtype)
        last = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if min(self.offset, *self.strides, 0) < 0 or last >= len(values) or size > len(values):
            raise ValueError("a tensor reaches beyond its storage")
        strides = tuple(stride * values.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides).copy()


def _resolved(value: Any) -> Any:
    """Containers with arrays in the place of views."""
    if isinstance(value, _View):
        return value.array()
    if isinstance(value, Mapping):
        return {key: _resolved(item) for key, item in value.items()}
    return value


def _tensor(storage: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _View | np.ndarray:
    view = _View(storage, offset, tuple(shape), tuple(strides))
    return view if isinstance(storage, _Pending) else view.array()


def _parameter(data: Any, *_: Any) -> Any:
    return data


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): kind for name, kind in _STORAGES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Knows `_KNOWN` and nothing else; `storage` gives the numbers that a tensor is a view of."""

    def __init__(self, file: IO[bytes], storage: Callable[[str, str, int], Any] | None = None) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, and only tensors and containers are read from a pickle; "
                "save the state dict alone: torch.save(model.state_dict(), PATH)"
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Any:
        what, kind, key, _, count, *_ = pid
        if what != "storage" or self._storage is None or kind not in _STORAGES.values():
            raise pickle.UnpicklingError(f"it refers to {what!r}, which is no storage of numbers")
        return self._storage(kind, key, count)


def _width(kind: str) -> int:
    return 2 if kind == _BFLOAT16 else np.dtype(kind).itemsize


def _values(content: bytes | memoryview, kind: str) -> np.ndarray:
    """The numbers of little-endian bytes; bfloat16 as float32."""
    if kind == _BFLOAT16:
        return (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(content, np.dtype(kind).newbyteorder("<"))
