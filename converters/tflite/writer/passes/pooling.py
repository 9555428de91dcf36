"""Zeros before a maximum that take part in it.

LiteRT's GPU accelerator makes one operator of PAD and MAX_POOL_2D, whose padding never wins; zeros do where values are
negative. Joined on side by side, they are not taken for the pool's own padding.
"""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import CLAMPS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights


def keep_zeros(graph: Graph) -> None:
    """Writes a PAD that a MAX_POOL_2D reads as CONCATENATION, unless all values are above zero anyway."""
    producers, readers = graph.producers(), graph.readers()
    for operator in [each for each in graph.operators if each.code == "PAD"]:
        x, widths = operator.inputs
        pooled = any(reader.code == "MAX_POOL_2D" for reader in readers.get(operator.output, ()))
        if (
            pooled
            and not _positive(producers.get(x))
            and widths.constant
            and -1 not in x.shape
            and x.dtype == "float32"
        ):
            place = graph.operators.index(operator)
            graph.operators[place : place + 1] = _joined(operator, widths.array().tolist())


def _positive(operator: Operator | None) -> bool:
    if operator is None:
        return False
    return operator.code in ("RELU", "RELU6") or CLAMPS[operator.activation][0] == 0


def _joined(operator: Operator, widths: list[list[int]]) -> list[Operator]:
    x, operators = operator.inputs[0], []
    last = max(axis for axis, ends in enumerate(widths) if any(ends))
    for axis, ends in enumerate(widths):
        if not any(ends):
            continue
        before, after = (_zeros(x, axis, count) for count in ends)
        pieces = [piece for piece, count in ((before, ends[0]), (x, 1), (after, ends[1])) if count]
        shape = (*x.shape[:axis], x.shape[axis] + sum(ends), *x.shape[axis + 1 :])
        x = operator.output if axis == last else Tensor(shape, x.dtype, operator.output.layer, "padded")
        operators.append(Operator("CONCATENATION", pieces, [x], {"axis": axis}, operator.layers))
    return operators


def _zeros(x: Tensor, axis: int, count: int) -> Tensor:
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return Tensor(shape, x.dtype, x.layer, "zeros", Weights.of(np.zeros(shape, x.dtype)))
