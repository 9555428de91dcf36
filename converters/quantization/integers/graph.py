"""A float graph in integers: every operator that has an integer kernel, with conversions only where numbers change.

Each operator computes in 8 bits, in 16, or in float32. A tensor is made by one operator, in its bits and at one scale; a reader
that wants other bits, or has to read at another scale, gets a conversion of it, which all such readers share. Tensors between
which kernels copy integers form groups of one scale: that of all that the group spans. What spans much less than the rest of
what it is joined to, and is read elsewhere too, is converted first and keeps its own scale there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from converters.quantization.integers.kernels import FIXED, ONE_SCALE, possible_bits
from converters.quantization.integers.scales import (
    Scale,
    Span,
    constant,
    kernel_scales,
    rounded_bias,
    rounded_kernel,
    scale_of,
    span_of,
)
from converters.tflite.writer.graph import KERNELS, Graph, Operator, Tensor
from zoo.errors import InputError

_DROWNED = 8.0  # times as much as a tensor spans, beside which five bits are left of its eight
_SLACK = 1.01  # how far beyond a built-in scale a group may span and still take it: by a quantum or two
Bits = Callable[[Operator], int]


@dataclass(eq=False)
class _Form:
    """A tensor in some bits: as it is made, or as it is read; several of one scale are joined."""

    bits: int
    span: Span
    fixed: Scale | None = None  # as the kernel that makes it has it, or training; readers of such a form join another
    wish: Scale | None = None  # of a reading of a fixed form
    joined: _Form | None = field(default=None, repr=False)

    def root(self) -> _Form:
        """The form that stands for all that are joined."""
        return self if self.joined is None else self.joined.root()

    def join(self, other: _Form) -> None:
        """Gives two forms one scale."""
        one, two = self.root(), other.root()
        if one is not two:
            one.reach(two.span)
            one.wish = one.wish if two.wish is None else two.wish
            two.joined = one

    def reach(self, span: Span) -> None:
        """Lets the scale span this too."""
        root = self.root()
        root.span = min(root.span[0], span[0]), max(root.span[1], span[1])

    @property
    def scale(self) -> Scale | None:
        """The scale of the integers, None of float32."""
        root = self.root()
        if not root.bits:
            return None
        if root.fixed is not None:
            return root.fixed
        if root.wish is not None:
            (low, high), (least, greatest) = root.span, root.wish.span
            if low >= least * _SLACK and high <= greatest * _SLACK:
                return root.wish
        return scale_of(root.span, root.bits)


def to_integers(
    graph: Graph, spans: Mapping[Tensor, Span], bits: Bits, ends: str = "float32", settled: Set[Tensor] = frozenset()
) -> None:
    """Turns a graph in float32 into one in integers, in place.

    Args:
        graph: with operators that have integer kernels (`integers.forms.prepare`) where that is possible.
        spans: of every float tensor that is computed, and of the inputs.
        bits: 8 or 16 for an operator's activations, 0 for float32.
        ends: "float32", "int8" or "uint8", the type of inputs and outputs that are real numbers.
        settled: tensors whose spans are not to be widened for a group's sake, as those that training has learnt.

    Raises:
        InputError: for a tensor of which nobody knows what it spans.
    """
    _Conversion(graph, spans, bits, ends, settled).run()


class _Conversion:
    def __init__(
        self, graph: Graph, spans: Mapping[Tensor, Span], bits: Bits, ends: str, settled: Set[Tensor]
    ) -> None:
        self.graph, self.spans, self.ends, self.settled = graph, spans, ends, settled
        self.bits = {id(operator): possible_bits(operator, bits(operator)) for operator in graph.operators}
        self.bits.update(dict.fromkeys(_counting(graph), 0))
        if ends == "float32":
            self.bits.update(dict.fromkeys(_joining_last(graph), 0))
        self.made: dict[Tensor, _Form] = {}
        self.read: dict[tuple[Tensor, int], _Form] = {}
        self.forms: dict[Tensor, Tensor] = {}  # tensor → with its final type, where that is not what it was
        self.converted: dict[tuple[Tensor, Scale | None], Tensor] = {}
        self.apart: set[tuple[int, Tensor]] = set()
        self.operators: list[Operator] = []

    def run(self) -> None:
        for tensor in self.graph.inputs:
            if tensor.dtype == "float32":
                integer = self.ends != "float32"
                scale = scale_of(self._span(tensor), 8) if integer else None
                self.made[tensor] = _Form(8 if integer else 0, self._span(tensor) if integer else (0.0, 0.0), scale)
        for operator in self.graph.operators:
            self._make(operator)
        self.apart.update(self._drowning())
        for operator in self.graph.operators:
            if operator.code in ONE_SCALE and self.bits[id(operator)]:
                self._join(operator)
        self._begin()
        for operator in self.graph.operators:
            self._write(operator)
        self._end()
        self.graph.operators = self.operators

    def _span(self, tensor: Tensor) -> Span:
        if tensor not in self.spans:
            where = f"'{tensor.layer}'" + (f", {tensor.role}" if tensor.role else "")
            raise InputError(f"nobody has measured what layer {where} spans: pass calibration=, dozens of training images")
        return self.spans[tensor]

    # -------------------------------------------------------------------------------------------- forms

    def _make(self, operator: Operator) -> None:
        bits = self.bits[id(operator)]
        for tensor in operator.outputs:
            if tensor.dtype == "float32":
                fixed = FIXED.get(operator.code, {}).get(bits)
                scale = None if fixed is None else Scale(*fixed, bits)
                span = self._span(tensor) if bits and not scale else (0.0, 0.0)
                scale = scale_of(span, bits) if bits and not scale and tensor in self.settled else scale
                self.made[tensor] = _Form(bits, span, scale)

    def _reading(self, operator: Operator, tensor: Tensor) -> _Form:
        """The form in which an operator reads a tensor."""
        bits, made = self.bits[id(operator)], self.made[tensor]
        shares = operator.code in ONE_SCALE
        if made.bits == bits and not (shares and (made.fixed or (id(operator), tensor) in self.apart)):
            return made
        if (tensor, bits) not in self.read:
            span = made.fixed.span if made.fixed else self._span(tensor) if bits else (0.0, 0.0)
            wish = made.fixed if made.bits == bits else None
            self.read[tensor, bits] = _Form(bits, span, wish=wish)
        return self.read[tensor, bits]

    def _drowning(self) -> Iterator[tuple[int, Tensor]]:
        """Operators and what they read, where the scale of what is read beside it would leave little for its other readers."""
        readers = Counter(tensor for operator in self.graph.operators for tensor in operator.inputs if tensor is not None)
        for operator in self.graph.operators:
            if operator.code in ONE_SCALE and self.bits[id(operator)]:
                spans = {tensor: self._span(tensor) for tensor in _activations(operator)}
                widest = max((high - low for low, high in spans.values()), default=0.0)
                for tensor, (low, high) in spans.items():
                    if readers[tensor] > 1 and widest > _DROWNED * (high - low):
                        yield id(operator), tensor

    def _join(self, operator: Operator) -> None:
        outputs = [self.made[tensor] for tensor in operator.outputs if tensor.dtype == "float32"]
        for tensor in _activations(operator):
            outputs[0].join(self._reading(operator, tensor))
        for other in outputs[1:]:
            outputs[0].join(other)
        for tensor in operator.inputs:
            if tensor is not None and tensor.constant and tensor.dtype == "float32":
                outputs[0].reach(span_of(tensor))

    # -------------------------------------------------------------------------------------------- operators

    def _begin(self) -> None:
        """Inputs in their final type; one of bytes is turned into int8 once."""
        for place, tensor in enumerate(self.graph.inputs):
            scale = self.made[tensor].scale if tensor in self.made else None
            if scale is None:
                continue
            self._retype(tensor, scale)
            if self.ends == "uint8":
                self.graph.inputs[place] = unsigned = _unsigned(tensor, scale)
                self.operators.append(Operator("QUANTIZE", [unsigned], [tensor], {}, (tensor.layer,)))

    def _write(self, operator: Operator) -> None:
        bits = self.bits[id(operator)]
        for tensor in operator.outputs:
            if tensor in self.made and bits:
                self._retype(tensor, self.made[tensor].scale)
        inputs = list(operator.inputs)
        for place, tensor in enumerate(inputs):
            if tensor in self.made:
                inputs[place] = self._as(tensor, self._reading(operator, tensor).scale)
        if bits:
            self._constants(operator, inputs, bits)
        operator.inputs = inputs
        self.operators.append(operator)

    def _constants(self, operator: Operator, inputs: list[Tensor | None], bits: int) -> None:
        """Puts constants in integers among an operator's inputs."""
        kernel = KERNELS.get(operator.code)
        if kernel is not None:
            image = self._reading(operator, operator.inputs[kernel.image]).scale
            weights, bias = inputs[kernel.place], inputs[kernel.bias]
            scales = kernel_scales(weights, kernel.axis, bias.array(), image, self.made[operator.output].scale)
            inputs[kernel.place] = rounded_kernel(weights, kernel.axis, scales)
            inputs[kernel.bias] = rounded_bias(bias, image, scales)
            return
        shared = self.made[operator.output].scale if operator.code in ONE_SCALE else None
        for place, tensor in enumerate(inputs):
            if tensor is not None and tensor.constant and tensor.dtype == "float32":
                inputs[place] = constant(tensor, shared or scale_of(span_of(tensor), bits))

    def _end(self) -> None:
        """Outputs in the type that was asked for."""
        for place, tensor in enumerate(self.graph.outputs):
            if tensor not in self.made:
                continue
            scale = self.made[tensor].scale
            if self.ends == "float32":
                self.graph.outputs[place] = self._as(tensor, None)
                continue
            scale = scale if scale is not None and scale.bits == 8 else scale_of(self._span(tensor), 8)
            output = self._as(tensor, scale)
            if self.ends == "uint8":
                unsigned = _unsigned(output, scale)
                self.operators.append(Operator("QUANTIZE", [output], [unsigned], {}, (output.layer,)))
                output = unsigned
            self.graph.outputs[place] = output

    def _as(self, tensor: Tensor, scale: Scale | None) -> Tensor:
        """A tensor at a scale, None for float32: as it is, or by a conversion that all such readers share."""
        made = self.made[tensor].scale
        if made == scale:
            return tensor
        if (tensor, scale) not in self.converted:
            code = "DEQUANTIZE" if scale is None else "QUANTIZE"
            result = Tensor(tensor.shape, "float32", tensor.layer, code.lower())
            if scale is not None:
                result.dtype, result.quantization = scale.dtype, scale.quantization()
            self.operators.append(Operator(code, [tensor], [result], {}, (tensor.layer,)))
            self.converted[tensor, scale] = result
        return self.converted[tensor, scale]

    @staticmethod
    def _retype(tensor: Tensor, scale: Scale) -> None:
        tensor.dtype, tensor.quantization = scale.dtype, scale.quantization()


def _counting(graph: Graph) -> set[int]:
    """Operators whose answers only become whole numbers, as indices: 17 that is 16.96 in eight bits would be cut to 16."""
    result: set[int] = set()
    readers: dict[Tensor, list[Operator]] = {}
    for operator in graph.operators:
        for tensor in operator.inputs:
            readers.setdefault(tensor, []).append(operator)
    for operator in reversed(graph.operators):
        reading = [reader for tensor in operator.outputs for reader in readers.get(tensor, ())]
        ends = any(tensor in graph.outputs for tensor in operator.outputs)
        if reading and not ends and all(id(reader) in result or _cuts(reader) for reader in reading):
            result.add(id(operator))
    return result


def _joining_last(graph: Graph) -> set[int]:
    """Operators, as indices, that lay what is answered side by side at the very end: in float32 each part has its own scale."""
    readers, producers, result = graph.readers(), graph.producers(), set()
    for tensor in graph.outputs:
        path, operator = [], producers.get(tensor)
        while operator is not None and operator.code == "RESHAPE" and not readers.get(operator.output):
            path.append(operator)
            operator = producers.get(operator.inputs[0])
        if operator is not None and operator.code == "CONCATENATION":
            alone = all(reader in path for reader in readers.get(operator.output, ()))
            result |= {id(each) for each in (*path, operator)} if alone else set()
    return result


def _cuts(operator: Operator) -> bool:
    return operator.code == "CAST" and operator.output.dtype == "int32"


def _activations(operator: Operator) -> Iterator[Tensor]:
    for tensor in operator.inputs:
        if tensor is not None and not tensor.constant and tensor.dtype == "float32":
            yield tensor


def _unsigned(tensor: Tensor, scale: Scale) -> Tensor:
    """The tensor in bytes from 0: the same numbers, 128 further up."""
    return Tensor(tensor.shape, "uint8", tensor.layer, "uint8", None, scale._replace(zero=scale.zero + 128).quantization())
