"""A float graph of a network in integers, from pictures: the steps in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from converters.quantization.calibration import JUDGED
from converters.quantization.integers.bias_correction import correct_biases
from converters.quantization.integers.forms import prepare
from converters.quantization.integers.graph import to_integers
from converters.quantization.integers.inference import infer
from converters.quantization.integers.kernels import possible_bits
from converters.quantization.integers.masks import limit_masks
from converters.quantization.integers.measuring import measure
from converters.quantization.integers.running import running
from converters.quantization.integers.scales import Span
from converters.tflite.writer.graph import Graph, Operator
from zoo.errors import InputError

_ENOUGH = 8  # pictures for means over all positions
_PICTURE = 4  # axes of an input that is a picture; a state has fewer


@dataclass(frozen=True)
class Widths:
    """The bits of each operator's activations.

    Args:
        bits: of most of them, 8 or 16.
        floating: layers whose operators stay in float32.
        wide: layers whose operators compute with 16 bits.
    """

    bits: int = 8
    floating: Set[str] = frozenset()
    wide: Set[str] = frozenset()

    def __call__(self, operator: Operator) -> int:
        """8, 16, or 0 for float32."""
        layers = set(operator.layers)
        return 0 if layers & self.floating else 16 if layers & self.wide else self.bits

    def check(self, graph: Graph) -> None:
        """Raises InputError for layers that were to compute with 16 bits and have no such form."""
        possible: dict[str, bool] = {}
        for operator in graph.operators:
            for layer in set(operator.layers) & (self.wide - self.floating):
                possible[layer] = possible.get(layer, False) or possible_bits(operator, 16) == 16
        narrow = sorted(layer for layer, wide in possible.items() if not wide)
        if narrow:
            raise InputError(f"keep_int16: {', '.join(narrow)} has no 16-bit form; keep it in float: keep_float=")


def quantize(
    graph: Graph,
    batches: Sequence[Sequence[np.ndarray]],
    widths: Widths,
    ends: str = "float32",
    correct_bias: bool = True,
    known: Mapping[str, Span] | None = None,
    bytes_in: Set[str] | None = None,
) -> None:
    """Turns a graph in float32 into one in integers, in place.

    Args:
        graph: at a static size, its passes done.
        batches: pictures, one float32 array an input each; none where all spans are known.
        widths: the bits of its operators.
        ends: "float32", "int8" or "uint8": the type of inputs and outputs.
        correct_bias: whether biases make up for the mean error of rounded kernels.
        known: what layers' answers span, by the layer's name, as training learnt it; these are not measured.
        bytes_in: the names of inputs that hold 0–255, whatever these pictures do; by default of all that have four axes.

    Raises:
        InputError: for a layer without a 16-bit form, or where nothing is known of what a tensor spans.
    """
    prepare(graph, widths)
    widths.check(graph)
    spans, rest = {}, list(batches)
    if correct_bias:
        spans, answers = correct_biases(graph, rest[:_ENOUGH], widths)
        graph.expected, rest = [maps[:JUDGED] for maps in answers], rest[_ENOUGH:]
    elif rest:
        graph.expected = _answers(graph, rest[:JUDGED])
    if rest:
        for tensor, (low, high) in measure(graph, rest).items():
            old = spans.get(tensor, (low, high))
            spans[tensor] = min(low, old[0]), max(high, old[1])
    computed = {tensor for tensor in graph.tensors() if not tensor.role and not tensor.constant}
    learnt = {tensor: known[tensor.layer] for tensor in computed if known and tensor.layer in known}
    spans.update(learnt)
    named = zip(graph.input_names, graph.inputs, strict=True)
    pictures = [tensor for name, tensor in named if (len(tensor.shape) == _PICTURE if bytes_in is None else name in bytes_in)]
    spans.update(dict.fromkeys(pictures, (0.0, 255.0)))  # a picture's, whatever these ones hold
    spans = infer(graph, spans)
    limit_masks(graph, spans, widths)
    to_integers(graph, spans, widths, ends, learnt.keys())


def _answers(graph: Graph, batches: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """What each output is for each picture."""
    with running(graph) as run:
        results = [run(batch) for batch in batches]
    return [list(maps) for maps in zip(*results, strict=True)]
