"""Graphs of several operators: blocks of networks, and what to write instead of operators that are refused or wrong."""

from __future__ import annotations

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)


def _number(draft: Draft, value: float, rank: int = 4) -> Value:
    return draft.constant(np.full((1,) * rank, float(value)))


def _mean(draft: Draft, x: Value, *axes: int) -> Value:
    return draft.op("MEAN", x, draft.constant(axes), keepDims=True)


def _squeeze_and_excite(draft: Draft) -> Value:
    x = draft.conv(draft.input(SHAPE), 6)
    return draft.op("MUL", x, draft.op("LOGISTIC", draft.conv(_mean(draft, x, 1, 2), 6, 1)))


def _inverted_residual(draft: Draft) -> Value:
    x = draft.input(SHAPE)
    wide = draft.conv(x, 12, 1, fusedActivationFunction=3)
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 1, "padding": 0}
    kernel = draft.uniform(-0.6, 0.6, 1, 3, 3, 12)
    deep = draft.op("DEPTHWISE_CONV_2D", wide, kernel, draft.uniform(-0.5, 0.5, 12), fusedActivationFunction=3, **options)
    return draft.op("ADD", x, draft.conv(deep, 6, 1))


def _group_normalization(draft: Draft) -> Value:
    """Within four axes: pixels, groups, channels of a group."""
    x = draft.reshape(draft.input((1, 5, 7, 8)), 1, 35, 2, 4)
    mean = _mean(draft, x, 1, 3)
    variance = _mean(draft, draft.op("SQUARED_DIFFERENCE", x, mean), 1, 3)
    root = draft.op("RSQRT", draft.op("ADD", variance, _number(draft, 1e-3)))
    return draft.reshape(draft.op("MUL", draft.op("SUB", x, mean), root), 1, 5, 7, 8)


def _channel_shuffle(draft: Draft) -> Value:
    x = draft.reshape(draft.input((1, 5, 7, 8)), 1, 35, 2, 4)
    return draft.reshape(draft.op("TRANSPOSE", x, draft.constant((0, 1, 3, 2))), 1, 5, 7, 8)


def _maximum_mask(draft: Draft) -> Value:
    x = draft.input(SHAPE)
    best = draft.op("REDUCE_MAX", x, draft.constant((3,)), keepDims=True)
    return draft.cast(draft.op("GREATER_EQUAL", x, best), "float32")


def _heatmap_peaks(draft: Draft) -> Value:
    x = draft.op("LOGISTIC", draft.input((1, 11, 13, 3)))
    sides = {"filterHeight": 3, "filterWidth": 3, "strideH": 1, "strideW": 1, "padding": 0}
    highest = draft.op("GREATER_EQUAL", x, draft.op("MAX_POOL_2D", x, **sides))
    return draft.op("MUL", x, draft.cast(highest, "float32"))


def _class_of_first_largest(draft: Draft) -> Value:
    """The index of the maximum by a mask and the smallest index: right for any number of classes."""
    x = draft.input((1, 5, 7, 5), lambda random, shape: random.uniform(-3, -0.1, shape))
    axes = draft.constant((3,))
    best = draft.op("REDUCE_MAX", x, axes, keepDims=True)
    below = draft.cast(draft.op("LESS", x, best), "float32")
    places = draft.constant(np.arange(5.0).reshape(1, 1, 1, 5))
    far = draft.op("ADD", draft.op("MUL", below, _number(draft, 9.0)), places)
    return draft.op("REDUCE_MIN", far, axes, keepDims=True)


def _softplus_of_the_magnitude(draft: Draft) -> Value:
    """relu(x) + log(1 + exp(−|x|)): finite everywhere."""
    x = draft.input(SHAPE, lambda random, shape: random.uniform(-100, 100, shape))
    small = draft.op("EXP", draft.op("NEG", draft.op("ABS", x)))
    return draft.op("ADD", draft.op("RELU", x), draft.op("LOG", draft.op("ADD", small, _number(draft, 1.0))))


def _symmetric_by_gather(draft: Draft) -> Value:
    x = draft.input(SHAPE)
    rows = draft.op("GATHER", x, draft.constant(np.array([0, 0, 1, 2, 3, 4, 4, 3])), axis=1, batchDims=0)
    return draft.op("GATHER", rows, draft.constant(np.array([1, 0, 0, 1, 2, 3, 4, 5, 6, 6])), axis=2, batchDims=0)


def _reversed_by_gather(draft: Draft) -> Value:
    return draft.op("GATHER", draft.input(SHAPE), draft.constant(np.arange(5, -1, -1)), axis=3, batchDims=0)


def _stretched_by_blocks(draft: Draft) -> Value:
    """A transposed convolution by 3 as a convolution of 2×2 and DEPTH_TO_SPACE."""
    x = draft.input((1, 5, 7, 6))
    widths = draft.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    blocks = draft.conv(draft.op("PAD", x, widths), 5 * 9, 2, padding=1)
    large = draft.op("DEPTH_TO_SPACE", blocks, blockSize=3)
    return draft.op("SLICE", large, draft.constant((0, 1, 1, 0)), draft.constant((1, 15, 21, 5)))


def _tiled_product(draft: Draft) -> Value:
    """A matrix for every row of a batch: repeated first."""
    right = draft.op("TILE", draft.input((1, 1, 6, 5)), draft.constant((1, 5, 1, 1)))
    return draft.op("BATCH_MATMUL", draft.input(SHAPE), right)


def _warp(draft: Draft) -> Value:
    """A map sampled between its pixels, at places that the graph is given: four taps by GATHER."""
    height, width = 9, 11
    x = draft.reshape(draft.input((1, height, width, 6)), 1, height * width, 6)
    places = [
        draft.input((1, 40, 1), lambda random, shape, top=side - 1.01: random.uniform(0, top, shape))
        for side in (height, width)
    ]
    lows = [draft.op("FLOOR", place) for place in places]
    shares = [draft.op("SUB", place, low) for place, low in zip(places, lows, strict=True)]
    result = None
    for down in (0, 1):
        for right in (0, 1):
            row = draft.op("MUL", draft.op("ADD", lows[0], _number(draft, down, 3)), _number(draft, width, 3))
            column = draft.op("ADD", lows[1], _number(draft, right, 3))
            index = draft.reshape(draft.cast(draft.op("ADD", row, column), "int32"), 40)
            taken = draft.op("GATHER", x, index, axis=1, batchDims=0)
            for share, far in zip(shares, (down, right), strict=True):
                weight = share if far else draft.op("SUB", _number(draft, 1.0, 3), share)
                taken = draft.op("MUL", taken, weight)
            result = taken if result is None else draft.op("ADD", result, taken)
    return result


def _lstm_step(draft: Draft) -> list[Value]:
    """One step, its state in and out."""
    x, hidden, cell = draft.input((1, 6)), draft.input((1, 8)), draft.input((1, 8))
    joined = draft.op("CONCATENATION", x, hidden, axis=1)
    gates = draft.op("FULLY_CONNECTED", joined, draft.weights(32, 14), draft.uniform(-0.5, 0.5, 32))
    parts = [draft.op("SLICE", gates, draft.constant((0, at)), draft.constant((1, 8))) for at in (0, 8, 16, 24)]
    write, forget, out = (draft.op("LOGISTIC", parts[place]) for place in (0, 1, 3))
    cell = draft.op("ADD", draft.op("MUL", forget, cell), draft.op("MUL", write, draft.op("TANH", parts[2])))
    return [draft.op("MUL", out, draft.op("TANH", cell)), cell]


def _correlation(draft: Draft) -> Value:
    """Every pixel against its neighbours in another map: PAD, SLICE, MUL, MEAN."""
    one, other = draft.input(SHAPE), draft.input(SHAPE)
    padded = draft.op("PAD", other, draft.constant([[0, 0], [1, 1], [1, 1], [0, 0]]))
    scores = []
    for down in range(3):
        for right in range(3):
            moved = draft.op("SLICE", padded, draft.constant((0, down, right, 0)), draft.constant(SHAPE))
            scores.append(_mean(draft, draft.op("MUL", one, moved), 3))
    return draft.op("CONCATENATION", *scores, axis=3)


_WINDOW = {"filterHeight": 3, "filterWidth": 3, "strideH": 2, "strideW": 2, "padding": 1}


def _border_before(code: str, value: float | None) -> Case:
    """A border of its own before what has a padding too, which is another one's: zeros that count, a value that is not 0."""

    def drawing(draft: Draft) -> Value:
        x = draft.input((1, 7, 9, 6), lambda random, shape: random.uniform(-3, -1, shape))
        widths = draft.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
        if value is not None:
            return draft.conv(draft.op("PADV2", x, widths, draft.constant(value)), 5, padding=1)
        return draft.op(code, draft.op("PAD", x, widths), **_WINDOW)

    return Case(f"border_before_{code.lower()}", code, drawing, integers=value is None)


CASES = [
    _border_before("AVERAGE_POOL_2D", None),
    _border_before("MAX_POOL_2D", None),
    _border_before("CONV_2D", 2.0),
    Case("squeeze_and_excite", "MUL", _squeeze_and_excite, integers=True),
    Case("inverted_residual", "DEPTHWISE_CONV_2D", _inverted_residual, integers=True),
    Case("group_normalization", "MEAN", _group_normalization),
    Case("channel_shuffle", "TRANSPOSE", _channel_shuffle, integers=True),
    Case("maximum_mask", "GREATER_EQUAL", _maximum_mask),
    Case("heatmap_peaks", "MAX_POOL_2D", _heatmap_peaks),
    Case("class_of_first_largest", "REDUCE_MIN", _class_of_first_largest),
    Case("softplus_of_the_magnitude", "LOG", _softplus_of_the_magnitude),
    Case("symmetric_padding_by_gather", "GATHER", _symmetric_by_gather),
    Case("reversed_by_gather", "GATHER", _reversed_by_gather),
    Case("stretched_by_blocks", "DEPTH_TO_SPACE", _stretched_by_blocks, integers=True),
    Case("matmul_tiled", "BATCH_MATMUL", _tiled_product),
    Case("warp", "GATHER", _warp),
    Case("lstm_step", "FULLY_CONNECTED", _lstm_step, integers=True),
    Case("correlation", "MEAN", _correlation),
]
