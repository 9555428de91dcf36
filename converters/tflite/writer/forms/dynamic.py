"""dynamic: kernels in int8, per channel; activations are quantized while the file runs."""

from __future__ import annotations

import math

import numpy as np

from converters.tflite.writer.forms.float16 import fits, halved
from converters.tflite.writer.graph import KERNELS, Graph, Operator, Quantization, Tensor
from converters.tflite.writer.weights import Weights

_LEAST = 1024  # numbers, below which it is not worth it (TensorFlow's converter has the same)
# Compute with integers. Others dequantize their kernels first, which LiteRT's GPU accelerator refuses of int8: float16 there.
_RUN = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def quantize(graph: Graph) -> None:
    """Stores large kernels in int8; those that no integer kernel reads in float16."""
    operators: list[Operator] = []
    for operator in graph.operators:
        kernel = KERNELS.get(operator.code)
        weights = operator.inputs[kernel.place] if kernel else None
        if (
            weights is not None
            and weights.constant
            and weights.dtype == "float32"
            and math.prod(weights.shape) >= _LEAST
        ):
            if operator.code in _RUN:
                operator.inputs[kernel.place] = per_channel(weights, kernel.axis)
            elif fits(weights):
                operators.append(halved(weights, operator))
                operator.inputs[kernel.place] = operators[-1].output
        operators.append(operator)
    graph.operators = operators


def per_channel(weights: Tensor, axis: int) -> Tensor:
    """A kernel in int8, symmetric, with a scale for each index of an axis."""
    scales = np.maximum(_largest(weights.weights, axis), np.finfo("float32").tiny * 127) / 127
    factor = (1 / scales).astype(np.float32)
    values = weights.weights.scaled(factor, axis).through(lambda rows, start: np.clip(np.rint(rows), -127, 127), "int8")
    quantization = Quantization(scales.astype(np.float32), np.zeros(len(scales), np.int64), axis)
    return Tensor(weights.shape, "int8", weights.layer, weights.role, values, quantization)


def _largest(weights: Weights, axis: int) -> np.ndarray:
    """The largest size of a number at each index of an axis."""
    others = tuple(at for at in range(len(weights.shape)) if at != axis)
    parts = [np.abs(block).max(axis=others) for block in weights.blocks()]
    return (np.concatenate(parts) if axis == 0 else np.max(parts, axis=0)).astype(np.float64)
