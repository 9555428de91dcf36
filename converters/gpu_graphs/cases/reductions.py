"""Operators that put an axis together: sums, extremes and their places, shares, norms, sums so far."""

from __future__ import annotations

import itertools

import numpy as np

from converters.gpu_graphs.case import MEASURED, Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)
_LETTERS = "nhwc"


def _reduce(code: str, axes: tuple[int, ...], shape: tuple[int, ...] = SHAPE, keep: bool = True) -> Case:
    def drawing(draft: Draft) -> Value:
        if code in ("REDUCE_ANY", "REDUCE_ALL"):
            signs = draft.op("GREATER", draft.input(shape), draft.constant(np.full((1,) * len(shape), -0.5)))
            return draft.cast(draft.op(code, signs, draft.constant(axes), dtype="bool", keepDims=keep), "float32")
        return draft.op(code, draft.input(shape), draft.constant(axes), keepDims=keep)

    letters = "".join(_LETTERS[axis] for axis in axes) if len(shape) == 4 else "axis" + "_".join(map(str, axes))
    name = f"{code.lower()}_of_{'x'.join(map(str, shape))}_over_{letters}{'' if keep else '_dropped'}"
    return Case(name, code, drawing, integers=code in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"))


def _argument(code: str, classes: int, low: float, high: float, axis: int = 3) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input((1, 5, 7, classes), lambda random, shape: random.uniform(low, high, shape))
        return draft.op(code, x, draft.constant(np.int32(axis)), outputType=2)

    signs = "negative" if high <= 0 else "positive" if low >= 0 else "mixed"
    return Case(f"{code.lower()}_of_{classes}_{signs}_axis{axis}", code, drawing, integers=code == "ARG_MAX" and axis == 3)


def _argument_behind(code: str, classes: int, **options: float) -> Case:
    """Scores that cannot be below zero, made by the graph itself: not by chance of the samples."""

    def drawing(draft: Draft) -> Value:
        x = draft.input((1, 5, 7, classes), lambda random, shape: random.uniform(-3, -0.1, shape))
        return draft.op("ARG_MAX", draft.op(code, x, **options), draft.constant(np.int32(3)), outputType=2)

    return Case(f"arg_max_of_{classes}_behind_{code.lower()}", "ARG_MAX", drawing)


def _argument_of_negated(draft: Draft) -> Value:
    x = draft.input((1, 5, 7, 5), lambda random, shape: random.uniform(0.1, 3, shape))
    return draft.op("ARG_MAX", draft.op("NEG", x), draft.constant(np.int32(3)), outputType=2)


def _padded_argument(draft: Draft) -> Value:
    """What to write instead: the scores padded to a multiple of 4 by what never wins."""
    x = draft.input((1, 5, 7, 5), lambda random, shape: random.uniform(-3, -0.1, shape))
    widths = draft.constant([[0, 0], [0, 0], [0, 0], [0, 3]])
    padded = draft.op("PADV2", x, widths, draft.constant(-6e4))
    return draft.op("ARG_MAX", padded, draft.constant(np.int32(3)), outputType=2)


def _top(rows: int, columns: int, k: int) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.several("TOPK_V2", draft.input((rows, columns)), draft.constant(np.int32(k)))[0]

    return Case(f"topk_{k}_of_{rows}x{columns}", "TOPK_V2", drawing)


def _cumsum(shape: tuple[int, ...], axis: int, exclusive: bool = False, reverse: bool = False) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.op("CUMSUM", draft.input(shape), draft.constant(np.int32(axis)), exclusive=exclusive, reverse=reverse)

    flags = "_exclusive" * exclusive + "_reverse" * reverse
    return Case(f"cumsum_of_{'x'.join(map(str, shape))}_axis{axis}{flags}", "CUMSUM", drawing)


def _softmax(shape: tuple[int, ...], spread: float = 1.0) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input(shape, lambda random, sides: spread * random.normal(size=sides))
        return draft.op("SOFTMAX", x, beta=1.0)

    wide = "" if spread == 1 else "_wide"
    return Case(f"softmax_of_{'x'.join(map(str, shape))}{wide}", "SOFTMAX", drawing, integers=True)


def _reduced_constant(code: str) -> Case:
    """A reduction of a constant, beside an input."""

    def drawing(draft: Draft) -> Value:
        total = draft.op(code, draft.uniform(-1, 1, *SHAPE), draft.constant((1, 2)), keepDims=True)
        return draft.op("ADD", draft.input(SHAPE), total)

    return Case(f"{code.lower()}_of_a_constant", code, drawing, "LiteRT#9192")


def _log_of_softmax(draft: Draft) -> Value:
    """What to write instead of LOG_SOFTMAX."""
    x = draft.input(SHAPE)
    axes = draft.constant((3,))
    least = draft.op("SUB", x, draft.op("REDUCE_MAX", x, axes, keepDims=True))
    total = draft.op("LOG", draft.op("SUM", draft.op("EXP", least), axes, keepDims=True))
    return draft.op("ADD", least, draft.op("NEG", total))


def _norm(code: str, **options: float) -> Case:
    return Case(code.lower(), code, lambda draft: draft.op(code, draft.input(SHAPE), **options), MEASURED,
                integers=code == "L2_NORMALIZATION")  # fmt: skip


def _written_norm(draft: Draft) -> Value:
    """What to write instead of L2_NORMALIZATION."""
    x = draft.input(SHAPE)
    total = draft.op("SUM", draft.op("MUL", x, x), draft.constant((3,)), keepDims=True)
    root = draft.op("SQRT", draft.op("ADD", total, draft.constant(np.full((1, 1, 1, 1), 1e-6))))
    return draft.op("DIV", x, root)


def _exclusive_written(draft: Draft) -> Value:
    """What to write instead of an exclusive CUMSUM."""
    x = draft.input((1, 9, 6))
    return draft.op("SUB", draft.op("CUMSUM", x, draft.constant(np.int32(1)), exclusive=False, reverse=False), x)


CASES = [
    *(
        _reduce(code, axes)
        for code, axes in itertools.product(
            ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), ((1, 2), (3,), (1,), (2,))
        )
    ),
    _reduce("MEAN", (1, 2, 3)),
    _reduce("MEAN", (1, 2), keep=False),
    _reduce("SUM", (3,), keep=False),
    _reduce("SUM", (0,), (3, 5, 7, 6)),
    _reduce("MEAN", (2,), (1, 9, 6)),
    _reduce("MEAN", (1,), (1, 9, 6)),
    _reduce("REDUCE_MAX", (1,), (3, 7)),
    _reduce("REDUCE_ANY", (3,)),
    _reduce("REDUCE_ALL", (1, 2)),
    *(_argument("ARG_MAX", classes, -3.0, -0.1) for classes in (3, 4, 5, 21)),
    *(_argument_behind(code, classes) for code in ("EXP", "LOGISTIC", "ABS") for classes in (5, 21)),
    _argument_behind("SOFTMAX", 5, beta=1.0),
    _argument("ARG_MAX", 1, -3.0, -0.1),
    _argument("ARG_MAX", 5, -3.0, 3.0),
    _argument("ARG_MAX", 8, -3.0, -0.1),
    _argument("ARG_MAX", 6, -3.0, -0.1, axis=1),
    _argument("ARG_MAX", 6, -3.0, -0.1, axis=2),
    _argument("ARG_MIN", 5, -3.0, 3.0),
    Case("argmax_of_the_negated", "ARG_MAX", _argument_of_negated),
    Case("argmax_padded_to_8", "ARG_MAX", _padded_argument),
    *itertools.starmap(_top, [(1, 10, 3), (4, 12, 3), (4, 10, 3), (1, 402, 5), (7, 6, 1)]),
    _cumsum((1, 9, 6), 1),
    _cumsum((1, 9, 6), 2),
    _cumsum((1, 9, 6), 1, exclusive=True),
    _cumsum((1, 9, 6), 1, reverse=True),
    _cumsum((1, 5, 7, 6), 3, reverse=True),
    _cumsum((9, 6), 0),
    _cumsum((9, 6), 1),
    Case("cumsum_exclusive_by_subtraction", "CUMSUM", _exclusive_written),
    _softmax(SHAPE),
    _softmax((1, 9, 13)),
    _softmax((5, 7)),
    _softmax((1, 7)),
    _softmax((1, 5, 7, 1)),
    _softmax((1, 5, 7, 5), 30.0),
    *(_reduced_constant(code) for code in ("SUM", "MEAN", "REDUCE_MAX")),
    _norm("LOG_SOFTMAX"),
    _norm("L2_NORMALIZATION"),
    _norm("LOCAL_RESPONSE_NORMALIZATION", radius=2, bias=1.0, alpha=0.5, beta=0.5),
    Case("log_of_softmax_by_hand", "LOG", _log_of_softmax),
    Case("l2_normalization_by_hand", "DIV", _written_norm),
]
