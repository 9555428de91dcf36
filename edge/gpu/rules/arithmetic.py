"""Rules of arithmetic: broadcasting, products, sums."""

from __future__ import annotations

import math
from itertools import zip_longest

from edge.gpu.rules.convolutions import not_negative
from edge.gpu.rules.registry import CRASH, OVERFLOW, WRONG, rule
from edge.graph import Graph, Operator

_ONE = 1.0
_MAP = 4  # axes


@rule(
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD", "ATAN2"),
    *("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL"),
    kind=WRONG,
    what="of a constant whose first of 1 to 3 axes, the batch's, is longer than 1 only the first row is used",
    advice="give the constant, and what it meets, an axis of 1 in front: (1, 48, 5) for (48, 5)",
)
def _first_row(graph: Graph, operator: Operator) -> bool:
    rank = len(graph.tensors[operator.outputs[0]].shape)
    constants = [graph.tensors[index].shape for index in operator.activations if graph.fixed(index)]
    return rank <= 3 and any(len(shape) == rank and shape[:1] > (1,) for shape in constants)


@rule(
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD", "ATAN2"),
    *("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL"),
    kind=WRONG,
    what="a constant of 4 axes that makes a batch of one picture is read as its first row",
    advice="TILE the picture to the batch before",
)
def _batch_by_a_constant(graph: Graph, operator: Operator) -> bool:
    whole = graph.tensors[operator.outputs[0]].shape
    computed = [graph.tensors[index].shape for index in operator.activations if not graph.fixed(index)]
    grows = bool(computed) and all(len(shape) < _MAP or shape[0] == 1 for shape in computed)
    return len(whole) == _MAP and whole[0] > 1 and grows and len(computed) < len(operator.activations)


@rule(
    "BATCH_MATMUL",
    kind=WRONG,
    what="BATCH_MATMUL whose sides have other batches gives zeros behind the first matrix",
    advice="TILE the smaller side first, or reshape to 2 dimensions and multiply by a transposed right side (FULLY_CONNECTED)",
)
def _batches(graph: Graph, operator: Operator) -> bool:
    left, right = (graph.tensors[index].shape for index in operator.inputs[:2])
    if len(right) == 2 and graph.fixed(operator.inputs[1]):
        return False  # it becomes a FULLY_CONNECTED
    pairs = zip_longest(reversed(left[:-2]), reversed(right[:-2]), fillvalue=1)
    return any(one != other for one, other in pairs)


@rule(
    "BATCH_MATMUL",
    kind=CRASH,
    what="BATCH_MATMUL of a tensor with itself aborts the process",
    advice="compute queries and keys by two layers",
)
def _same_matrix(graph: Graph, operator: Operator) -> bool:
    return operator.inputs[0] == operator.inputs[1]


@rule(
    "CUMSUM",
    kind=WRONG,
    what="CUMSUM exclusive or reversed gives the plain sum",
    advice="subtract x from the plain one (exclusive), or it from the total and add x (reversed)",
)
def _flags(graph: Graph, operator: Operator) -> bool:
    return bool(operator.options.get("exclusive") or operator.options.get("reverse"))


@rule(
    "CUMSUM",
    kind=WRONG,
    what="CUMSUM along the first axis gives wrong values",
    advice="give it an axis of 1 in front",
)
def _along_batch(graph: Graph, operator: Operator) -> bool:
    shape, axis = graph.tensors[operator.inputs[0]].shape, graph.tensors[operator.inputs[1]].values
    return bool(axis) and bool(shape) and int(axis[0]) % len(shape) == 0 and shape[0] > 1


@rule(
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM"),
    kind=WRONG,
    what="quantised arithmetic of computed tensors of different ranks gives wrong values",
    advice="reshape the smaller one to the rank of the larger before, or enlarge it to its size",
)
def _ranks(graph: Graph, operator: Operator) -> bool:
    """What converters make of adding a pooled value to a map."""
    one, other = (graph.tensors[index] for index in operator.inputs[:2])
    computed = not graph.fixed(one.index) and not graph.fixed(other.index)
    return bool(one.scale and other.scale) and computed and len(one.shape) != len(other.shape)


@rule(
    "FULLY_CONNECTED",
    kind=WRONG,
    what="a quantised FULLY_CONNECTED that flattens what it reads gives wrong values",
    advice="RESHAPE to 2 dimensions before it",
)
def _flattens(graph: Graph, operator: Operator) -> bool:
    image = graph.tensors[operator.inputs[0]]
    return bool(image.scale) and len(image.shape) > 2 and not operator.options.get("keepNumDims")


@rule(
    "POW",
    kind=WRONG,
    what="POW by exponents that are not one number takes the magnitude of its base: (−2)³ is 8",
    advice="raise to one constant number, or multiply",
)
def _magnitude(graph: Graph, operator: Operator) -> bool:
    base, exponent = operator.inputs[:2]
    one = graph.fixed(exponent) and math.prod(graph.tensors[exponent].shape) == 1
    return not one and not not_negative(graph, base) and min(graph.tensors[base].values, default=-1.0) < 0


@rule(
    "LOG",
    kind=OVERFLOW,
    what="log(1 + exp(x)) overflows: in float16 from x = 11, in float32 from 88",
    advice="relu(x) + log(1 + exp(−|x|)) is the same, and never overflows",
)
def _softplus(graph: Graph, operator: Operator) -> bool:
    plus = graph.producer(operator.inputs[0])
    if plus is None or plus.name != "ADD":
        return False
    makers = [graph.producer(index) for index in plus.inputs]
    ones = [graph.tensors[index].values for index in plus.inputs]
    exponential = next((maker for maker in makers if maker is not None and maker.name == "EXP"), None)
    if exponential is None or not any(values and set(values) == {_ONE} for values in ones):
        return False
    inner = graph.producer(exponential.inputs[0])
    return inner is None or inner.name != "NEG"
