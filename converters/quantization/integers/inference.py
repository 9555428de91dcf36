"""Spans that follow from others: what an operator can give at most, from what goes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from converters.quantization.integers.kernels import ONE_SCALE
from converters.quantization.integers.scales import Span, span_of
from converters.tflite.writer.graph import CLAMPS, Graph, Operator, Tensor


def infer(graph: Graph, spans: Mapping[Tensor, Span]) -> dict[Tensor, Span]:
    """The spans and those that follow from them, for operators that move numbers or do simple arithmetic."""
    result, readers = dict(spans), graph.readers()
    _forwards(graph, result)
    for operator in reversed(graph.operators):
        output = operator.output
        # What is moved spans what comes out; of what a ReLU alone reads, values beyond its output's span make no difference.
        clamps = _clamps(operator) and len(readers[operator.inputs[0]]) == 1
        if (operator.code in ONE_SCALE or clamps) and output in result:
            for tensor in operator.inputs:
                if tensor is not None and tensor.dtype == "float32" and not tensor.constant:
                    result.setdefault(tensor, result[output])
    _forwards(graph, result)
    return result


def _forwards(graph: Graph, result: dict[Tensor, Span]) -> None:
    for operator in graph.operators:
        missing = [tensor for tensor in operator.outputs if tensor.dtype == "float32" and tensor not in result]
        inputs = [_span(tensor, result) for tensor in operator.inputs if tensor is not None and tensor.dtype == "float32"]
        if missing and inputs and None not in inputs:
            span = _result(operator, inputs)
            result.update(dict.fromkeys(missing, span) if span is not None else {})


def _span(tensor: Tensor, spans: Mapping[Tensor, Span]) -> Span | None:
    return span_of(tensor) if tensor.constant else spans.get(tensor)


def _result(operator: Operator, inputs: Sequence[Span]) -> Span | None:
    if operator.code in ONE_SCALE or operator.code == "MEAN":
        return min(low for low, _ in inputs), max(high for _, high in inputs)
    corners = _CORNERS.get(operator.code)
    if corners is None:
        return None
    ends = [corners(*(span[side] for span, side in zip(inputs, sides, strict=True))) for sides in _SIDES[len(inputs)]]
    low, high = CLAMPS[operator.activation]
    return float(np.clip(min(ends), low, high)), float(np.clip(max(ends), low, high))


def _clamps(operator: Operator) -> bool:
    """Whether an operator is a ReLU and nothing more: by its code, or as 1 · x with one inside, as integer forms have it."""
    factor = operator.inputs[1] if operator.code == "MUL" and operator.activation else None
    return operator.code in ("RELU", "RELU6") or (factor is not None and factor.constant and bool((factor.array() == 1).all()))


_SIDES = {1: ((0,), (1,)), 2: ((0, 0), (0, 1), (1, 0), (1, 1))}
_CORNERS: dict[str, Callable[..., float]] = {  # functions whose extremes lie at the ends of their inputs' spans
    "ADD": lambda x, y: x + y,
    "SUB": lambda x, y: x - y,
    "MUL": lambda x, y: x * y,
    "RELU": lambda x: max(x, 0.0),
    "RELU6": lambda x: min(max(x, 0.0), 6.0),
}
