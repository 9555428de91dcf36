"""Weights alone in integers: a file of a quarter or an eighth of the bytes, whose activations stay in float32.

Kernels are stored in 8 or 4 bits, with a scale for each output channel, and turned into float32 by a DEQUANTIZE, which LiteRT
computes once, when it loads the file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converters.quantization.integers.scales import largest, rounded_kernel
from converters.tflite.writer.graph import KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_FEW = 1024  # weights; fewer are not worth an operator
_LIMITS = {8: 127, 4: 7}


def store_weights(graph: Graph, bits: int) -> None:
    """Stores the kernels of a float32 graph in 8 or 4 bits, in place."""
    stored: dict[Tensor, Tensor] = {}
    operators: list[Operator] = []
    for operator in graph.operators:
        kernel = KERNELS.get(operator.code)
        weights = None if kernel is None else operator.inputs[kernel.place]
        if weights is not None and weights.constant and weights.dtype == "float32" and np.prod(weights.shape) >= _FEW:
            if weights not in stored:
                integers, stored[weights] = _integers(weights, kernel.axis, bits), _real(weights)
                operators.append(Operator("DEQUANTIZE", [integers], [stored[weights]], {}, operator.layers))
            operator.inputs = [stored[weights] if tensor is weights else tensor for tensor in operator.inputs]
        operators.append(operator)
    graph.operators = operators


def _real(weights: Tensor) -> Tensor:
    return Tensor(weights.shape, "float32", weights.layer, f"{weights.role}/float32")


def _integers(weights: Tensor, axis: int, bits: int) -> Tensor:
    limit = _LIMITS[bits]
    scales = np.maximum(largest(weights.weights, axis) / limit, np.finfo(np.float32).tiny).astype(np.float32)
    integers = rounded_kernel(weights, axis, scales, limit)
    if bits == 4:
        integers.dtype, integers.weights = "int4", _packed(integers.weights)
    return integers


def _packed(weights: Weights) -> Weights:
    """Two numbers a byte, the first in its lower half."""

    def read() -> np.ndarray:
        return np.concatenate(list(_bytes(weights.blocks())))

    return Weights((-(-int(np.prod(weights.shape)) // 2),), "uint8", read)


def _bytes(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    left = np.zeros(0, np.uint8)
    for block in blocks:
        numbers = np.concatenate([left, block.reshape(-1).view(np.uint8) & 15])
        even = len(numbers) // 2 * 2
        yield numbers[0:even:2] | numbers[1:even:2] << 4
        left = numbers[even:]
    yield left
