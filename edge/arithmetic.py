"""Arithmetic: how much a file multiplies, and how fast this machine can."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys

from edge.graph import Graph, Operator

SIDE = 768  # of the matrices: large enough for the peak, small enough for a second
REPEATS = 9
_PRODUCT = f"""
import time
import numpy as np
a = np.random.default_rng(0).standard_normal(({SIDE}, {SIDE}), dtype=np.float32)
a @ a
for _ in range({REPEATS}):
    start = time.perf_counter()
    a @ a
    print(time.perf_counter() - start)
"""
# What numpy's linear algebra may be built on reads its number of threads from one of these, once, when it starts.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def macs(graph: Graph) -> float:
    """Multiply-accumulates of one inference in convolutions, matrix products and recurrent cells.

    nan where they can't be told: a custom op or another subgraph hides its own, and a file of any size has none yet.
    """
    hidden = any(operator.custom or operator.name in _SUBGRAPHS for operator in graph.operators)
    if hidden or any(tensor.open for tensor in graph.inputs):
        return math.nan
    return float(sum(operator_macs(graph, operator) for operator in graph.operators))


def operator_macs(graph: Graph, operator: Operator) -> int:
    """Multiply-accumulates of one operator of a graph without open sides; 0 for what is none of those that `macs` counts."""
    return _COUNTS[operator.name](graph, operator) if operator.name in _COUNTS else 0


def peak(threads: int) -> float:
    """GMAC/s of a float32 matrix product on so many threads of this machine, measured now by numpy in a process of its own.

    nan where that process fails.
    """
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    command = [sys.executable, "-c", _PRODUCT]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if process.returncode:
        return math.nan
    return SIDE**3 / statistics.median(float(line) for line in process.stdout.split()) / 1e9


def _sides(graph: Graph, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of the kernel, or the second matrix, and of the result."""
    return graph.tensors[operator.inputs[1]].shape, graph.tensors[operator.outputs[0]].shape


def _convolution(graph: Graph, operator: Operator) -> int:
    kernel, result = _sides(graph, operator)  # outputs×height×width×inputs of a group
    return math.prod(result) * math.prod(kernel[1:])


def _depthwise(graph: Graph, operator: Operator) -> int:
    kernel, result = _sides(graph, operator)  # 1×height×width×outputs
    return math.prod(result) * math.prod(kernel[1:3])


def _transposed(graph: Graph, operator: Operator) -> int:
    kernel, _ = _sides(graph, operator)  # outputs×height×width×inputs
    return math.prod(graph.tensors[operator.inputs[2]].shape) * math.prod(kernel[:3])


def _product(graph: Graph, operator: Operator) -> int:
    _, result = _sides(graph, operator)
    return math.prod(result) * math.prod(graph.tensors[operator.inputs[0]].shape[-1:])


def _dense(graph: Graph, operator: Operator) -> int:
    kernel, result = _sides(graph, operator)  # outputs×inputs
    return math.prod(result) * kernel[-1]


def _volume(graph: Graph, operator: Operator) -> int:
    kernel, result = _sides(graph, operator)  # depth×height×width×inputs×outputs
    return math.prod(result) * math.prod(kernel[:4])


def _recurrent(graph: Graph, operator: Operator) -> int:
    """Every matrix that a step multiplies by, for each step of each sequence."""
    sequences = graph.tensors[operator.inputs[0]].shape
    matrices = [graph.tensors[index] for index in operator.inputs[1:] if index >= 0]
    once = sum(math.prod(tensor.shape) for tensor in matrices if tensor.constant and len(tensor.shape) == 2)
    return math.prod(sequences[:-1]) * once


def _svdf(graph: Graph, operator: Operator) -> int:
    """The features' filter on the newest frame, and the filter over time that each feature has."""
    frames, features, over_time = (graph.tensors[index].shape for index in operator.inputs[:3])
    return frames[0] * (math.prod(features) + math.prod(over_time))


_SUBGRAPHS = ("CALL", "IF", "WHILE", "STABLEHLO_COMPOSITE")
_COUNTS = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _product,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
    "CONV_3D": _volume,
    "LSTM": _recurrent,
    "RNN": _recurrent,
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
}
