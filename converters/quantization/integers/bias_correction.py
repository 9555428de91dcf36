"""Bias correction in a TFLite graph: the mean error that rounded kernels make is taken out of the biases.

`converters.quantization.bias_correction` does it in a Keras model and says why. Here the graph of the file is run, operator by
operator, as it is and with rounded kernels; so no second model is made, a part of one kernel is in memory at a time, and the
numbers are the same on every backend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from converters.quantization.integers.graph import Bits
from converters.quantization.integers.kernels import possible_bits
from converters.quantization.integers.running import running
from converters.quantization.integers.scales import Span, largest
from converters.tflite.writer.graph import CLAMPS, KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_LARGE = 64 << 20  # bytes of weights at a time
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
    kernel, output, parts = KERNELS[operator.code], operator.output, []
    for part in _parts(operator):
        true = _outputs(part, exact, pictures)[part.output]
        part.inputs[kernel.place] = _rounded(part.inputs[kernel.place], kernel.axis)
        other = _outputs(part, rounded, pictures)[part.output]
        shift = (_mean(other) - _mean(true)).astype(np.float32)
        for values in other:
            values -= shift
        parts.append((_clipped(true, operator.activation), _clipped(other, operator.activation), shift))
    trues, others, shifts = zip(*parts, strict=True)
    exact[output], rounded[output], shift = _joined(trues), _joined(others), np.concatenate(shifts)
    bias = operator.inputs[kernel.bias]
    corrected = bias.weights.through(lambda rows, start: rows - shift[start : start + len(rows)])
    operator.inputs[kernel.bias] = Tensor(bias.shape, bias.dtype, bias.layer, bias.role, corrected)


def _clipped(maps: Maps, activation: int) -> Maps:
    """The maps behind an activation, in place."""
    for values in maps if activation else ():
        values.clip(*CLAMPS[activation], out=values)
    return maps


def _joined(parts: Sequence[Maps]) -> Maps:
    """Maps of some channels each as maps of all."""
    return parts[0] if len(parts) == 1 else [np.concatenate(maps, axis=-1) for maps in zip(*parts, strict=True)]


def _parts(operator: Operator) -> Iterator[Operator]:
    """The operator without its activation and its kernel's numbers at hand; of a large one some output channels at a time."""
    kernel, output = KERNELS[operator.code], operator.output
    linear = {name: option for name, option in operator.options.items() if name not in operator.activation_options}
    weights, bias, start = operator.inputs[kernel.place], operator.inputs[kernel.bias], 0
    for rows in _pieces(weights.weights):
        inputs, result = list(operator.inputs), output
        inputs[kernel.place] = _constant(weights, rows)
        if len(rows) < weights.shape[0]:
            result = Tensor((*output.shape[:-1], len(rows)), output.dtype, output.layer)
            inputs[kernel.bias] = _constant(bias, bias.array()[start : start + len(rows)])
            if operator.code == "TRANSPOSE_CONV":
                inputs[0] = _constant(inputs[0], np.array(result.shape, np.int32))
        yield Operator(operator.code, inputs, [result], linear)
        start += len(rows)


def _constant(like: Tensor, values: np.ndarray) -> Tensor:
    return Tensor(values.shape, like.dtype, like.layer, like.role, Weights.of(values))


def _pieces(weights: Weights) -> Iterator[np.ndarray]:
    """All rows in the file's order, in pieces not much larger than what may be in memory at once."""
    blocks: list[np.ndarray] = []
    for block in weights.blocks():
        blocks.append(block)
        if sum(each.nbytes for each in blocks) >= _LARGE:
            yield np.concatenate(blocks)
            blocks.clear()
    if blocks:
        yield np.concatenate(blocks)


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
        feeds = list(zip(*(tensors[tensor] for tensor in inputs), strict=True)) or [()] * pictures
        results = [run(maps) for maps in feeds]
    return {tensor: [result[place] for result in results] for place, tensor in enumerate(operator.outputs)}
