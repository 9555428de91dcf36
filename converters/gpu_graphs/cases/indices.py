"""Operators that read or write at indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)


def _below(count: int) -> Any:
    return lambda random, shape: random.integers(0, count, shape)


def _gather(name: str, shape: tuple[int, ...], places: Any, axis: int, runtime: bool = False, batch: int = 0) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input(shape)
        if runtime:
            rows = draft.input(np.shape(places), _below(shape[axis]), "int32")
        else:
            rows = draft.constant(np.asarray(places, np.int32))
        return draft.op("GATHER", x, rows, axis=axis, batchDims=batch)

    return Case(f"gather_{name}", "GATHER", drawing)


def _from_table(draft: Draft, shape: tuple[int, ...]) -> Value:
    return draft.op("GATHER", draft.uniform(-1, 1, 11, 6), draft.input(shape, _below(11), "int32"), axis=0)


def _lookup(draft: Draft) -> Value:
    return draft.op("EMBEDDING_LOOKUP", draft.input((7,), _below(11), "int32"), draft.uniform(-1, 1, 11, 6))


def _one_hot(shape: tuple[int, ...], depth: int = 5) -> Case:
    def drawing(draft: Draft) -> Value:
        ends = (draft.constant(value) for value in (np.int32(depth), np.float32(1), np.float32(0)))
        return draft.op("ONE_HOT", draft.input(shape, _below(depth), "int32"), *ends, axis=-1)

    return Case(f"one_hot_of_{'x'.join(map(str, shape))}", "ONE_HOT", drawing)


def _one_hot_by_comparison(draft: Draft) -> Value:
    """What to write instead of ONE_HOT."""
    x = draft.cast(draft.input((1, 5, 7, 1), _below(5), "int32"), "float32")
    return draft.cast(draft.op("EQUAL", x, draft.constant(np.arange(5.0).reshape(1, 1, 1, 5))), "float32")


def _gather_nd(draft: Draft) -> Value:
    return draft.op("GATHER_ND", draft.input(SHAPE), draft.constant([[0, 1, 2], [0, 3, 4]]))


def _scatter_nd(draft: Draft) -> Value:
    return draft.op("SCATTER_ND", draft.constant([[4], [1]]), draft.input((2, 6)), draft.constant((9, 6)))


def _update(runtime: bool) -> Case:
    def drawing(draft: Draft) -> Value:
        start = (0, 3, 0)
        place = draft.input((3,), lambda random, shape: np.array(start), "int32") if runtime else draft.constant(start)
        return draft.op("DYNAMIC_UPDATE_SLICE", draft.input((1, 9, 6)), draft.input((1, 2, 6)), place)

    return Case(f"update_slice_at_a_{'runtime' if runtime else 'constant'}_place", "DYNAMIC_UPDATE_SLICE", drawing)


def _gather_of_cast(draft: Draft) -> Value:
    """Rows by an index that the graph computes: the heart of a warp."""
    place = draft.op("FLOOR", draft.input((1, 20), lambda random, shape: random.uniform(0, 34.9, shape)))
    rows = draft.reshape(draft.cast(place, "int32"), 20)
    return draft.op("GATHER", draft.reshape(draft.input(SHAPE), 1, 35, 6), rows, axis=1, batchDims=0)


CASES = [
    _gather("channels", SHAPE, [3, 1, 0, 2], 3),
    _gather("rows", SHAPE, [4, 0, 0, 2], 1),
    _gather("columns_at_runtime", SHAPE, [0] * 9, 2, runtime=True),
    _gather("channels_at_runtime", SHAPE, [0] * 5, 3, runtime=True),
    _gather("of_rank_3", (1, 9, 6), [8, 0, 3], 1),
    _gather("by_2d_indices", (1, 9, 6), [[8, 0], [3, 1]], 1),
    _gather("batched", (2, 9, 6), [[8, 0, 3], [1, 1, 2]], 1, batch=1),
    Case("gather_from_a_table", "GATHER", lambda draft: _from_table(draft, (7,))),
    Case("gather_from_a_table_by_1x7", "GATHER", lambda draft: _from_table(draft, (1, 7))),
    Case("gather_of_computed_indices", "GATHER", _gather_of_cast),
    Case("embedding_lookup", "EMBEDDING_LOOKUP", _lookup),
    *map(_one_hot, ((7,), (1, 7), (1, 5, 7))),
    Case("one_hot_by_comparison", "EQUAL", _one_hot_by_comparison),
    Case("gather_nd", "GATHER_ND", _gather_nd),
    Case("scatter_nd", "SCATTER_ND", _scatter_nd),
    *map(_update, (True, False)),
]
