"""Operators on each number, on pairs of numbers, and the ways in which shapes meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.gpu_graphs.case import MEASURED, Case
from converters.gpu_graphs.draft import Draft, Value

SHAPE = (1, 5, 7, 6)


def _between(low: float, high: float) -> Any:
    return lambda random, shape: random.uniform(low, high, shape)


def _unary(code: str, low: float = -4.0, high: float = 4.0, integers: bool = False, **options: Any) -> Case:
    return Case(
        code.lower(),
        code,
        lambda draft: draft.op(code, draft.input(SHAPE, _between(low, high)), **options),
        integers=integers,
        source="LiteRT#8598" if code == "RELU_0_TO_1" else MEASURED,
    )


def _integers(random: np.random.Generator, shape: Any) -> np.ndarray:
    return random.integers(-9, 10, shape)


def _pair(code: str, low: float = -3.0, high: float = 3.0, integers: bool = False) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.op(code, draft.input(SHAPE, _between(low, high)), draft.input(SHAPE, _between(low, high)))

    return Case(f"{code.lower()}_of_two", code, drawing, integers=integers)


def _ints(code: str) -> Case:
    def drawing(draft: Draft) -> Value:
        one = draft.cast(draft.op("ROUND", draft.input(SHAPE, _between(-9, 9))), "int32")
        other = draft.cast(draft.op("ROUND", draft.input(SHAPE, _between(1, 9))), "int32")
        return draft.cast(draft.op(code, one, other), "float32")

    return Case(f"{code.lower()}_of_int32", code, drawing)


def _with_constant(code: str, shape: tuple[int, ...], sides: tuple[int, ...], first: bool = False) -> Case:
    """An operator with a constant of a shape of its own."""

    def drawing(draft: Draft) -> Value:
        pair = draft.input(shape), draft.uniform(0.5, 2.0, *sides)
        y = draft.op(code, *(pair[::-1] if first else pair))
        return draft.cast(y, "float32") if y.tensor.dtype == "bool" else y

    where = "constant_first" if first else "constant"
    name = f"{code.lower()}_{_word(shape)}_{where}_{_word(sides)}"
    return Case(name, code, drawing, integers=code in ("ADD", "MUL"))


def _meeting(code: str, one: tuple[int, ...], other: tuple[int, ...], source: str = MEASURED) -> Case:
    """Two inputs of different shapes."""
    return Case(
        f"{code.lower()}_{_word(one)}_with_{_word(other)}",
        code,
        lambda draft: draft.op(code, draft.input(one), draft.input(other)),
        source,
        integers=code in ("ADD", "MUL"),
    )


def _word(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _compare(code: str) -> Case:
    def drawing(draft: Draft) -> Value:
        return draft.cast(draft.op(code, draft.input(SHAPE), draft.input(SHAPE), dtype="bool"), "float32")

    return Case(f"{code.lower()}_of_two", code, drawing)


def _logical(code: str) -> Case:
    def drawing(draft: Draft) -> Value:
        zero = draft.constant(np.zeros((1, 1, 1, 1)))
        signs = [draft.op("GREATER", draft.input(SHAPE), zero) for _ in range(1 if code == "LOGICAL_NOT" else 2)]
        return draft.cast(draft.op(code, *signs), "float32")

    return Case(code.lower(), code, drawing)


def _select(name: str, one: tuple[int, ...], other: tuple[int, ...], condition: tuple[int, ...] = SHAPE) -> Case:
    def drawing(draft: Draft) -> Value:
        truth = draft.op("GREATER", draft.input(condition), draft.constant(np.zeros((1, 1, 1, 1))))
        return draft.op("SELECT_V2", truth, draft.input(one), draft.constant(-1.0) if other == () else draft.input(other))

    return Case(f"select_{name}", "SELECT_V2", drawing)


def _add_as_output_too(draft: Draft) -> list[Value]:
    """The sum is an output and goes on."""
    total = draft.op("ADD", draft.input(SHAPE), draft.input(SHAPE))
    return [total, draft.op("MUL", total, draft.constant(np.full((1, 1, 1, 1), 0.5)))]


def _conv_add_as_output_too(draft: Draft) -> list[Value]:
    x = draft.input(SHAPE)
    total = draft.op("ADD", draft.conv(x, 6), x)
    return [total, draft.conv(total, 5)]


def _prelu(draft: Draft, sides: tuple[int, ...]) -> Value:
    return draft.op("PRELU", draft.input(SHAPE), draft.uniform(0.1, 0.5, *sides))


def _same_operand(code: str) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input(SHAPE, _between(0.5, 2.0))
        return draft.op(code, x, x)

    source = "LiteRT#9192" if code == "DIV" else MEASURED
    return Case(f"{code.lower()}_of_one_with_itself", code, drawing, source)


def _softplus(draft: Draft, high: float) -> Value:
    x = draft.input(SHAPE, _between(-high, high))
    return draft.op("LOG", draft.op("ADD", draft.op("EXP", x), draft.constant(np.ones((1, 1, 1, 1)))))


CASES = [
    *(_unary(code, integers=True) for code in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LOGISTIC", "TANH")),
    *(_unary(code) for code in ("ELU", "ABS", "NEG", "SQUARE", "FLOOR", "CEIL", "ROUND", "SIGN", "EXP")),
    _unary("HARD_SWISH", integers=True),
    _unary("LEAKY_RELU", integers=True, alpha=0.2),
    _unary("GELU", approximate=False),
    *(_unary(code, 0.05, 5.0) for code in ("LOG", "SQRT", "RSQRT")),
    *(_unary(code, -9.0, 9.0) for code in ("SIN", "COS")),
    Case("gelu_by_tanh", "GELU", lambda draft: draft.op("GELU", draft.input(SHAPE), approximate=True)),
    Case("prelu_of_channels", "PRELU", lambda draft: _prelu(draft, (1, 1, 6)), integers=True),
    Case("prelu_of_pixels", "PRELU", lambda draft: _prelu(draft, (5, 7, 6))),
    *(_pair(code, integers=True) for code in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM")),
    *(_pair(code) for code in ("SQUARED_DIFFERENCE", "ATAN2")),
    _pair("DIV", 0.5, 3.0),
    _pair("POW", 0.2, 3.0),
    _pair("FLOOR_DIV", 0.5, 9.0),
    _pair("FLOOR_MOD", 0.5, 9.0),
    *(_ints(code) for code in ("ADD", "SUB", "MUL", "FLOOR_MOD", "MAXIMUM")),
    *(_compare(code) for code in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")),
    *(_logical(code) for code in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT")),
    _select("of_two", SHAPE, SHAPE),
    _select("with_a_number", SHAPE, ()),
    _select("by_pixel", SHAPE, SHAPE, (1, 5, 7, 1)),
    _select("of_a_row_of_channels", SHAPE, (1, 1, 1, 6)),
    # What a constant's shape does: its first axis is taken for a batch, of which the first row alone is read.
    _with_constant("ADD", (48, 5), (48, 5)),
    _with_constant("MUL", (10,), (10,)),
    _with_constant("SUB", (3, 10, 4), (3, 10, 4)),
    _with_constant("MAXIMUM", (3, 5, 7, 6), (3, 5, 7, 6)),
    _with_constant("ADD", (1, 5), (48, 5)),
    _with_constant("MUL", (1,), (10,)),
    _with_constant("GREATER", (48, 5), (48, 5)),
    _with_constant("ADD", SHAPE, (6,)),
    _with_constant("ADD", SHAPE, (1, 1, 1, 6)),
    _with_constant("ADD", SHAPE, (1, 5, 7, 6)),
    _with_constant("ADD", SHAPE, (1, 5, 1, 1)),
    _with_constant("ADD", (1, 48, 5), (48, 5)),
    _with_constant("ADD", (1, 48, 5), (1, 48, 5)),
    _with_constant("ADD", (1, 10), (10,)),
    _with_constant("ADD", (1, 10), (1, 10)),
    _with_constant("ADD", (1, 3, 10, 4), (3, 10, 4)),
    _with_constant("MUL", (1, 3, 10, 4), (3, 10, 4)),
    _with_constant("MUL", (1, 3, 10, 4), (10, 4)),
    _with_constant("SUB", (1, 48, 5), (48, 5)),
    _with_constant("SUB", SHAPE, (1, 1, 1, 6), first=True),
    _with_constant("MAXIMUM", (1, 48, 5), (48, 5)),
    _with_constant("DIV", SHAPE, (1, 1, 1, 6), first=True),
    _with_constant("POW", SHAPE, (), first=True),
    _meeting("ADD", SHAPE, (1, 1, 1, 6)),
    _meeting("ADD", SHAPE, (1, 5, 7, 1)),
    _meeting("ADD", (1, 5, 1, 6), (1, 1, 7, 6)),
    _meeting("MUL", (1, 48, 1), (1, 1, 48)),
    _meeting("MUL", SHAPE, (1, 1, 1, 1)),
    _meeting("SUB", (1, 9), (1, 1)),
    _meeting("ADD", (1, 7, 6), (1, 5, 7, 6), "LiteRT#8980"),
    _meeting("MUL", (1, 6), (1, 5, 7, 6), "LiteRT#8980"),
    _meeting("ADD", (7, 6), (1, 5, 7, 6), "LiteRT#8980"),
    _meeting("ADD", SHAPE, (6,), "LiteRT#8980"),
    Case("add_is_output_and_consumed", "ADD", _add_as_output_too, "LiteRT#8599"),
    Case("convolved_add_is_output_and_consumed", "ADD", _conv_add_as_output_too, "LiteRT#8599", integers=True),
    *map(_same_operand, ("DIV", "SUB", "MUL", "NOT_EQUAL")),
    Case("softplus_below_40", "LOG", lambda draft: _softplus(draft, 40)),
    Case("cast_to_int32_and_back", "CAST", lambda draft: draft.cast(
        draft.cast(draft.input(SHAPE, _between(-9, 9)), "int32"), "float32")),
    Case("cast_to_bool_and_back", "CAST", lambda draft: draft.cast(
        draft.cast(draft.op("ROUND", draft.input(SHAPE)), "bool"), "float32")),
    Case("cast_of_int32_input", "CAST", lambda draft: draft.cast(
        draft.input(SHAPE, _integers, "int32"), "float32")),
]  # fmt: skip
