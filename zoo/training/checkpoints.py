"""Checkpoints: the state of a run on disk (or in memory), written whole or not at all, and checked when read."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np

from zoo.errors import InputError

KEPT = 2  # generations on disk: if the newest is damaged the run goes on from the one before
_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass
class State:
    """Everything that the next epoch depends on.

    Attributes:
        epoch: how many epochs are finished.
        arrays: values of the network's variables (weights, statistics, seeds) and the optimiser's, in order.
        rows: one dict of numbers per finished epoch.
        best: {"epoch", "score", "metric"} of the best weights so far, or None.
        settings: the run's identity: `TrainingConfig.to_dict` and what else it must agree with.
    """

    epoch: int
    arrays: dict[str, np.ndarray]
    rows: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The newest states of one run.

    Args:
        folder: where they lie, made if missing; None keeps the newest in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._memory: State | None = None
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"folder={str(folder)!r} cannot be made: {error.strerror or error}") from error

    def save(self, state: State) -> None:
        """Makes this the newest state."""
        if self.folder is None:
            self._memory = state
            return
        facts = {name: getattr(state, name) for name in ("epoch", "rows", "best", "settings")}
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        path = self.folder / f"checkpoint-{state.epoch:05d}.npz"
        write_whole(path, lambda file: np.savez(file, facts=text, **state.arrays))
        for old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)

    def load(self) -> State | None:
        """The newest state that can be read; None where there is none.

        Raises:
            InputError: there are checkpoints and all are damaged.
        """
        if self.folder is None:
            return self._memory
        damaged = []
        for path in self._files():
            try:
                state = _read(path)
            except _BROKEN as error:
                damaged.append(f"{path.name} ({error})")
                continue
            if damaged:
                warnings.warn(f"damaged: {', '.join(damaged)}; going on from {path.name}", stacklevel=2)
            return state
        if damaged:
            raise InputError(
                f"{self.folder}: no checkpoint can be read: {', '.join(damaged)}; "
                "start afresh with resume=False or another folder"
            )
        return None

    def clear(self) -> None:
        """Forgets all states."""
        self._memory = None
        for path in self._files() if self.folder is not None else ():
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("checkpoint-*.npz"), reverse=True)


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file so that at any moment there is the old one or the new one, and never a part of either."""
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def values_of(variables: list[keras.Variable], prefix: str) -> dict[str, np.ndarray]:
    """Copies of variables' values, keyed by prefix and place: names differ between two models built alike."""
    return {f"{prefix}{i}": _storable(keras.ops.convert_to_numpy(v)) for i, v in enumerate(variables)}


def assign_values(variables: list[keras.Variable], arrays: dict[str, np.ndarray], prefix: str) -> None:
    """Puts values back.

    Raises:
        InputError: they are not of these variables' number and shapes.
    """
    shapes = [array.shape for name, array in arrays.items() if name.startswith(prefix)]
    expected = [tuple(v.shape) for v in variables]
    if shapes != expected:
        raise InputError(
            f"the checkpoint is of another network: its {prefix.strip('/')} has {len(shapes)} arrays of shapes "
            f"{_few(shapes, expected)} where this one has {len(expected)} of shapes {_few(expected, shapes)}"
        )
    for i, variable in enumerate(variables):
        variable.assign(arrays[f"{prefix}{i}"])


def _few(shapes: list[tuple[int, ...]], others: list[tuple[int, ...]]) -> str:
    """The first shapes that differ from the others'."""
    pairs = [shape for i, shape in enumerate(shapes) if i >= len(others) or others[i] != shape]
    return ", ".join(map(str, pairs[:3])) + (", …" if len(pairs) > 3 else "") if pairs else "the same"


def _storable(array: np.ndarray) -> np.ndarray:
    """npz knows numpy's own types only; bfloat16 fits into float32 without loss. Always a copy."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else np.array(array)


def _read(path: Path) -> State:
    with np.load(path, allow_pickle=False) as file:  # reading a member checks its checksum
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(arrays.pop("facts").tobytes())
    return State(arrays=arrays, **facts)
