"""Bias correction in a TFLite graph: the mean error that rounded kernels make is taken out of the biases.

`converters.quantization.bias_correction` does it in a Keras model and says why. Here the graph of the file is run, operator by
operator, as it is and with rounded kernels; so no second model is made, one kernel is in memory at a time, and the numbers are
the same on every backend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from converters.quantization.integers.graph import Bits
from converters.quantization.integers.kernels import possible_bits
from converters.quantization.integers.running import running
from converters.quantization.integers.scales import Span, largest
from converters.tflite.writer.graph import CLAMPS, KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_LARGE = 64 << 20  # bytes
Maps = list[np.ndarray]  # of one tensor, for each picture


def correct_biases(
    graph: Graph, batches: Sequence[Sequence[np.ndarray]], bits: Bits
) -> tuple[dict[Tensor, Span], list[Maps]]:
    """Changes the biases of a float32 graph, in place, for kernels that will be rounded to 8 bits.

    Returns:
        What each tensor spans on these pictures in the graph as it was, and what each of its outputs was for each of them.

    Args:
        graph: in float32, at a static size.
        batches: one array an input each; the means over eight pictures are known well.
        bits: of each operator's activations; kernels of those in float32 stay as they are.
    """
    exact = {tensor: [batch[place] for batch in batches] for place, tensor in enumerate(graph.inputs)}
    rounded, spans = dict(exact), {tensor: _span(maps) for tensor, maps in exact.items() if tensor.dtype == "float32"}
    readers = Counter(tensor for operator in graph.operators for tensor in operator.inputs if tensor is not None)
    readers.update(graph.outputs)
    for operator in graph.operators:
        if operator.code in KERNELS and possible_bits(operator, bits(operator)):
            _correct(operator, exact, rounded, len(batches))
        else:
            exact.update(_outputs(operator, exact, len(batches)))
            alike = all(exact[tensor] is rounded[tensor] for tensor in operator.inputs if tensor in exact)
            rounded.update(
                {tensor: exact[tensor] for tensor in operator.outputs} if alike else _outputs(operator, rounded, len(batches))
            )
        spans.update({tensor: _span(exact[tensor]) for tensor in operator.outputs if tensor.dtype == "float32"})
        readers.subtract(tensor for tensor in operator.inputs if tensor is not None)
        for tensor in (*operator.inputs, *operator.outputs):
            if not readers[tensor]:  # maps of all pictures at once: none is kept longer than it is read
                exact.pop(tensor, None), rounded.pop(tensor, None)
    return spans, [exact[tensor] for tensor in graph.outputs]


def _span(maps: Maps) -> Span:
    return float(min(values.min() for values in maps)), float(max(values.max() for values in maps))


def _correct(operator: Operator, exact: dict[Tensor, Maps], rounded: dict[Tensor, Maps], pictures: int) -> None:
    kernel, output = KERNELS[operator.code], operator.output
    clamp = CLAMPS[operator.activation]
    linear = {name: option for name, option in operator.options.items() if name not in operator.activation_options}
    inputs = list(operator.inputs)
    inputs[kernel.place] = weights = _at_hand(inputs[kernel.place])
    true = _outputs(Operator(operator.code, list(inputs), [output], linear), exact, pictures)[output]
    inputs[kernel.place] = _rounded(weights, kernel.axis)
    other = _outputs(Operator(operator.code, inputs, [output], linear), rounded, pictures)[output]
    shift = (_mean(other) - _mean(true)).astype(np.float32)
    exact[output] = _clipped(true, clamp)
    rounded[output] = _clipped([values - shift for values in other], clamp)
    bias = operator.inputs[kernel.bias]
    corrected = bias.weights.through(lambda rows, start: rows - shift[start : start + len(rows)])
    operator.inputs[kernel.bias] = Tensor(bias.shape, bias.dtype, bias.layer, bias.role, corrected)


def _clipped(maps: Maps, clamp: Span) -> Maps:
    return maps if clamp == CLAMPS[0] else [values.clip(*clamp) for values in maps]


def _at_hand(kernel: Tensor) -> Tensor:
    """The kernel with its numbers in the file's order, to be read several times, unless they are many."""
    if kernel.weights.nbytes > _LARGE:
        return kernel
    weights = Weights.of(np.concatenate(list(kernel.weights.blocks())))
    return Tensor(kernel.shape, kernel.dtype, kernel.layer, kernel.role, weights)


def _rounded(kernel: Tensor, axis: int) -> Tensor:
    """The kernel as its integers stand for it."""
    steps = np.maximum(largest(kernel.weights, axis) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    shape = [-1 if place == axis else 1 for place in range(len(kernel.shape))]

    def step(rows: np.ndarray, start: int) -> np.ndarray:
        part = (steps[start : start + len(rows)] if axis == 0 else steps).reshape(shape)
        return np.rint(rows / part) * part

    return Tensor(kernel.shape, kernel.dtype, kernel.layer, kernel.role, kernel.weights.through(step))


def _mean(maps: Maps) -> np.ndarray:
    """The mean of each channel, over all places of all pictures."""
    return np.mean([values.mean(axis=tuple(range(values.ndim - 1)), dtype=np.float64) for values in maps], axis=0)


def _outputs(operator: Operator, tensors: dict[Tensor, Maps], pictures: int) -> dict[Tensor, Maps]:
    """What an operator gives for each picture; one that reads constants alone gives the same for all."""
    inputs = list(dict.fromkeys(tensor for tensor in operator.inputs if tensor in tensors))
    ends = [f"input_{place}" for place in range(len(inputs))], [f"output_{place}" for place in range(len(operator.outputs))]
    with running(Graph(inputs, list(operator.outputs), [operator], *ends)) as run:
        results = [run(maps) for maps in zip(*(tensors[tensor] for tensor in inputs), strict=True)] or [run([])] * pictures
    return {tensor: [result[place] for result in results] for place, tensor in enumerate(operator.outputs)}
