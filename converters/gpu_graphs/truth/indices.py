"""Operators that read or write at indices."""

from __future__ import annotations

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes, enter_all

enter_all(
    {
        "GATHER_ND": lambda x, places: x[tuple(np.moveaxis(places, -1, 0))],
        "EMBEDDING_LOOKUP": lambda places, table: table[places],
    }
)


@computes("GATHER")
def gather(options: Options, x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of an axis by their numbers; with batch dimensions, each sample's own."""
    axis = options.get("axis", 0)
    if not options.get("batchDims"):
        return np.take(x, places, axis)
    return np.stack([np.take(one, own, axis - 1) for one, own in zip(x, places, strict=True)])


@computes("ONE_HOT")
def one_hot(options: Options, places: np.ndarray, depth: np.ndarray, on: np.ndarray, off: np.ndarray) -> np.ndarray:
    """1 at the index along a new last axis."""
    return np.where(places[..., None] == np.arange(int(depth)), on, off)


@computes("SCATTER_ND")
def scatter_nd(options: Options, places: np.ndarray, updates: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Zeros with rows added at places."""
    result = np.zeros(shape.tolist())
    np.add.at(result, tuple(np.moveaxis(places, -1, 0)), updates)
    return result


@computes("DYNAMIC_UPDATE_SLICE")
def dynamic_update_slice(options: Options, x: np.ndarray, update: np.ndarray, start: np.ndarray) -> np.ndarray:
    """A box written over, moved inward where it would reach beyond the end."""
    result = x.copy()
    first = [
        min(max(place, 0), side - size)
        for place, side, size in zip(start.tolist(), x.shape, update.shape, strict=True)
    ]
    result[tuple(slice(place, place + size) for place, size in zip(first, update.shape, strict=True))] = update
    return result
