"""Multiplications and additions of constants go into the kernel and the bias before them, or into each other."""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.graph import KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_AFFINE = {"MUL": np.multiply, "ADD": np.add, "SUB": np.subtract}


def fold_affine(graph: Graph) -> None:
    """Folds what is computed per channel into the weights that made the channel; such as normalisations."""
    readers, producers = graph.readers(), graph.producers()
    for operator in list(graph.operators):
        constant = _per_channel(operator)
        if constant is None:
            continue
        before = producers.get(operator.inputs[0])
        if before is None or len(readers[before.output]) != 1 or before.output in graph.outputs:
            continue
        if before.activation:
            continue
        if before.code in KERNELS and before.output.shape == operator.output.shape:
            _into_kernel(before, operator.code, constant)
        elif _joins(before, operator):
            if not _into_constant(before, operator, constant):
                continue
        else:
            continue
        before.outputs, before.options = operator.outputs, {**before.options, **operator.activation_options}
        before.layers = tuple(dict.fromkeys((*before.layers, *operator.layers)))
        producers[operator.output] = before
        graph.remove([operator])


def _per_channel(operator: Operator) -> np.ndarray | None:
    """The constant that comes to each channel, if that is all that an operator does."""
    if operator.code not in _AFFINE or operator.output.dtype != "float32":
        return None
    x, y = operator.inputs
    if x.constant and not y.constant and operator.code != "SUB":
        x, y = operator.inputs = [y, x]
    if x.constant or not y.constant or x.shape != operator.output.shape or not x.shape:
        return None
    if y.shape and any(side != 1 for side in y.shape[:-1]):
        return None
    return y.array().astype(np.float64).reshape(-1)


def _into_kernel(before: Operator, code: str, constant: np.ndarray) -> None:
    kernel = KERNELS[before.code]
    bias = before.inputs[kernel.bias]
    value = bias.array().astype(np.float64)
    if code == "MUL":
        weights = before.inputs[kernel.place]
        before.inputs[kernel.place] = _copy(weights, weights.weights.scaled(constant, kernel.axis))
    changed = np.broadcast_to(_AFFINE[code](value, constant), value.shape)
    before.inputs[kernel.bias] = _copy(bias, Weights.of(changed.astype(np.float32)))


def _copy(tensor: Tensor, weights: Weights) -> Tensor:
    """Another constant in a constant's place, which others may read."""
    return Tensor(tensor.shape, tensor.dtype, tensor.layer, tensor.role, weights)


def _joins(before: Operator, operator: Operator) -> bool:
    """Whether two operators with constants become one: ·a ·b, or +a +b."""
    families = ("MUL",), ("ADD", "SUB")
    return (
        any(before.code in family and operator.code in family for family in families)
        and _per_channel(before) is not None
    )


def _into_constant(before: Operator, operator: Operator, constant: np.ndarray) -> bool:
    own = before.inputs[1]
    value = own.array().astype(np.float64)
    sign = -1 if before.code != operator.code else 1
    joined = value * constant if operator.code == "MUL" else value + sign * constant
    shape = own.shape if joined.size == value.size else (1,) * (len(operator.output.shape) - 1) + (joined.size,)
    weights = Weights.of(joined.reshape(shape).astype(np.float32))
    before.inputs[1] = Tensor(weights.shape, "float32", own.layer, own.role, weights)
    return True
