"""Batches: what is done to one picture is done to each of two, and what lies along the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (2, 5, 7, 6)
_SIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
_WINDOW = {"filterHeight": 3, "filterWidth": 3, "strideH": 2, "strideW": 2, "padding": 0}
Ending = Callable[[Draft, Value], Value | list[Value]]


def _of_two(name: str, code: str, ending: Ending, shape: tuple[int, ...] = SHAPE, integers: bool = True) -> Case:
    return Case(f"batch_{name}", code, lambda draft: ending(draft, draft.input(shape)), integers=integers)


def _reduced(code: str, axes: tuple[int, ...], shape: tuple[int, ...] = SHAPE) -> Case:
    letters = "".join("nhwc"[axis] for axis in axes)
    return _of_two(
        f"{code.lower()}_over_{letters}", code, lambda draft, x: draft.op(code, x, draft.constant(axes), keepDims=True), shape
    )


def _met(code: str, other: tuple[int, ...], constant: bool = False, shape: tuple[int, ...] = SHAPE) -> Case:
    def drawing(draft: Draft, x: Value) -> Value:
        return draft.op(code, x, draft.uniform(-1, 1, *other) if constant else draft.input(other))

    word = f"{code.lower()}_of_{_word(shape)}_and_{'constant_' * constant}{_word(other)}"
    return _of_two(word, code, drawing, shape)


def _word(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _moved(name: str, code: str, *constants: Any, shape: tuple[int, ...] = SHAPE, **options: Any) -> Case:
    """An operator of one input and constants behind it."""
    return _of_two(
        f"{code.lower()}_{name}", code, lambda draft, x: draft.op(code, x, *map(draft.constant, constants), **options), shape
    )


def _depthwise(draft: Draft, x: Value) -> Value:
    kernel, bias = draft.uniform(-0.6, 0.6, 1, 3, 3, 6), draft.uniform(-0.5, 0.5, 6)
    return draft.op("DEPTHWISE_CONV_2D", x, kernel, bias, depthMultiplier=1, **_SIDES)


def _transposed(draft: Draft, x: Value) -> Value:
    sides = draft.constant([2, 10, 14, 5])
    return draft.op("TRANSPOSE_CONV", sides, draft.weights(5, 4, 4, 6), x, padding=0, strideH=2, strideW=2)


def _excited(draft: Draft, x: Value) -> Value:
    pooled = draft.op("MEAN", x, draft.constant((1, 2)), keepDims=True)
    return draft.op("MUL", x, draft.op("LOGISTIC", draft.conv(pooled, 6, 1)))


def _classes(draft: Draft, x: Value) -> Value:
    return draft.op("ARG_MAX", x, draft.constant(np.int32(3)), outputType=2)


def _joined(axis: int) -> Case:
    def drawing(draft: Draft, x: Value) -> Value:
        return draft.op("CONCATENATION", x, draft.input(SHAPE), axis=axis)

    return _of_two(f"concatenation_axis{axis}", "CONCATENATION", drawing)


def _pieces(draft: Draft, x: Value) -> list[Value]:
    return draft.several("SPLIT", draft.constant(np.int32(0)), x, numSplits=2)


def _unpacked(draft: Draft, x: Value) -> list[Value]:
    return draft.several("UNPACK", x, axis=0, num=2)


def _product(name: str, one: tuple[int, ...], other: tuple[int, ...]) -> Case:
    return _of_two(name, "BATCH_MATMUL", lambda draft, x: draft.op("BATCH_MATMUL", x, draft.input(other)), one)


def _chosen(draft: Draft, x: Value) -> Value:
    truth = draft.op("GREATER", draft.input((2, 5, 7, 1)), draft.constant(np.zeros((1, 1, 1, 1))))
    return draft.op("SELECT_V2", truth, x, draft.input(SHAPE))


CASES = [
    _of_two("softmax", "SOFTMAX", lambda draft, x: draft.op("SOFTMAX", x, beta=1.0)),
    _of_two("depthwise", "DEPTHWISE_CONV_2D", _depthwise),
    _of_two("transposed", "TRANSPOSE_CONV", _transposed),
    _of_two("max_pool", "MAX_POOL_2D", lambda draft, x: draft.op("MAX_POOL_2D", x, **_WINDOW)),
    _moved("to_9x15", "RESIZE_BILINEAR", (9, 15), halfPixelCenters=True),
    *(_reduced("MEAN", axes) for axes in ((1, 2), (0,))),
    *(_reduced("REDUCE_MAX", axes) for axes in ((1, 2), (0,))),
    _of_two("arg_max_of_8", "ARG_MAX", _classes, (2, 5, 7, 8)),
    *map(_joined, (0, 3)),
    _moved("sides", "PAD", [[0, 0], [1, 2], [3, 0], [0, 0]]),
    _moved("along_the_batch", "PAD", [[1, 2], [0, 0], [0, 0], [0, 0]]),
    _moved("sides", "MIRROR_PAD", [[0, 0], [1, 2], [3, 2], [0, 0]], mode=0),
    _moved("last_of_the_batch", "SLICE", (1, 0, 0, 0), (1, 5, 7, 6)),
    _moved("every_second_of_the_batch", "STRIDED_SLICE", (0, 0, 0, 0), (4, 5, 7, 6), (2, 1, 1, 1), shape=(4, 5, 7, 6)),
    _of_two("split", "SPLIT", _pieces),
    _of_two("unpack", "UNPACK", _unpacked),
    _moved("one_to_a_batch", "TILE", (2, 1, 1, 1), shape=(1, 5, 7, 6)),
    *(_met("ADD", other) for other in ((1, 5, 7, 6), (2, 1, 1, 6))),
    *(_met("ADD", other, constant=True) for other in ((6,), (1, 5, 7, 6), (2, 5, 7, 6), (2, 1, 1, 6))),
    _met("MUL", (2, 1, 1, 6)),
    _met("MUL", (2, 5, 7, 6), shape=(1, 5, 7, 6)),
    _met("MUL", (2, 1, 1, 6), constant=True, shape=(1, 5, 7, 6)),
    _met("ADD", (3, 5, 7, 6), constant=True, shape=(1, 5, 7, 6)),
    _of_two("squeeze_and_excite", "MUL", _excited),
    _product("matmul_of_2x3", (2, 3, 9, 6), (2, 3, 6, 5)),
    _moved("rows", "GATHER", np.array([4, 0, 2], np.int32), axis=1, batchDims=0),
    _moved("of_the_batch", "GATHER", np.array([1, 0, 1], np.int32), axis=0, batchDims=0),
    _of_two(
        "cumsum_rows",
        "CUMSUM",
        lambda draft, x: draft.op("CUMSUM", x, draft.constant(np.int32(1)), exclusive=False, reverse=False),
        (2, 9, 6),
        integers=False,
    ),
    _moved("of_channels", "PRELU", np.linspace(0.1, 0.5, 6).reshape(1, 1, 6)),
    *(_moved("".join(map(str, axes)), "TRANSPOSE", axes) for axes in ((0, 3, 1, 2), (1, 2, 0, 3))),
    *(
        _moved(f"to_{_word(shape)}", "RESHAPE", shape, newShape=list(shape))
        for shape in ((2, 35, 6), (1, 70, 6), (2, 210), (1, 10, 7, 6))
    ),
    _moved("the_batch", "REVERSE_V2", (0,), shape=(3, 5, 7, 6)),
    _of_two("select_by_pixel", "SELECT_V2", _chosen, integers=False),
]
