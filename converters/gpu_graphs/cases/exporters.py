"""Forms in which exporters write what networks of this zoo compute: powers, shared slopes, bare indices, open ends, masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)


def _below_zero_too(draft: Draft) -> Value:
    return draft.input(SHAPE, lambda random, shape: random.uniform(-3, 3, shape))


def _cubed(name: str, shape: tuple[int, ...]) -> Case:
    """x³, of values of both signs, as GELU's approximation has it."""
    return Case(
        f"pow_by_3_of_{name}", "POW", lambda draft: draft.op("POW", _below_zero_too(draft), draft.constant(np.full(shape, 3.0)))
    )


def _power_of_two(draft: Draft) -> Value:
    whole = draft.op("ROUND", draft.input(SHAPE, lambda random, shape: random.uniform(1, 4, shape)))
    return draft.op("POW", _below_zero_too(draft), whole)


def _power_of_a_number(draft: Draft) -> Value:
    return draft.op("POW", draft.constant(np.full((1, 1, 1, 1), -2.0)), draft.op("ROUND", _below_zero_too(draft)))


def _power_of_what_is_positive(draft: Draft) -> Value:
    exponents = draft.constant(np.array([1.0, 2, 3, 1, 0.5, 3]).reshape(1, 1, 1, 6))
    return draft.op("POW", draft.op("RELU", _below_zero_too(draft)), exponents)


def _slopes(name: str, shape: tuple[int, ...]) -> Case:
    return Case(
        f"prelu_of_{name}",
        "PRELU",
        lambda draft: draft.op("PRELU", draft.input(SHAPE), draft.uniform(0.1, 0.5, *shape)),
        integers=True,
    )


def _bare_index(draft: Draft) -> Value:
    return draft.op("GATHER", draft.input((1, 9, 6)), draft.constant(np.int32(4)), axis=1, batchDims=0)


def _masked(draft: Draft) -> Value:
    """Attention that looks back alone: what is ahead has −1e9 added."""
    ahead = draft.constant(np.triu(np.full((1, 1, 9, 9), -1e9), 1))
    return draft.op("SOFTMAX", draft.op("ADD", draft.input((1, 3, 9, 9)), ahead), beta=1.0)


def _from_one_pixel(code: str) -> Case:
    """What pyramids of pools do with the mean of the whole map."""
    return Case(
        f"{code.split('_')[1].lower()}_from_1x1",
        code,
        lambda draft: draft.op(code, draft.input((1, 1, 1, 6)), draft.constant((5, 7)), halfPixelCenters=True),
        integers=True,
    )


def _open_ends(name: str, begin: tuple[int, ...], end: tuple[int, ...], **masks: int) -> Case:
    def drawing(draft: Draft) -> Value:
        ends = (draft.constant(values) for values in (begin, end, (1, 1, 1, 1)))
        return draft.op("STRIDED_SLICE", draft.input(SHAPE), *ends, **masks)

    return Case(f"strided_slice_of_{name}", "STRIDED_SLICE", drawing, integers=True)


def _slice_to_the_end(draft: Draft) -> Value:
    return draft.op("SLICE", draft.input(SHAPE), draft.constant((0, 1, 0, 2)), draft.constant((-1, -1, -1, -1)))


def _stretched(code: str, low: float, high: float, **options: Any) -> Case:
    """Values so large that a formula by exp overflows, and the function does not."""
    return Case(
        f"{code.lower()}_of_{high:g}",
        code,
        lambda draft: draft.op(code, draft.input(SHAPE, lambda random, shape: random.uniform(low, high, shape)), **options),
    )


def _multiplied(channels: int, multiplier: int) -> Case:
    def drawing(draft: Draft) -> Value:
        kernel, bias = draft.uniform(-0.6, 0.6, 1, 3, 3, channels * multiplier), draft.uniform(-0.5, 0.5, channels * multiplier)
        sides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
        x = draft.input((1, 9, 7, channels))
        return draft.op("DEPTHWISE_CONV_2D", x, kernel, bias, depthMultiplier=multiplier, **sides)

    return Case(f"depthwise_of_{channels}_times_{multiplier}", "DEPTHWISE_CONV_2D", drawing, integers=True)


CASES = [
    _cubed("one_number", (1, 1, 1, 1)),
    _cubed("channels", (1, 1, 1, 6)),
    _cubed("pixels", SHAPE),
    Case("pow_of_both_signs", "POW", _power_of_two),
    Case("pow_of_a_number", "POW", _power_of_a_number),
    Case("pow_behind_relu", "POW", _power_of_what_is_positive),
    _slopes("one_slope", (1, 1, 1)),
    _slopes("rows", (5, 1, 1)),
    Case("gather_of_a_bare_index", "GATHER", _bare_index),
    Case("softmax_with_a_factor", "SOFTMAX", lambda draft: draft.op("SOFTMAX", draft.input(SHAPE), beta=2.0)),
    Case("softmax_of_what_is_masked", "SOFTMAX", _masked),
    _from_one_pixel("RESIZE_BILINEAR"),
    _from_one_pixel("RESIZE_NEAREST_NEIGHBOR"),
    _open_ends("the_last_rows", (0, -3, 0, 0), (0, 0, 0, 0), beginMask=13, endMask=15),
    _open_ends("all_but_the_last", (0, 0, 0, 0), (0, -1, -1, 0), beginMask=15, endMask=9),
    Case("slice_to_the_end", "SLICE", _slice_to_the_end, integers=True),
    _stretched("TANH", -300, 300),
    _stretched("LOGISTIC", -300, 300),
    _stretched("GELU", -100, 100),
    _multiplied(1, 8),
    _multiplied(3, 2),
]
