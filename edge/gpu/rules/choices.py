"""Rules of choices: largest values and their positions."""

from __future__ import annotations

import math

from edge.gpu.rules.convolutions import not_negative
from edge.gpu.rules.registry import REFUSED, WRONG, rule
from edge.graph import Graph, Operator

_LANES = 4
_INT64 = 4  # schema.TensorType
# Unused lanes hold zeros, and take part in what comes after: a sigmoid makes them 0.5.
_LANES_WIN = "ARG_MAX over channels that are no multiple of 4 gives an index too large where all scores are below zero"
_PADDED = (
    "pad the channels to a multiple of 4 with copies of the first one, or by a last convolution with further channels whose "
    "bias is low; or transpose and choose over another axis. A sigmoid, exp or +100 before it does not help, a softmax and a "
    "ReLU do. zoo convert writes it so by itself"
)


@rule("ARG_MAX", kind=WRONG, what=_LANES_WIN, advice=_PADDED, below_zero=True)
def _empty_lanes_win(graph: Graph, operator: Operator) -> bool:
    """Whether an ARG_MAX has lanes that no channel fills, and scores that may lie below them."""
    scores = graph.tensors[operator.inputs[0]]
    axis = graph.tensors[operator.inputs[1]].values
    if not scores.shape or not axis or int(axis[0]) % len(scores.shape) != len(scores.shape) - 1:
        return False
    maker = graph.producer(scores.index)
    tame = not_negative(graph, scores.index) or (maker is not None and maker.name == "SOFTMAX")
    return bool(scores.shape[-1] % _LANES) and not tame


@rule(
    "ARG_MAX",
    kind=REFUSED,
    what="ARG_MAX to int64 is refused",
    advice="output int32 (keras.ops.argmax, then cast; tf.argmax(output_type=tf.int32)), or end at the scores",
)
def _wide_index(graph: Graph, operator: Operator) -> bool:
    return operator.options.get("outputType") == _INT64


@rule(
    "ONE_HOT",
    kind=WRONG,
    what="ONE_HOT of indices of 3 dimensions or more gives wrong values",
    advice="compare the scores with their maximum and cast (x >= max(x)), in float: comparing in 8 bits is wrong on the CPU; "
    "or relu(1 − |index − range|)",
)
def _one_hot(graph: Graph, operator: Operator) -> bool:
    return len(graph.tensors[operator.inputs[0]].shape) >= 3


@rule(
    "SOFTMAX",
    kind=WRONG,
    what="SOFTMAX of 1 dimension gives wrong values",
    advice="give it an axis of 1 in front",
)
def _bare_row(graph: Graph, operator: Operator) -> bool:
    return len(graph.tensors[operator.inputs[0]].shape) == 1


@rule(
    "TOPK_V2",
    kind=WRONG,
    what="TOPK_V2 of rows whose length is no multiple of 4 gives other values",
    advice="pad the last axis to a multiple of 4 with copies of the row's least value; zoo convert writes it so by itself",
)
def _rows_off_four(graph: Graph, operator: Operator) -> bool:
    """One row in 3 or 4 dimensions is right."""
    shape = graph.tensors[operator.inputs[0]].shape
    return bool(shape) and (math.prod(shape[:-1]) > 1 or len(shape) < 3) and bool(shape[-1] % _LANES)
