"""Sparse: kernels of which most weights are zero, as pruning leaves them, are stored without these.

A kernel is written row by row of its last axis: where each row begins among the weights that are left, and at which place of
its row each of them stands. A DENSIFY makes it whole again when a file is loaded, so that the file computes what it did before.
"""

from __future__ import annotations

import math

import numpy as np

from converters.tflite.writer.graph import KERNELS, Graph, Operator, Sparsity, Tensor
from converters.tflite.writer.weights import Weights

_LEAST = 1024  # numbers, below which it is not worth an operator
_TYPES = ("float32", "float16", "int8")  # that LiteRT's DENSIFY has
_INT8 = ("CONV_2D",)  # XNNPACK 2.3 refuses a whole graph for a dense layer of int8 whose weights come from a DENSIFY


def store(graph: Graph) -> int:
    """Stores constants without their zeros where that takes fewer bytes, in place, and tells how many."""
    whole: dict[Tensor, Tensor] = {}
    operators: list[Operator] = []
    for operator in graph.operators:
        place = _place(operator)
        weights = None if place is None else operator.inputs[place]
        if weights is not None and weights not in whole and (packed := _packed(weights)) is not None:
            whole[weights] = Tensor(
                weights.shape, weights.dtype, weights.layer, f"{weights.role}/whole", quantization=weights.quantization
            )
            operators.append(Operator("DENSIFY", [packed], [whole[weights]], {}, operator.layers))
        if weights in whole:
            operator.inputs[place] = whole[weights]
        operators.append(operator)
    graph.operators = operators
    return len(whole)


def _place(operator: Operator) -> int | None:
    """Where an operator has weights that may be many, and that it takes from a DENSIFY."""
    if operator.code == "DEQUANTIZE":
        return 0
    kernel = KERNELS.get(operator.code)
    if kernel is None or (operator.inputs[kernel.place].dtype == "int8" and operator.code not in _INT8):
        return None
    return kernel.place


def _packed(weights: Tensor) -> Tensor | None:
    """The constant without its zeros; None where that is no smaller."""
    count = math.prod(weights.shape)
    if not weights.constant or weights.dtype not in _TYPES or len(weights.shape) < 2 or count < _LEAST:
        return None
    row = weights.shape[-1]
    counts, places = [], []
    for block in weights.weights.blocks():
        rows = block.reshape(-1, row) != 0
        counts.append(rows.sum(axis=1, dtype=np.int64))
        places.append(_narrow(np.nonzero(rows)[1], row - 1))
    ends, indices = np.cumsum(np.concatenate(counts)), np.concatenate(places)
    segments = _narrow(np.concatenate([[0], ends]), len(indices))
    item = np.dtype(weights.dtype).itemsize
    if len(indices) * item + segments.nbytes + indices.nbytes >= count * item:
        return None

    def read() -> np.ndarray:
        return np.concatenate([block[block != 0] for block in weights.weights.blocks()])

    values, sparsity = Weights((len(indices),), weights.dtype, read), Sparsity(segments, indices)
    return Tensor(weights.shape, weights.dtype, weights.layer, weights.role, values, weights.quantization, sparsity)


def _narrow(numbers: np.ndarray, largest: int) -> np.ndarray:
    """Whole numbers in the fewest bytes that a file may give them."""
    dtype = next((kind for kind in (np.uint8, np.uint16) if largest <= np.iinfo(kind).max), np.int32)
    return numbers.astype(dtype)
