"""A TFLite graph in memory: what layers are lowered to, what passes change, and what `flatbuffer.write` puts into a file.

    graph = Graph([image], [answer], operators)
    for operator in graph.operators:            # in an order in which they can run
        operator.code                           # "CONV_2D", a name of the schema's BuiltinOperator
        operator.inputs, operator.outputs       # Tensors; None for an optional input that is absent
        operator.options                        # the fields of its options table, by the schema's names
        operator.layers                         # the Keras layers that it comes from, the one with the weights first

A `Tensor` is an activation, or a constant where it has `weights` (`weights.Weights`, which read lazily). It is compared by
identity. `dtype` is the file's type ("float32", "float16", "int8", "int32", "bool", …), and an open side is −1.
`quantization` says what integers mean: one scale and zero point, or one for each index of `axis`. A pass that changes a
type or adds a QUANTIZE works on these fields alone; nothing else knows about integers.

Kernels are as TFLite has them: CONV_2D and TRANSPOSE_CONV O×H×W×I, DEPTHWISE_CONV_2D 1×H×W×(I·multiplier), FULLY_CONNECTED
O×I; `KERNELS` has their place among the inputs, their axis of output channels and the place of the bias, which every one
of them has, be it of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.writer.weights import Weights


class Kernel(NamedTuple):
    """Where an operator has its weights."""

    place: int
    axis: int
    bias: int
    image: int = 0


_FUSED = schema.ActivationFunctionType
KERNELS = {
    "CONV_2D": Kernel(1, 0, 2),
    "DEPTHWISE_CONV_2D": Kernel(1, 3, 2),
    "FULLY_CONNECTED": Kernel(1, 0, 2),
    "TRANSPOSE_CONV": Kernel(1, 0, 3, 2),
}


# Activations that an operator may have within it: operator → their number, and number → between what they keep answers.
ACTIVATIONS = {"RELU": _FUSED.RELU, "RELU_N1_TO_1": _FUSED.RELU_N1_TO_1, "RELU6": _FUSED.RELU6}
CLAMPS = {
    _FUSED.NONE: (-np.inf, np.inf),
    _FUSED.RELU: (0.0, np.inf),
    _FUSED.RELU_N1_TO_1: (-1.0, 1.0),
    _FUSED.RELU6: (0.0, 6.0),
}


@dataclass(frozen=True)
class Quantization:
    """The real number behind an integer: scale · (integer − zero point).

    Args:
        scales: float32, one, or one for each index of `axis`.
        zero_points: as many.
        axis: of the tensor, where there are several.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    axis: int = 0


@dataclass(frozen=True)
class Sparsity:
    """The places of a constant's weights in a tensor whose other numbers are zero.

    Args:
        segments: where each row of the last axis begins among the weights, and at last where all end.
        indices: the place of each weight in its row.
    """

    segments: np.ndarray
    indices: np.ndarray


@dataclass(eq=False)
class Tensor:
    """One tensor of the graph.

    Args:
        shape: batch first; −1 where open.
        dtype: of the file.
        layer: that it belongs to.
        role: what it is within the layer, such as "kernel"; empty for the layer's answer.
        weights: of a constant.
        quantization: of integers that stand for real numbers.
        sparsity: of a constant whose `weights` are those alone that are not zero.
        name: set when the graph is complete (`Graph.name_tensors`).
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    layer: str = ""
    role: str = ""
    weights: Weights | None = None
    quantization: Quantization | None = None
    sparsity: Sparsity | None = None
    name: str = ""

    @property
    def constant(self) -> bool:
        """Whether its numbers are in the file."""
        return self.weights is not None

    def array(self) -> np.ndarray:
        """A constant's numbers."""
        return self.weights.array()


@dataclass(eq=False)
class Operator:
    """One operator; see the module's text."""

    code: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    @property
    def activation(self) -> int:
        """The number of the activation within it, 0 for none."""
        return self.options.get("fusedActivationFunction", _FUSED.NONE)

    @property
    def activation_options(self) -> dict[str, int]:
        """The options that give another operator the same activation."""
        return {"fusedActivationFunction": self.activation} if self.activation else {}


@dataclass
class Graph:
    """A graph with the names of what goes in and comes out, in the model's order.

    Its notes tell people of choices that passes made. A graph that was made into integers says what its outputs were before,
    for some of the calibration pictures: a list of arrays an output.
    """

    inputs: list[Tensor]
    outputs: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    output_names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    expected: list[list[np.ndarray]] = field(default_factory=list)

    def producers(self) -> dict[Tensor, Operator]:
        """Each computed tensor's operator."""
        return {tensor: operator for operator in self.operators for tensor in operator.outputs}

    def readers(self) -> dict[Tensor, list[Operator]]:
        """The operators that read each tensor, once for each time that they read it."""
        readers: dict[Tensor, list[Operator]] = {}
        for operator in self.operators:
            for tensor in operator.inputs:
                if tensor is not None:
                    readers.setdefault(tensor, []).append(operator)
        return readers

    def tensors(self) -> list[Tensor]:
        """Every tensor once: inputs, then as operators first use them."""
        used = [*self.inputs]
        for operator in self.operators:
            used += [tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None]
        return list(dict.fromkeys([*used, *self.outputs]))

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Lets every reader of one tensor, and the graph's outputs, read another."""
        for operator in self.operators:
            operator.inputs = [new if tensor is old else tensor for tensor in operator.inputs]
        self.outputs = [new if tensor is old else tensor for tensor in self.outputs]

    def remove(self, operators: Iterable[Operator]) -> None:
        """Takes operators out."""
        gone = set(map(id, operators))
        self.operators = [operator for operator in self.operators if id(operator) not in gone]

    def prune(self) -> None:
        """Takes out what no output depends on."""
        needed, kept = set(self.outputs), []
        for operator in reversed(self.operators):
            if needed.intersection(operator.outputs):
                kept.append(operator)
                needed.update(tensor for tensor in operator.inputs if tensor is not None)
        self.operators = kept[::-1]

    def name_tensors(self) -> None:
        """Gives every tensor a name of its own: the file's inputs and outputs theirs, others `layer` or `layer/role`."""
        ends = dict(zip([*self.inputs, *self.outputs], [*self.input_names, *self.output_names], strict=True))
        taken: set[str] = set(ends.values())
        counts: dict[str, int] = {}
        for tensor in self.tensors():
            if tensor in ends:
                tensor.name = ends[tensor]
                continue
            base = "/".join(part for part in (tensor.layer, tensor.role) if part) or "tensor"
            name = base
            while name in taken:
                counts[base] = counts.get(base, 0) + 1
                name = f"{base}_{counts[base]}"
            taken.add(name)
            tensor.name = name
