"""Operators that change nothing are left out, and what nobody reads."""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_NEUTRAL = {"ADD": 0, "SUB": 0, "MUL": 1, "DIV": 1}
_MOVES = ("RESHAPE", "TRANSPOSE")
_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_ONE_BY_ONE = ("filterHeight", "filterWidth", "strideH", "strideW")


def drop_idle(graph: Graph) -> None:
    """Takes out operators whose output is their input: ×1, +0, a reshape to the same shape or of a reshape, a pool of one.

    The last is more than tidy: XNNPACK leaves unwritten what comes out of one behind two ReLUs (findings/).
    """
    producers = graph.producers()
    for operator in list(graph.operators):
        source = _unchanged(operator)
        if source is not None and _may_go(graph, operator, source):
            _hand_on(graph, operator, source)
            continue
        before = producers.get(operator.inputs[0]) if operator.code in _MOVES else None
        if before is not None and before.code == operator.code:
            _join(operator, before)
    graph.prune()


def _unchanged(operator: Operator) -> Tensor | None:
    if operator.activation:
        return None
    if operator.code in _NEUTRAL:
        places = (0, 1) if operator.code in ("ADD", "MUL") else (1,)
        for place in places:
            constant, other = operator.inputs[place], operator.inputs[1 - place]
            same = other.shape == operator.output.shape and not other.constant
            if same and constant.constant and np.all(constant.array() == _NEUTRAL[operator.code]):
                return other
        return None
    if operator.code in _POOLS and all(operator.options[name] == 1 for name in _ONE_BY_ONE):
        return operator.inputs[0]
    same = operator.inputs[0] is not None and operator.inputs[0].shape == operator.output.shape
    if operator.code == "RESHAPE" and same and operator.output.shape.count(-1) <= 1:
        return operator.inputs[0]
    if operator.code == "TRANSPOSE" and operator.inputs[1].array().tolist() == sorted(
        operator.inputs[1].array().tolist()
    ):
        return operator.inputs[0]
    return None


def _may_go(graph: Graph, operator: Operator, source: Tensor) -> bool:
    """An output of the file has to be computed, and by an operator of its own."""
    return operator.output not in graph.outputs or (
        source not in graph.outputs and source not in graph.inputs and not source.constant
    )


def _hand_on(graph: Graph, operator: Operator, source: Tensor) -> None:
    """The output's name is worth more than the one before it: it is a layer's."""
    if not operator.output.role and source not in graph.inputs and not source.constant:
        source.layer, source.role = operator.output.layer, ""
    graph.remove([operator])
    graph.replace(operator.output, source)


def _join(operator: Operator, before: Operator) -> None:
    """A reshape of a reshape, or a transposition of a transposition, reads what the first one reads."""
    if operator.code == "TRANSPOSE":
        first, second = (each.inputs[1].array() for each in (before, operator))
        axes = operator.inputs[1]
        order = [int(first[at]) for at in second]
        operator.inputs[1] = Tensor(axes.shape, "int32", axes.layer, axes.role, Weights.of(np.asarray(order, "int32")))
    elif -1 in operator.output.shape or -1 in before.inputs[0].shape:
        return
    operator.inputs[0] = before.inputs[0]
