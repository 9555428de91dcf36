"""Borders that take part in what reads them.

LiteRT's GPU accelerator makes one operator of PAD and a pool behind it, whose own padding never wins a maximum and is not
counted in a mean; and one of PADV2 and a convolution, whose padding is zeros. Zeros do win where values are negative, are
counted, and another border is none of zeros. Joined on side by side, a border is not taken for an operator's own padding.
"""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import CLAMPS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def keep_borders(graph: Graph) -> None:
    """Writes as CONCATENATION what a pool, or a convolution, would take for its own padding, which is another."""
    producers, readers = graph.producers(), graph.readers()
    for operator in [each for each in graph.operators if each.code in ("PAD", "PADV2")]:
        x, widths = operator.inputs[:2]
        value = float(operator.inputs[2].array()) if operator.code == "PADV2" else 0.0
        codes = {reader.code for reader in readers.get(operator.output, ())}
        if not widths.constant or -1 in x.shape or x.dtype != "float32":
            continue
        if _is_lost(codes, value, _positive(producers.get(x))):
            place = graph.operators.index(operator)
            graph.operators[place : place + 1] = _joined(operator, widths.array().tolist(), value)


def _is_lost(readers: set[str], value: float, above: bool) -> bool:
    """Whether a border of that value is lost on one of its readers; `above`: all that it surrounds lies above zero."""
    maximum = "MAX_POOL_2D" in readers and not (above and value == 0)
    return maximum or "AVERAGE_POOL_2D" in readers or (value != 0 and not readers.isdisjoint(_CONVOLUTIONS))


def _positive(operator: Operator | None) -> bool:
    if operator is None:
        return False
    return operator.code in ("RELU", "RELU6") or CLAMPS[operator.activation][0] == 0


def _joined(operator: Operator, widths: list[list[int]], value: float) -> list[Operator]:
    x, operators = operator.inputs[0], []
    last = max(axis for axis, ends in enumerate(widths) if any(ends))
    for axis, ends in enumerate(widths):
        if not any(ends):
            continue
        before, after = (_border(x, axis, count, value) for count in ends)
        pieces = [piece for piece, count in ((before, ends[0]), (x, 1), (after, ends[1])) if count]
        shape = (*x.shape[:axis], x.shape[axis] + sum(ends), *x.shape[axis + 1 :])
        x = operator.output if axis == last else Tensor(shape, x.dtype, operator.output.layer, "padded")
        operators.append(Operator("CONCATENATION", pieces, [x], {"axis": axis}, operator.layers))
    return operators


def _border(x: Tensor, axis: int, count: int, value: float) -> Tensor:
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return Tensor(shape, x.dtype, x.layer, "border", Weights.of(np.full(shape, value, x.dtype)))
