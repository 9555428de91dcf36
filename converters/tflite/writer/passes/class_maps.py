"""Class maps that name a class which exists.

LiteRT's GPU accelerator works on four channels at a time, and the unused ones take part in ARG_MAX as zeros: where all scores
of a pixel are negative it answers a class that there is not. So the scores get channels up to a multiple of four, copies of the
first class that score one less: they win on no device, and need no number that float16 or int8 cannot hold.
"""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_LANES = 4
_BETWEEN = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SLICE")  # keep channels apart


def fill_lanes(graph: Graph) -> None:
    """Gives every ARG_MAX over channels a number of them that divides by four."""
    for operator in [each for each in graph.operators if each.code == "ARG_MAX"]:
        scores = operator.inputs[0]
        along = int(operator.inputs[1].array()) % len(scores.shape)
        if along != len(scores.shape) - 1 or scores.shape[-1] < 2 or scores.dtype != "float32":
            continue
        before = graph.producers().get(scores)
        if before is not None and before.code == "SOFTMAX":  # which changes no order
            operator.inputs[0] = before.inputs[0]
            graph.prune()
        missing = -scores.shape[-1] % _LANES
        if not missing:
            continue
        chain = _chain(graph, operator.inputs[0])
        if chain:
            _widen(chain, missing)
        else:
            _append(graph, operator, missing)


def _chain(graph: Graph, scores: Tensor) -> list[Operator]:
    """The operators from the scores back to the kernel that makes them; none where others read what is between."""
    producers, readers = graph.producers(), graph.readers()
    chain, tensor = [], scores
    while True:
        before = producers.get(tensor)
        if before is None or len(readers[tensor]) != 1 or tensor in graph.outputs:
            return []
        chain.append(before)
        if before.code in KERNELS:
            apart = before.code == "DEPTHWISE_CONV_2D" or not before.inputs[KERNELS[before.code].place].constant
            return [] if apart else chain
        if before.code not in _BETWEEN or not _all_channels(before):
            return []
        tensor = before.inputs[0]


def _all_channels(operator: Operator) -> bool:
    return operator.output.shape[-1] == operator.inputs[0].shape[-1]


def _widen(chain: list[Operator], missing: int) -> None:
    for operator in chain:
        output = operator.output
        output.shape = (*output.shape[:-1], output.shape[-1] + missing)
        if operator.code == "SLICE" and operator.inputs[2].constant:
            operator.inputs[2] = _other(operator.inputs[2], operator.inputs[2].array()[:-1].tolist() + [-1])
        if operator.code == "TRANSPOSE_CONV":
            operator.inputs[0] = _other(operator.inputs[0], output.shape)
    kernel = KERNELS[chain[-1].code]
    weights, bias = chain[-1].inputs[kernel.place], chain[-1].inputs[kernel.bias]
    source, values = weights.weights, bias.array()

    def read() -> np.ndarray:
        array = source.array()
        return np.concatenate([array, np.repeat(array[:1], missing, axis=0)])

    wider = Weights((source.shape[0] + missing, *source.shape[1:]), source.dtype, read)
    chain[-1].inputs[kernel.place] = Tensor(wider.shape, weights.dtype, weights.layer, weights.role, wider)
    lower = Weights.of(np.concatenate([values, np.full(missing, values[0] - 1, values.dtype)]))
    chain[-1].inputs[kernel.bias] = Tensor(lower.shape, bias.dtype, bias.layer, bias.role, lower)


def _other(tensor: Tensor, values: object) -> Tensor:
    weights = Weights.of(np.asarray(values, "int32"))
    return Tensor(weights.shape, "int32", tensor.layer, tensor.role, weights)


def _append(graph: Graph, operator: Operator, missing: int) -> None:
    """Copies of the first channels behind the last: equal, and later, so that they never win."""
    scores = operator.inputs[0]
    rank, layer = len(scores.shape), operator.output.layer
    wide = Tensor((*scores.shape[:-1], scores.shape[-1] + missing), scores.dtype, layer, "lanes")
    pieces, operators = [scores], []
    while missing:
        count = min(missing, scores.shape[-1])
        piece = Tensor((*scores.shape[:-1], count), scores.dtype, layer, "lane")
        ends = [
            Tensor((rank,), "int32", layer, role, Weights.of(np.asarray(values, "int32")))
            for role, values in (("begin", [0] * rank), ("size", [-1] * (rank - 1) + [count]))
        ]
        operators.append(Operator("SLICE", [scores, *ends], [piece], {}, operator.layers))
        pieces.append(piece)
        missing -= count
    operators.append(Operator("CONCATENATION", pieces, [wide], {"axis": rank - 1}, operator.layers))
    operator.inputs[0] = wide
    place = graph.operators.index(operator)
    graph.operators[place:place] = operators
