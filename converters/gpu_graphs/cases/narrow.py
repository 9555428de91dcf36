"""Narrow maps: one to five channels, of which the accelerator computes four at a time, and sides of one pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

_WINDOW = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": 0}
_SIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
Ending = Callable[[Draft, Value], Value | list[Value]]


def _op(code: str, *constants: Any, **options: Any) -> Ending:
    return lambda draft, x: draft.op(code, x, *map(draft.constant, constants), **options)


def _over(name: str, code: str, ending: Ending, shapes: Iterable[tuple[int, ...]], integers: bool = True) -> list[Case]:
    return [
        Case(
            f"narrow_{name}_{'x'.join(map(str, shape))}",
            code,
            lambda draft, shape=shape: ending(draft, draft.input(shape)),
            integers=integers,
        )
        for shape in shapes
    ]


def _depthwise(draft: Draft, x: Value) -> Value:
    channels = x.shape[-1]
    kernel, bias = draft.uniform(-0.6, 0.6, 1, 3, 3, channels), draft.uniform(-0.5, 0.5, channels)
    return draft.op("DEPTHWISE_CONV_2D", x, kernel, bias, depthMultiplier=1, **_SIDES)


def _transposed(draft: Draft, x: Value) -> Value:
    sides = draft.constant([1, 2 * x.shape[1], 2 * x.shape[2], 3])
    return draft.op("TRANSPOSE_CONV", sides, draft.weights(3, 4, 4, x.shape[-1]), x, padding=0, strideH=2, strideW=2)


def _joined(draft: Draft, x: Value) -> Value:
    """Pieces that begin in the middle of four channels."""
    return draft.op("CONCATENATION", x, draft.input((*x.shape[:-1], 1)), draft.input(x.shape), axis=3)


def _cut(draft: Draft, x: Value) -> Value:
    return draft.op("SLICE", x, draft.constant((0, 0, 0, 1)), draft.constant((*x.shape[:-1], x.shape[-1] - 1)))


def _channels_apart(draft: Draft, x: Value) -> list[Value]:
    return draft.several("SPLIT", draft.constant(np.int32(3)), x, numSplits=x.shape[-1])


def _gated(draft: Draft, x: Value) -> Value:
    return draft.op("MUL", x, draft.op("LOGISTIC", draft.input((*x.shape[:-1], 1))))


_CHANNELS = [(1, 5, 7, channels) for channels in (1, 3)]
_WIDE = _CHANNELS[1:]
_POINTS = [(1, 1, 1, 6), (1, 5, 1, 6)]

CASES = [
    *_over("softmax", "SOFTMAX", _op("SOFTMAX", beta=1.0), _WIDE),
    *_over("mean", "MEAN", _op("MEAN", (3,), keepDims=True), _CHANNELS),
    *_over("min", "REDUCE_MIN", _op("REDUCE_MIN", (3,), keepDims=True), _WIDE),
    *_over("max_of_map", "REDUCE_MAX", _op("REDUCE_MAX", (1, 2, 3), keepDims=True), _CHANNELS),
    *_over("depthwise", "DEPTHWISE_CONV_2D", _depthwise, _WIDE),
    *_over("conv", "CONV_2D", lambda draft, x: draft.conv(x, 3), _POINTS),
    *_over("transposed", "TRANSPOSE_CONV", _transposed, [*_WIDE, *_POINTS[:1]]),
    *_over("max_pool", "MAX_POOL_2D", _op("MAX_POOL_2D", **_WINDOW), _POINTS),
    *_over("joined", "CONCATENATION", _joined, _CHANNELS),
    *_over("cut", "SLICE", _cut, _WIDE),
    *_over("channels_apart", "SPLIT", _channels_apart, _WIDE),
    *_over("tiled", "TILE", _op("TILE", (1, 1, 1, 3)), _WIDE),
    *_over("mirrored", "MIRROR_PAD", _op("MIRROR_PAD", [[0, 0], [4, 1], [2, 6], [0, 0]], mode=0), _WIDE),
    *_over("gated", "MUL", _gated, _WIDE),
    *_over("blocks", "SPACE_TO_DEPTH", _op("SPACE_TO_DEPTH", blockSize=2), [(1, 4, 6, 1)]),
    *_over("arg_max_along", "ARG_MAX", _op("ARG_MAX", np.int32(1), outputType=2), _WIDE, integers=False),
]
