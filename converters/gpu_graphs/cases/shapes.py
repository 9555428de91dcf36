"""Operators that move numbers: slices, joins, padding, other orders of axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import MEASURED, Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)


def _word(shape: Any) -> str:
    return "x".join(str(side).replace("-", "minus") for side in shape)


def _reshape(shape: tuple[int, ...], to: tuple[int, ...]) -> Case:
    return Case(
        f"reshape_{_word(shape)}_to_{_word(to)}",
        "RESHAPE",
        lambda draft: draft.reshape(draft.input(shape), *to),
        integers=True,
    )


def _transpose(shape: tuple[int, ...], axes: tuple[int, ...]) -> Case:
    return Case(
        f"transpose_{_word(shape)}_by_{''.join(map(str, axes))}",
        "TRANSPOSE",
        lambda draft: draft.op("TRANSPOSE", draft.input(shape), draft.constant(axes)),
        integers=True,
    )


def _pad(shape: tuple[int, ...], widths: Any, value: float | None = None, source: str = MEASURED) -> Case:
    def drawing(draft: Draft) -> Value:
        if value is None:
            return draft.op("PAD", draft.input(shape), draft.constant(widths))
        return draft.op("PADV2", draft.input(shape), draft.constant(widths), draft.constant(value))

    axes = "".join(str(axis) for axis, pair in enumerate(widths) if any(pair))
    code = "PAD" if value is None else "PADV2"
    return Case(f"{code.lower()}_{_word(shape)}_axes{axes}", code, drawing, source, integers=True)


def _mirror(mode: int, channels: bool = False) -> Case:
    widths = [[0, 0], [1, 2], [3, 2], [1, 1] if channels else [0, 0]]
    word = ("reflect", "symmetric")[mode] + "_channels" * channels
    return Case(
        f"mirror_pad_{word}",
        "MIRROR_PAD",
        lambda draft: draft.op("MIRROR_PAD", draft.input(SHAPE), draft.constant(widths), mode=mode),
    )


def _concat(axis: int, sides: tuple[int, ...], constant: bool = False) -> Case:
    def drawing(draft: Draft) -> Value:
        shapes = [tuple(side if place == axis else each for place, each in enumerate(SHAPE)) for side in sides]
        parts = [draft.input(shape) for shape in shapes]
        return draft.op("CONCATENATION", *parts, *[draft.uniform(-1, 1, *shapes[0])] * constant, axis=axis)

    name = f"concat_axis{axis}_of_{'_'.join(map(str, sides))}{'_and_a_constant' if constant else ''}"
    return Case(name, "CONCATENATION", drawing, integers=True)


def _strided(name: str, begin: Any, end: Any, steps: Any, shape: tuple[int, ...] = SHAPE, **masks: int) -> Case:
    def drawing(draft: Draft) -> Value:
        ends = (draft.constant(values) for values in (begin, end, steps))
        return draft.op("STRIDED_SLICE", draft.input(shape), *ends, **masks)

    return Case(f"strided_slice_{name}", "STRIDED_SLICE", drawing, integers=True)


def _slice(name: str, begin: tuple[int, ...], size: tuple[int, ...]) -> Case:
    return Case(
        f"slice_{name}",
        "SLICE",
        lambda draft: draft.op("SLICE", draft.input(SHAPE), draft.constant(begin), draft.constant(size)),
        integers=True,
    )


def _halves(draft: Draft, channels: int = 8, pieces: int = 2) -> list[Value]:
    x = draft.input((1, 5, 7, channels))
    return draft.several("SPLIT", draft.constant(np.int32(3)), x, numSplits=pieces)


def _split_into(code: str, channels: int = 8) -> Case:
    """Both pieces of a SPLIT go straight into one operator."""
    return Case(
        f"split_of_{channels}_into_{code.lower()}", "SPLIT", lambda draft: draft.op(code, *_halves(draft, channels))
    )


def _split_reversed(draft: Draft) -> Value:
    return draft.op("CONCATENATION", *_halves(draft, 12, 3)[::-1], axis=3)


def _convolved_split_reversed(draft: Draft) -> Value:
    x = draft.conv(draft.input((1, 5, 7, 6)), 12)
    pieces = draft.several("SPLIT", draft.constant(np.int32(3)), x, numSplits=3)
    return draft.op("CONCATENATION", *pieces[::-1], axis=3)


def _split_in_order(draft: Draft) -> Value:
    return draft.op("CONCATENATION", *_halves(draft, 12, 3), axis=3)


def _convolved_split_in_order(draft: Draft) -> Value:
    x = draft.conv(draft.input((1, 5, 7, 6)), 12)
    return draft.op("CONCATENATION", *draft.several("SPLIT", draft.constant(np.int32(3)), x, numSplits=3), axis=3)


def _shape_at_runtime(draft: Draft) -> Value:
    """A size that only a run tells."""
    to = draft.input((3,), lambda random, sides: np.array((1, 35, 6)), "int32")
    return draft.op("RELU", draft.op("RESHAPE", draft.input(SHAPE), to))


def _split_alone(draft: Draft) -> list[Value]:
    return _halves(draft, 6, 2)


def _split_one_rectified(draft: Draft) -> Value:
    one, other = _halves(draft)
    return draft.op("ADD", draft.op("RELU", one), other)


def _split_gate(draft: Draft) -> Value:
    one, other = _halves(draft)
    return draft.op("MUL", one, draft.op("LOGISTIC", other))


def _sliced_instead(draft: Draft) -> Value:
    """What to write instead of SPLIT + ADD."""
    x = draft.input((1, 5, 7, 8))
    parts = [draft.op("SLICE", x, draft.constant((0, 0, 0, at)), draft.constant((1, 5, 7, 4))) for at in (0, 4)]
    return draft.op("ADD", *parts)


def _split_v(draft: Draft) -> list[Value]:
    sizes = draft.constant((1, 2, 3))
    return draft.several("SPLIT_V", draft.input(SHAPE), sizes, draft.constant(np.int32(3)), numSplits=3)


def _unpacked(code: str) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.op(code, *draft.several("UNPACK", draft.input((1, 2, 7, 6)), axis=1, num=2))

    return Case(f"unpack_into_{code.lower()}", "UNPACK", drawing)


def _pack(shape: tuple[int, ...], axis: int) -> Case:
    return Case(
        f"pack_{_word(shape)}_axis{axis}",
        "PACK",
        lambda draft: draft.op("PACK", draft.input(shape), draft.input(shape), axis=axis, valuesCount=2),
    )


def _tile(shape: tuple[int, ...], counts: tuple[int, ...]) -> Case:
    return Case(
        f"tile_{_word(shape)}_by_{_word(counts)}",
        "TILE",
        lambda draft: draft.op("TILE", draft.input(shape), draft.constant(counts)),
    )


def _broadcast(shape: tuple[int, ...], to: tuple[int, ...]) -> Case:
    return Case(
        f"broadcast_{_word(shape)}_to_{_word(to)}",
        "BROADCAST_TO",
        lambda draft: draft.op("BROADCAST_TO", draft.input(shape), draft.constant(to)),
        "LiteRT#9191",
    )


def _reverse(shape: tuple[int, ...], axis: int) -> Case:
    return Case(
        f"reverse_{_word(shape)}_axis{axis}",
        "REVERSE_V2",
        lambda draft: draft.op("REVERSE_V2", draft.input(shape), draft.constant((axis,))),
    )


CASES = [
    _reshape(SHAPE, (1, 35, 6)),
    _reshape(SHAPE, (1, 210)),
    _reshape(SHAPE, (35, 6)),
    _reshape(SHAPE, (1, 7, 5, 6)),
    _reshape((1, 12), (1, 2, 2, 3)),
    _reshape((1, 4, 6, 6), (1, 2, 2, 6, 6)),
    Case("reshape_at_runtime", "RESHAPE", _shape_at_runtime),
    _transpose(SHAPE, (0, 3, 1, 2)),
    _transpose(SHAPE, (0, 2, 1, 3)),
    _transpose(SHAPE, (0, 3, 2, 1)),
    _transpose((1, 9, 6), (0, 2, 1)),
    _transpose((9, 6), (1, 0)),
    _transpose((3, 5, 7, 6), (1, 0, 2, 3)),
    _transpose((1, 2, 2, 3, 4), (0, 1, 3, 2, 4)),
    _pad(SHAPE, [[0, 0], [1, 2], [3, 0], [0, 0]]),
    _pad(SHAPE, [[0, 0], [0, 0], [0, 0], [1, 2]]),
    _pad((1, 9, 6), [[0, 0], [1, 2], [0, 0]], source="LiteRT#9272"),
    _pad((1, 9, 6), [[0, 0], [0, 0], [1, 2]], source="LiteRT#9272"),
    _pad((3, 9, 6), [[1, 0], [1, 2], [0, 0]], source="LiteRT#9272"),
    _pad((9, 6), [[1, 2], [0, 0]]),
    _pad(SHAPE, [[0, 0], [1, 2], [3, 0], [0, 0]], -2.0),
    _pad(SHAPE, [[0, 0], [0, 0], [0, 0], [0, 2]], -2.0),
    _pad((1, 9, 6), [[0, 0], [1, 2], [0, 0]], -2.0, "LiteRT#9272"),
    _mirror(0),
    _mirror(0, channels=True),
    _mirror(1),
    _concat(3, (3, 5)),
    _concat(3, (4, 4, 1)),
    _concat(1, (2, 3)),
    _concat(2, (1, 6)),
    _concat(3, (3,), constant=True),
    _strided("box", (0, 1, 2, 1), (1, 4, 7, 5), (1, 1, 1, 1)),
    _strided("every_second", (0, 0, 1, 0), (1, 5, 7, 6), (1, 2, 2, 1)),
    _strided("every_second_channel", (0, 0, 0, 1), (1, 5, 7, 6), (1, 1, 1, 2)),
    _strided("backwards", (0, 4, 0, 0), (1, -6, 7, 6), (1, -1, 1, 1)),
    _strided("without_the_axis", (0, 2, 0, 0), (1, 3, 7, 6), (1, 1, 1, 1), shrinkAxisMask=2),
    _strided("of_rank_3", (0, 1, 1), (1, 8, 6), (1, 2, 1), (1, 9, 6)),
    _slice("box", (0, 1, 2, 1), (1, 3, 4, 4)),
    _slice("channels", (0, 0, 0, 3), (1, 5, 7, 3)),
    *(_split_into(code) for code in ("ADD", "SUB", "MUL", "MAXIMUM")),
    _split_into("ADD", 6),
    Case("split_in_order", "SPLIT", _split_in_order),
    Case("split_reversed", "SPLIT", _split_reversed),
    Case("convolved_split_reversed", "SPLIT", _convolved_split_reversed),
    Case("convolved_split_in_order", "SPLIT", _convolved_split_in_order),
    Case("split_alone", "SPLIT", _split_alone, integers=True),
    Case("split_one_rectified_into_add", "SPLIT", _split_one_rectified),
    Case("split_gate", "SPLIT", _split_gate),
    Case("slices_into_add", "SLICE", _sliced_instead),
    Case("split_by_sizes", "SPLIT_V", _split_v),
    *map(_unpacked, ("ADD", "MUL")),
    _pack((1, 7, 6), 1),
    _pack((7, 6), 0),
    _pack(SHAPE, 4),
    _tile(SHAPE, (1, 2, 3, 1)),
    _tile(SHAPE, (1, 1, 1, 2)),
    _tile((1, 1, 1, 6), (1, 5, 7, 1)),
    _broadcast((1, 1, 1, 6), SHAPE),
    _broadcast((1, 6), (5, 6)),
    *(_reverse(SHAPE, axis) for axis in (1, 2, 3)),
    _reverse((1, 5, 7, 5), 3),
    _reverse((1, 5, 7, 3), 3),
    _reverse((1, 5, 7, 8), 3),
    Case("expand_dims", "EXPAND_DIMS", lambda draft: draft.op(
        "EXPAND_DIMS", draft.input((1, 7, 6)), draft.constant(np.int32(1)))),
    Case("squeeze", "SQUEEZE", lambda draft: draft.op("SQUEEZE", draft.input((1, 1, 7, 6)), squeezeDims=[1])),
]  # fmt: skip
