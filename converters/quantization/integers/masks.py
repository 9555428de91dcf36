"""Masks of attention, as deep as a softmax can tell: −1e9 beside scores of ±10 would leave eight bits nothing for these.

What is masked gets −1e9, −1e4 or −6e4 added, or is replaced by it, and the integers that a softmax reads have to span that: all
real scores round to one step, and attention becomes a plain mean. A place whose score lies some ten below the least real one
has a share of less than half a step already. So constants are raised to there, what computes a mask is scaled down to there,
and the sum spans no more: kernels cut off what is still lower, so that rows that are masked wholly become uniform.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from converters.quantization.integers.graph import Bits
from converters.quantization.integers.kernels import FIXED, possible_bits
from converters.quantization.integers.scales import Span, span_of
from converters.tflite.writer.graph import KERNELS, Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_MASKED = 64.0  # below the others: no bias that a network learns, as a softmax sees nothing of it
_HUGE = 1e3  # what a mask that is computed reaches, and sums of real scores do not
_BEYOND = 0.02  # of the span: some steps deeper than has to be, as the integers of mask and scores are rounded
_MOVES = frozenset(("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS"))
_SUMS = ("ADD", "SUB")
_Place = tuple[Operator, int]


def limit_masks(graph: Graph, spans: dict[Tensor, Span], bits: Bits) -> None:
    """Raises what masks scores to little below them, in place, where a softmax in integers alone reads them.

    An input of the graph that is added as it comes is cut off at that depth where it becomes integers. A mask that hides
    nothing on any picture stays as it is, as its depth is not known.

    Args:
        graph: in float32, at a static size, in the forms that are to be integers.
        spans: of its tensors; those of what is masked change.
        bits: of each operator's activations.
    """
    margins = _margins(graph, bits)
    if margins:
        _Masks(graph, spans, margins).run()


def _margins(graph: Graph, bits: Bits) -> dict[Tensor, float]:
    """The tensors that lead to softmaxes alone, and how far below the rest a score has no share there."""
    margins: dict[Tensor, float] = {}
    readers = graph.readers()
    for tensor in (*(operator.output for operator in reversed(graph.operators)), *graph.inputs):
        own = [_margin(reader, bits, margins) for reader in readers.get(tensor, ())]
        if own and None not in own and tensor not in graph.outputs and tensor.dtype == "float32":
            margins[tensor] = max(own)
    return margins


def _margin(reader: Operator, bits: Bits, margins: Mapping[Tensor, float]) -> float | None:
    if reader.code != "SOFTMAX":
        passes = reader.code in (*_MOVES, *_SUMS, "SELECT_V2") and not reader.activation
        return margins.get(reader.output) if passes else None
    width = possible_bits(reader, bits(reader))
    # A whole row of such places has half a step of the answer's integers together.
    return math.log(2 * reader.output.shape[-1] / FIXED["SOFTMAX"][width][0]) if width else None


class _Masks:
    def __init__(self, graph: Graph, spans: dict[Tensor, Span], margins: Mapping[Tensor, float]) -> None:
        self.graph, self.spans, self.margins = graph, spans, margins
        self.producers, self.readers = graph.producers(), graph.readers()
        self.real: dict[Tensor, Span] = {}  # of what is masked, without what masks it
        self.depths: dict[Tensor, float] = {}  # of computed masks, which several layers may share

    def run(self) -> None:
        for operator in self.graph.operators:
            output = operator.output
            if output not in self.margins or output not in self.spans:
                continue
            if operator.code in _SUMS:
                self._sum(operator)
            elif operator.code == "SELECT_V2":
                self._choice(operator)
            elif operator.code in _MOVES and operator.inputs[0] in self.real:
                self._masked(output, self.real[operator.inputs[0]])
        for mask, depth in self.depths.items():
            self._scale(mask, depth)

    def _scores(self, tensor: Tensor) -> Span | None:
        return span_of(tensor) if tensor.constant else self.real.get(tensor, self.spans.get(tensor))

    def _masked(self, tensor: Tensor, real: Span) -> None:
        """Notes what real scores a tensor has; what is masked among them lies where it ends."""
        self.real[tensor], self.spans[tensor] = real, (real[0] - self.margins[tensor], real[1])

    def _addend(self, tensor: Tensor, scores: Span) -> float:
        """What takes any of the scores to the end of a tensor that they are masked in."""
        low, high = self.spans[tensor]
        return low - scores[1] - _BEYOND * (high - low)

    # -------------------------------------------------------------------------------------------- sums

    def _sum(self, operator: Operator) -> None:
        for place in (1,) if operator.code == "SUB" else (1, 0):
            scores, mask = operator.inputs[1 - place], operator.inputs[place]
            span, sign = self._scores(scores), -1 if operator.code == "SUB" else 1
            if span is None or scores.constant:
                continue
            if mask.constant:
                self._constant(operator, place, span, sign)
            elif self._hides(mask, sign):
                self._masked(operator.output, span)
                source = self._source(mask)
                self.depths[source] = max(self.depths.get(source, 0.0), -self._addend(operator.output, span))

    def _constant(self, operator: Operator, place: int, span: Span, sign: int) -> None:
        values = sign * operator.inputs[place].array().astype(np.float64)
        never = values < values.max() - _MASKED - (span[1] - span[0]) - self.margins[operator.output]
        if never.any():
            seen = values[~never]
            self._masked(operator.output, (span[0] + float(seen.min()), span[1] + float(seen.max())))
            self._put(operator, place, sign * np.where(never, self._addend(operator.output, span), values))
        elif scores := self.real.get(operator.inputs[1 - place]):
            self._masked(operator.output, (scores[0] + float(values.min()), scores[1] + float(values.max())))

    def _hides(self, mask: Tensor, sign: int) -> bool:
        """Whether a computed tensor is nothing or hugely negative, and can be scaled."""
        if mask not in self.spans or mask not in self.margins:
            return False
        low, high = sorted(sign * end for end in self.spans[mask])
        return low < -_HUGE and high <= 0 and self._changeable(self._source(mask)) is not None

    def _source(self, mask: Tensor) -> Tensor:
        """What several layers may read, each in a shape of its own."""
        operator = self.producers.get(mask)
        while operator is not None and operator.code in _MOVES and operator.inputs[0] in self.margins:
            mask = operator.inputs[0]
            operator = self.producers.get(mask)
        return mask

    # -------------------------------------------------------------------------------------------- choices

    def _choice(self, operator: Operator) -> None:
        for place in (2, 1):
            mask, scores = operator.inputs[place], operator.inputs[3 - place]
            span, low = self._scores(scores), self._scores(mask)
            if span is None or low is None or scores.constant or low[1] >= span[0] - _MASKED:
                continue
            before = self.producers.get(mask)
            if mask.constant:
                self._masked(operator.output, span)
                self._put(operator, place, np.full(mask.shape, self.spans[operator.output][0]))
            elif self._lowers(before) and self.readers[mask] == [operator]:
                self._masked(operator.output, span)
                self._put(before, 1, np.copysign(self._addend(operator.output, span), before.inputs[1].array()))
                self.spans[mask] = self.spans[operator.output]
            return

    def _lowers(self, operator: Operator | None) -> bool:
        """Whether an operator adds nothing but huge negative constants."""
        if operator is None or operator.code not in _SUMS or operator.activation or not operator.inputs[1].constant:
            return False
        return bool((operator.inputs[1].array() * (-1 if operator.code == "SUB" else 1) < -_HUGE).all())

    # -------------------------------------------------------------------------------------------- what is computed

    def _changeable(self, mask: Tensor) -> tuple[list[_Place], list[Tensor]] | None:
        """`_sources`; an input has none, and is cut off where it is turned into integers of a span that ends sooner."""
        return ([], [mask]) if mask in self.graph.inputs else self._sources(mask)

    def _sources(self, tensor: Tensor) -> tuple[list[_Place], list[Tensor]] | None:
        """The constants that a tensor is proportional to, and what is between; None where it hangs on others."""
        operator = self.producers.get(tensor)
        if operator is None or operator.activation or tensor not in self.spans:
            return None
        if operator.code in KERNELS:
            kernel = KERNELS[operator.code]
            places = [kernel.place, kernel.bias]
            constant = all(operator.inputs[place] is not None and operator.inputs[place].constant for place in places)
            return ([(operator, place) for place in places], [tensor]) if constant else None
        if operator.code == "MUL":
            places = [max((0, 1), key=lambda place: self._size(operator.inputs[place]))]
        elif operator.code in (*_SUMS, "SELECT_V2"):
            places = range(len(operator.inputs))[-2:]
        elif operator.code in (*_MOVES, "TILE", "SLICE", "STRIDED_SLICE", "GATHER"):
            places = [0]
        else:
            return None
        constants, between = [], [tensor]
        for place in places:
            part = operator.inputs[place]
            if part.constant:
                constants.append((operator, place))
                continue
            inner = self._sources(part) if all(reader is operator for reader in self.readers[part]) else None
            if inner is None or part in self.graph.outputs:
                return None
            constants, between = constants + inner[0], between + inner[1]
        return constants, between

    def _size(self, tensor: Tensor) -> float:
        return max(map(abs, span_of(tensor) if tensor.constant else self.spans.get(tensor, (0.0, 0.0))))

    def _scale(self, mask: Tensor, depth: float) -> None:
        constants, between = self._changeable(mask)
        factor = min(1.0, depth / self._size(mask))
        for operator, place in constants:
            self._put(operator, place, operator.inputs[place].array() * factor)
        changed = set(between)
        for operator in self.graph.operators:
            if operator.code in _MOVES and operator.inputs[0] in changed:
                changed.add(operator.output)
        for tensor in changed & self.spans.keys():
            low, high = self.spans[tensor]
            self.spans[tensor] = low * factor, high * factor

    @staticmethod
    def _put(operator: Operator, place: int, values: np.ndarray) -> None:
        """Another constant in a constant's place, which others may read."""
        old = operator.inputs[place]
        weights = Weights.of(values.astype(np.float32).reshape(old.shape))
        operator.inputs[place] = Tensor(old.shape, old.dtype, old.layer, old.role, weights)
