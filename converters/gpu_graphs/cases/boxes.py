"""Boxes cut out of maps and written into them: steps, masks and ends of every sort, borders, and kernels that are decoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value
from converters.tflite.writer.graph import KERNELS, Quantization

SHAPE = (1, 5, 7, 6)
_ALL = (1, 1, 1, 1)


def _strided(name: str, begin: Any, end: Any, steps: Any = _ALL, shape: tuple[int, ...] = SHAPE, **masks: int) -> Case:
    def drawing(draft: Draft) -> Value:
        ends = (draft.constant(values) for values in (begin, end, steps))
        return draft.op("STRIDED_SLICE", draft.input(shape), *ends, **masks)

    return Case(f"box_{name}", "STRIDED_SLICE", drawing, integers=True)


def _moved(
    name: str, code: str, *constants: Any, shape: tuple[int, ...] = SHAPE, integers: bool = True, **options: Any
) -> Case:
    return Case(
        f"box_{name}",
        code,
        lambda draft: draft.op(code, draft.input(shape), *map(draft.constant, constants), **options),
        integers=integers,
    )


def _written(name: str, place: tuple[int, ...], update: tuple[int, ...], shape: tuple[int, ...] = SHAPE) -> Case:
    """A box written at a place that is given when it runs."""

    def drawing(draft: Draft) -> Value:
        start = draft.input((len(place),), lambda random, sides: np.array(place), "int32")
        return draft.op("DYNAMIC_UPDATE_SLICE", draft.input(shape), draft.input(update), start)

    return Case(f"box_written_{name}", "DYNAMIC_UPDATE_SLICE", drawing)


def _chosen(name: str, condition: tuple[int, ...], code: str = "SELECT_V2") -> Case:
    def drawing(draft: Draft) -> Value:
        zero = draft.constant(np.zeros((1,) * len(condition)))
        truth = draft.op("GREATER", draft.input(condition), zero)
        return draft.op(code, truth, draft.input(SHAPE), draft.input(SHAPE))

    return Case(f"box_{code.lower()}_by_{name}", code, drawing)


def _numbers_chosen(draft: Draft) -> Value:
    truth = draft.op("GREATER", draft.input(SHAPE), draft.constant(np.zeros(_ALL)))
    return draft.op("SELECT_V2", truth, draft.constant(2.0), draft.constant(-1.0))


def _stored(draft: Draft, shape: tuple[int, ...], dtype: str, axis: int | None = None) -> Value:
    """Numbers in 16 or 8 bits, these with one scale for all of them, or one for each index of an axis."""
    numbers = draft.weights(*shape).samples[0]
    if dtype == "float16":
        return draft.constant(numbers.astype(np.float16), "float16")
    others = None if axis is None else tuple(place for place in range(len(shape)) if place != axis)
    scale = (np.abs(numbers).max(others, keepdims=True) / 127).astype(np.float32)
    kernel = draft.constant(np.rint(numbers / scale), "int8")
    kernel.tensor.quantization = Quantization(scale.ravel(), np.zeros(scale.size, np.int64), axis or 0)
    kernel.samples = [sample * scale for sample in kernel.samples]
    return kernel


def _decoded(draft: Draft, shape: tuple[int, ...], dtype: str, axis: int | None = None) -> Value:
    """A kernel that a DEQUANTIZE gives."""
    return draft.op("DEQUANTIZE", _stored(draft, shape, dtype, axis), dtype="float32")


def _behind_dequantize(code: str, dtype: str, by_channel: bool = False) -> Case:
    """A layer with such a kernel: how a file of 8-bit weights computes in float."""
    sides = {"strideH": 1, "strideW": 1, "padding": 0}
    axis = KERNELS[code].axis if by_channel else None

    def drawing(draft: Draft) -> Value:
        x = draft.input(SHAPE)
        if code == "TRANSPOSE_CONV":
            kernel = _decoded(draft, (5, 4, 4, 6), dtype, axis)
            return draft.op(code, draft.constant([1, 10, 14, 5]), kernel, x, padding=0, strideH=2, strideW=2)
        if code == "DEPTHWISE_CONV_2D":
            kernel, bias = _decoded(draft, (1, 3, 3, 6), dtype, axis), draft.uniform(-0.5, 0.5, 6)
            return draft.op(code, x, kernel, bias, depthMultiplier=1, dilationHFactor=1, dilationWFactor=1, **sides)
        if code == "FULLY_CONNECTED":
            kernel, bias = _decoded(draft, (5, 6), dtype, axis), draft.uniform(-0.5, 0.5, 5)
            return draft.op(code, x, kernel, bias, keepNumDims=True)
        kernel, bias = _decoded(draft, (5, 3, 3, 6), dtype, axis), draft.uniform(-0.5, 0.5, 5)
        return draft.op(code, x, kernel, bias, dilationHFactor=1, dilationWFactor=1, **sides)

    return Case(f"{code.lower()}_behind_dequantize_{dtype}{'_by_channel' * by_channel}", code, drawing)


def _gathered_and_decoded(draft: Draft) -> Value:
    """Rows of a table of 8 bits, decoded behind: what to write instead of the above."""
    rows = draft.input((7,), lambda random, shape: random.integers(0, 11, shape), "int32")
    table = _stored(draft, (11, 6), "int8")
    gathered = draft.op("GATHER", table, rows, axis=0, dtype="int8")
    gathered.tensor.quantization = table.tensor.quantization
    return draft.op("DEQUANTIZE", gathered, dtype="float32")


def _table_behind_dequantize(dtype: str) -> Case:
    def drawing(draft: Draft) -> Value:
        rows = draft.input((7,), lambda random, shape: random.integers(0, 11, shape), "int32")
        return draft.op("GATHER", _decoded(draft, (11, 6), dtype), rows, axis=0)

    return Case(f"gather_behind_dequantize_{dtype}", "GATHER", drawing)


_KERNELS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")

CASES = [
    _strided("of_every_third_channel", (0, 0, 0, 1), (1, 5, 7, 6), (1, 1, 1, 3)),
    _strided("from_behind", (0, -4, -3, -5), (1, -1, 7, -1)),
    _strided("beyond_the_end", (0, 1, 2, 0), (9, 99, 99, 99)),
    _strided("of_one_pixel", (0, 2, 3, 0), (1, 3, 4, 6)),
    _strided("of_channels_backwards", (0, 0, 0, 5), (1, 5, 7, -7), (1, 1, 1, -1)),
    _strided("without_the_batch", (0, 0, 0, 0), (1, 5, 7, 6), shrinkAxisMask=1),
    _strided("without_channels", (0, 0, 0, 2), (1, 5, 7, 3), shrinkAxisMask=8),
    _strided("of_two_without_rows", (0, 1), (1, 2), (1, 1), (9, 6), shrinkAxisMask=2),
    _strided("with_a_new_axis", (0, 0, 0, 0), (1, 0, 9, 6), shape=(1, 9, 6), newAxisMask=2),
    _strided("with_an_ellipsis", (0, 0, 1), (1, 0, 4), (1, 1, 1), ellipsisMask=2),
    _moved("of_five_channels", "SLICE", (0, 0, 0, 1), (1, 5, 7, 5)),
    _moved("mirrored_to_the_full", "MIRROR_PAD", [[0, 0], [4, 4], [6, 6], [0, 0]], mode=0),
    _moved("border_of_minus_infinity", "PADV2", [[0, 0], [1, 1], [1, 1], [0, 0]], np.float32(-1e30), integers=False),
    _moved("border_all_around", "PAD", [[0, 0], [1, 2], [3, 4], [1, 3]]),
    _moved("tiled_three_ways", "TILE", (1, 2, 3, 2)),
    _moved("turned_over_twice", "REVERSE_V2", (1, 2)),
    _moved("from_batches", "BATCH_TO_SPACE_ND", (2, 2), [[0, 1], [0, 1]], shape=(4, 3, 4, 6)),
    _written("beyond_the_end", (0, 4, 6, 0), (1, 2, 3, 6)),
    _written("of_channels", (0, 0, 0, 2), (1, 5, 7, 3)),
    _written("rows_of_rank_2", (3, 0), (2, 6), (9, 6)),
    _written("columns_of_rank_2", (0, 2), (9, 3), (9, 6)),
    _written("in_a_vector", (3,), (2,), (9,)),
    _written("rows_of_a_stack", (0, 3, 0), (3, 2, 6), (3, 9, 6)),
    _written("one_of_a_stack", (1, 0, 0), (1, 9, 6), (3, 9, 6)),
    _written("one_of_a_batch", (1, 0, 0, 0), (1, 5, 7, 6), (2, 5, 7, 6)),
    _chosen("row_of_channels", (1, 1, 1, 6)),
    _chosen("number", _ALL),
    _chosen("map", SHAPE, "SELECT"),
    Case("box_select_v2_of_numbers", "SELECT_V2", _numbers_chosen),
    *(_behind_dequantize(code, dtype) for code in _KERNELS for dtype in ("float16", "int8")
      if (code, dtype) != ("CONV_2D", "float16")),
    *(_behind_dequantize(code, "int8", by_channel=True) for code in (*_KERNELS, "FULLY_CONNECTED")),
    *map(_table_behind_dequantize, ("float16", "int8")),
    Case("gather_from_an_int8_table", "GATHER", _gathered_and_decoded),
]  # fmt: skip
