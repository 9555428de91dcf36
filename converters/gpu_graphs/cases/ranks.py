"""Ranks other than four: vectors, matrices, stacks of rows, and what five axes meet with; how ranks meet each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

_VECTOR, _MATRIX, _ROWS, _STACK, _FIVE = (7,), (9, 6), (1, 9, 6), (3, 9, 6), (1, 2, 5, 3, 6)


def _word(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _op(code: str, shape: tuple[int, ...], name: str, *constants: Any, integers: bool = True, **options: Any) -> Case:
    """An operator of one input and constants behind it."""
    return Case(
        f"rank{len(shape)}_{code.lower()}{'_' * bool(name)}{name}_of_{_word(shape)}",
        code,
        lambda draft: draft.op(code, draft.input(shape), *map(draft.constant, constants), **options),
        integers=integers,
    )


def _pair(code: str, one: tuple[int, ...], other: tuple[int, ...], constant: bool = False) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.op(code, draft.input(one), draft.uniform(-1, 1, *other) if constant else draft.input(other))

    name = f"ranks_{code.lower()}_{_word(one)}_and_{'constant_' * constant}{_word(other)}"
    return Case(name, code, drawing, integers=True)


def _joined(axis: int, one: tuple[int, ...], other: tuple[int, ...]) -> Case:
    name = f"rank{len(one)}_concatenation_axis{axis}_of_{_word(one)}"
    return Case(
        name, "CONCATENATION", lambda draft: draft.op("CONCATENATION", draft.input(one), draft.input(other), axis=axis),
        integers=True,
    )  # fmt: skip


def _reduced(code: str, shape: tuple[int, ...], axes: tuple[int, ...], keep: bool = True) -> Case:
    name = f"over_{''.join(map(str, axes))}{'' if keep else '_dropped'}"
    holds = code != "REDUCE_PROD"  # of many: eight bits do not
    return _op(code, shape, name, axes, integers=holds, keepDims=keep)


def _pieces(shape: tuple[int, ...], axis: int, count: int) -> Case:
    def drawing(draft: Draft) -> list[Value]:
        return draft.several("SPLIT", draft.constant(np.int32(axis)), draft.input(shape), numSplits=count)

    return Case(f"rank{len(shape)}_split_axis{axis}_of_{_word(shape)}", "SPLIT", drawing, integers=True)


def _unpacked(shape: tuple[int, ...], axis: int) -> Case:
    def drawing(draft: Draft) -> list[Value]:
        return draft.several("UNPACK", draft.input(shape), axis=axis, num=shape[axis])

    return Case(f"rank{len(shape)}_unpack_axis{axis}_of_{_word(shape)}", "UNPACK", drawing, integers=True)


def _best(shape: tuple[int, ...], axis: int) -> Case:
    return _op("ARG_MAX", shape, f"axis{axis}", np.int32(axis), outputType=2)


def _inner_five(draft: Draft) -> Value:
    """Five axes between four and four: what a shuffle of channels or a norm in groups is written as."""
    x = draft.reshape(draft.input((1, 5, 7, 8)), 1, 5, 7, 2, 4)
    return draft.reshape(draft.op("TRANSPOSE", x, draft.constant((0, 1, 2, 4, 3))), 1, 5, 7, 8)


CASES = [
    _op("SOFTMAX", _VECTOR, "", beta=1.0),
    _op("SOFTMAX", (8,), "", beta=1.0),
    _op("CUMSUM", _VECTOR, "", np.int32(0), integers=False, exclusive=False, reverse=False),
    _op("ARG_MAX", (8,), "", np.int32(0), outputType=2),
    _op("REVERSE_V2", _VECTOR, "", (0,)),
    _joined(0, _VECTOR, (4,)),
    _reduced("SUM", _VECTOR, (0,)),
    _pair("ADD", _VECTOR, _VECTOR),
    _pair("MUL", _VECTOR, (1,)),
    _op("REVERSE_V2", _MATRIX, "rows", (0,)),
    _op("GATHER", _MATRIX, "columns", np.array([5, 0, 3], np.int32), axis=1, batchDims=0),
    _joined(0, _MATRIX, (2, 6)),
    _joined(1, _MATRIX, (9, 3)),
    *(_reduced(code, _MATRIX, (0,)) for code in ("MEAN", "REDUCE_MAX")),
    _best((9, 8), 0),
    _pieces(_MATRIX, 0, 3),
    _pair("MUL", _MATRIX, (9, 1), constant=True),
    _pair("ADD", _MATRIX, (6,)),
    *(_joined(axis, _ROWS, other) for axis, other in ((1, (1, 4, 6)), (2, (1, 9, 3)))),
    _op("TILE", _ROWS, "channels", (1, 1, 2)),
    _op("REVERSE_V2", _ROWS, "channels", (2,)),
    _op("MIRROR_PAD", _ROWS, "rows", [[0, 0], [2, 1], [0, 0]], mode=0),
    *(_reduced("SUM", _ROWS, axes) for axes in ((1,), (1, 2))),
    _reduced("MEAN", _ROWS, (1,), keep=False),
    _best((1, 9, 8), 2),
    _best((1, 9, 5), 1),
    _pieces(_ROWS, 2, 3),
    _unpacked((1, 3, 6), 1),
    *(_op("TRANSPOSE", _ROWS, "".join(map(str, axes)), axes) for axes in ((1, 0, 2), (2, 0, 1))),
    _op("CUMSUM", _STACK, "axis0", np.int32(0), integers=False, exclusive=False, reverse=False),
    _op("REVERSE_V2", _STACK, "stack", (0,)),
    _joined(0, _STACK, (2, 9, 6)),
    _reduced("MEAN", _STACK, (0,)),
    *(_op("TRANSPOSE", _STACK, "".join(map(str, axes)), axes) for axes in ((0, 2, 1), (2, 1, 0))),
    _pieces(_STACK, 0, 3),
    _pair("ADD", _STACK, (1, 9, 6)),
    _pair("ADD", _STACK, (3, 1, 6)),
    _pair("ADD", _STACK, (9, 6)),
    _pair("ADD", _STACK, (1, 9, 6), constant=True),
    _pair("MUL", (1, 9, 6), (3, 1, 1), constant=True),
    _pair("ADD", (1, 5, 1, 6), (7, 6)),
    _pair("MUL", (1, 1, 7, 1), (5, 1, 6)),
    _reduced("MEAN", _FIVE, (2, 4)),
    _pair("MUL", _FIVE, (1, 1, 1, 1, 6), constant=True),
    Case("rank5_between_rank_4", "TRANSPOSE", _inner_five, integers=True),
    _reduced("SUM", (1, 5, 7, 6), (0, 1, 2, 3), keep=False),
    *(_reduced(code, (1, 5, 7, 6), axes) for code in ("SUM", "REDUCE_PROD") for axes in ((1, 3), (1, 2, 3))),
    *(_reduced("MEAN", (1, 5, 7, 6), axes, keep=False) for axes in ((1,), (1, 3))),
]
