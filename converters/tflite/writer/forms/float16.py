"""float16: weights in half precision, each with a DEQUANTIZE behind it, as delegates expect them."""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import Graph, Operator, Tensor

_LOOKED_UP = ("GATHER",)  # whose table LiteRT's GPU accelerator takes in the answer's type alone
_LARGEST = float(np.finfo("float16").max)


def store(graph: Graph) -> None:
    """Stores float32 constants in float16; what it cannot hold, and tables that are looked up, stay as they are."""
    halves: dict[Tensor, Tensor] = {}
    operators: list[Operator] = []
    for operator in graph.operators:
        for place, tensor in enumerate(operator.inputs if operator.code not in _LOOKED_UP else ()):
            if tensor is None or not tensor.constant or tensor.dtype != "float32" or not fits(tensor):
                continue
            if tensor not in halves:
                operators.append(halved(tensor, operator))
                halves[tensor] = operators[-1].output
            operator.inputs[place] = halves[tensor]
        operators.append(operator)
    graph.operators = operators


def halved(tensor: Tensor, reader: Operator) -> Operator:
    """The DEQUANTIZE of a constant in float16, for an operator to read its output in the constant's place."""
    half = Tensor(tensor.shape, "float16", tensor.layer, tensor.role, tensor.weights.astype("float16"))
    whole = Tensor(tensor.shape, "float32", tensor.layer, f"{tensor.role}_dequantize")
    return Operator("DEQUANTIZE", [half], [whole], {}, reader.layers)


def fits(tensor: Tensor) -> bool:
    """Whether float16 can hold a constant."""
    return all(np.abs(block).max(initial=0) <= _LARGEST for block in tensor.weights.blocks())
