"""Spans of a graph's tensors on pictures: the graph itself, run by LiteRT, gives the least and greatest number of each.

What is measured is the file that is to be quantized, by the runtime that is to run it: every tensor has its span, those between
the operators of one layer too, and they are the same to the last bit whatever backend the weights come from. Only two numbers
of each tensor leave the runtime, and no tensor is kept longer than the graph reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from converters.quantization.integers.running import running
from converters.quantization.integers.scales import Span
from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_ENDS = ("REDUCE_MIN", "REDUCE_MAX")


def measure(graph: Graph, batches: Iterable[Sequence[np.ndarray]]) -> dict[Tensor, Span]:
    """The span of every float32 tensor that a graph computes, and of its inputs.

    Args:
        graph: in float32, at a static size.
        batches: one array an input each, of the inputs' shapes.
    """
    measured, watched = _watching(graph)
    lows, highs = np.full(len(watched), np.inf), np.full(len(watched), -np.inf)
    with running(measured) as run:
        for batch in batches:
            ends = np.array([float(value) for value in run(batch)]).reshape(len(watched), 2)
            lows, highs = np.minimum(lows, ends[:, 0]), np.maximum(highs, ends[:, 1])
    return {tensor: (float(low), float(high)) for tensor, low, high in zip(watched, lows, highs, strict=True)}


def _watching(graph: Graph) -> tuple[Graph, list[Tensor]]:
    """The graph with two reductions behind each tensor for its outputs; and the tensors, in the order of these."""
    operators: list[Operator] = []
    outputs: list[Tensor] = []
    watched: list[Tensor] = []

    def watch(tensor: Tensor) -> None:
        if tensor.dtype != "float32":
            return
        watched.append(tensor)
        axes = Tensor((len(tensor.shape),), "int32", "axes", "", Weights.of(np.arange(len(tensor.shape), dtype=np.int32)))
        for code in _ENDS:
            outputs.append(Tensor((), "float32", tensor.layer, code.lower()))
            operators.append(Operator(code, [tensor, axes], [outputs[-1]], {"keepDims": False}))

    for tensor in graph.inputs:
        watch(tensor)
    for operator in graph.operators:
        operators.append(operator)
        for tensor in operator.outputs:
            watch(tensor)
    names = [f"span_{place}" for place in range(len(outputs))]
    return Graph(list(graph.inputs), outputs, operators, list(graph.input_names), names), watched
