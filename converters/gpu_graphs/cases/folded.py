"""What an optimiser may put together, and what it must not: factors and terms around layers, borders, twins, ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 9, 7, 6)
RELU, RELU6 = 1, 3
_SIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
_BORDER = [[0, 0], [1, 1], [1, 1], [0, 0]]
Step = Callable[[Draft, Value], Value]


def _row(code: str) -> Step:
    """A constant for each channel."""
    return lambda draft, x: draft.op(code, x, draft.uniform(0.5, 2.0, 1, 1, 1, x.shape[-1]))


def _layer(kind: str, **options: Any) -> Step:
    def step(draft: Draft, x: Value) -> Value:
        if kind == "conv":
            return draft.conv(x, 5, **options)
        if kind == "depthwise":
            kernel = draft.uniform(-0.6, 0.6, 1, 3, 3, x.shape[-1])
            bias = draft.uniform(-0.5, 0.5, x.shape[-1])
            return draft.op("DEPTHWISE_CONV_2D", x, kernel, bias, depthMultiplier=1, **_SIDES | options)
        high, wide = (2 * side for side in x.shape[1:3])
        kernel, sides = draft.weights(5, 4, 4, x.shape[-1]), draft.constant([1, high, wide, 5])
        return draft.op("TRANSPOSE_CONV", sides, kernel, x, draft.uniform(-0.5, 0.5, 5), padding=0, strideH=2, strideW=2)

    return step


def _op(code: str, *constants: Any, **options: Any) -> Step:
    return lambda draft, x: draft.op(code, x, *map(draft.constant, constants), **options)


def _chain(name: str, code: str, *steps: Step, shape: tuple[int, ...] = SHAPE, integers: bool = True) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input(shape)
        for step in steps:
            x = step(draft, x)
        return x

    return Case(f"folded_{name}", code, drawing, integers=integers)


_CODES = {"conv": "CONV_2D", "depthwise": "DEPTHWISE_CONV_2D", "transposed": "TRANSPOSE_CONV"}


def _around(code: str, kind: str) -> list[Case]:
    """A row of channels before a layer, whose border it must not reach, and behind it, with an activation between or none."""
    name, operator = code.lower(), _CODES[kind]
    cases = [
        _chain(f"{name}_before_{kind}", operator, _row(code), _layer(kind)),
        _chain(f"{name}_behind_{kind}", operator, _layer(kind), _row(code)),
    ]
    if kind != "transposed":
        inside = _layer(kind, fusedActivationFunction=RELU6)
        cases.append(_chain(f"{name}_behind_{kind}_and_relu6", operator, inside, _row(code)))
    return cases


def _gated(draft: Draft) -> Value:
    """x · sigmoid(x) behind a layer, as SiLU is written."""
    x = draft.conv(draft.input(SHAPE), 5)
    return draft.op("MUL", x, draft.op("LOGISTIC", x))


def _joined_with_itself(draft: Draft) -> Value:
    x = draft.conv(draft.input(SHAPE), 5)
    return draft.op("CONCATENATION", x, x, axis=3)


def _many_joined(draft: Draft) -> Value:
    x = draft.input(SHAPE)
    return draft.op("CONCATENATION", *(draft.conv(x, 1 + count % 3, 1) for count in range(10)), axis=3)


def _input_as_output(draft: Draft) -> list[Value]:
    """A layer's input is read by two, and by a sum of both with it."""
    x = draft.input(SHAPE)
    one = draft.conv(x, 6, fusedActivationFunction=RELU)
    other = draft.op("ADD", x, one, fusedActivationFunction=RELU)
    return [one, draft.op("ADD", other, x)]


def _border_of_two_readers(draft: Draft) -> list[Value]:
    """A border that a layer may take in, and another operator reads as it is."""
    wide = draft.op("PAD", draft.input(SHAPE), draft.constant(_BORDER))
    return [draft.conv(wide, 5, padding=1), draft.op("RELU", wide)]


def _sums(count: int) -> Case:
    """So many maps added one to the other."""

    def drawing(draft: Draft) -> Value:
        x = draft.input(SHAPE)
        total = draft.conv(x, 5, 1)
        for _ in range(count - 1):
            total = draft.op("ADD", total, draft.conv(x, 5, 1))
        return total

    return Case(f"folded_sum_of_{count}", "ADD", drawing, integers=True)


CASES = [
    *(case for code in ("ADD", "MUL") for kind in ("conv", "depthwise") for case in _around(code, kind)),
    *(case for kind in ("transposed",) for case in _around("ADD", kind)),
    _chain("pad_before_conv", "CONV_2D", _op("PAD", [[0, 0], [1, 2], [0, 1], [0, 0]]), _layer("conv", padding=1)),
    _chain("pad_before_conv_same", "CONV_2D", _op("PAD", _BORDER), _layer("conv")),
    _chain("pad_before_depthwise", "DEPTHWISE_CONV_2D", _op("PAD", _BORDER), _layer("depthwise", padding=1)),
    _chain("pad_behind_pad", "PAD", _op("PAD", _BORDER), _op("PAD", [[0, 0], [2, 0], [0, 1], [0, 0]])),
    _chain("relu_behind_relu6", "RELU", _op("RELU6"), _op("RELU")),
    _chain("norm_before_conv", "CONV_2D", _row("MUL"), _row("ADD"), _op("RELU"), _layer("conv")),
    Case("folded_silu_behind_conv", "MUL", _gated, integers=True),
    Case("folded_joined_with_itself", "CONCATENATION", _joined_with_itself, integers=True),
    Case("folded_ten_joined", "CONCATENATION", _many_joined, integers=True),
    Case("folded_residual_of_residual", "ADD", _input_as_output, integers=True),
    Case("folded_border_of_two_readers", "PAD", _border_of_two_readers, integers=True),
    _sums(6),
]  # fmt: skip
