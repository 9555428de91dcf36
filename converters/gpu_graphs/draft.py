"""A graph that is computed while it is drawn: each operator's float64 answer to the samples gives its output's shape too.

    draft = Draft(seed=0)
    x = draft.input((1, 5, 7, 6))
    y = draft.op("CONV_2D", x, draft.weights(8, 3, 3, 6), draft.constant(np.zeros(8)), strideH=1, strideW=1)
    draft.result(y)
    draft.bytes(), draft.feeds, draft.answers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.gpu_graphs.truth import compute
from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

SAMPLES = 2
DESCRIPTION = "a graph of zoo gpu-probe"
_REAL = {"float32": np.float64, "float16": np.float64, "int8": np.float64}


@dataclass(eq=False)
class Value:
    """A tensor of the graph with what it holds for each sample; of a constant, the same for all."""

    tensor: Tensor
    samples: list[np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.tensor.shape


class Draft:
    """One graph under the pen.

    Args:
        seed: of the weights and the samples.
        samples: how many.
    """

    def __init__(self, seed: int = 0, samples: int = SAMPLES) -> None:
        self.graph = Graph([])
        self.values: dict[Tensor, Value] = {}
        self._random = np.random.default_rng(seed)
        self._count = samples

    # ------------------------------------------------------------------------------------------------ ends

    def input(
        self,
        shape: Sequence[int],
        make: Callable[[np.random.Generator, Sequence[int]], np.ndarray] | None = None,
        dtype: str = "float32",
    ) -> Value:
        """What the caller feeds; normal numbers of both signs unless `make` gives others, never the same twice."""
        make = make or (lambda random, sides: random.normal(size=sides))
        samples = [make(self._random, shape).astype(dtype) for _ in range(self._count)]
        tensor = Tensor(tuple(shape), dtype)
        self.graph.inputs.append(tensor)
        self.graph.input_names.append(f"input_{len(self.graph.inputs)}")
        return self._keep(tensor, [sample.astype(_REAL.get(dtype, dtype)) for sample in samples])

    def result(self, *values: Value) -> None:
        """What the graph gives back."""
        for value in values:
            self.graph.outputs.append(value.tensor)
            self.graph.output_names.append(f"output_{len(self.graph.outputs)}")

    # ------------------------------------------------------------------------------------------------ constants

    def constant(self, numbers: Any, dtype: str | None = None) -> Value:
        """Numbers in the file: floats as float32, integers as int32, unless a type is named."""
        array = np.asarray(numbers)
        dtype = dtype or {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}[array.dtype.kind]
        stored = array.astype(dtype)
        tensor = Tensor(stored.shape, dtype, role="constant", weights=Weights.of(stored))
        return self._keep(tensor, [stored.astype(_REAL.get(dtype, dtype))] * self._count)

    def weights(self, *shape: int) -> Value:
        """Random numbers that keep a layer's answers at a variance of about 1; the first axis is the outputs'."""
        return self.constant(self._random.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 1)))

    def uniform(self, low: float, high: float, *shape: int) -> Value:
        """A constant of random numbers between two."""
        return self.constant(self._random.uniform(low, high, shape))

    # ------------------------------------------------------------------------------------------------ operators

    def op(self, code: str, *inputs: Value | None, dtype: str | None = None, **options: Any) -> Value:
        """An operator of one output."""
        return self.several(code, *inputs, dtypes=[dtype], **options)[0]

    def several(
        self, code: str, *inputs: Value | None, dtypes: Sequence[str | None] = (None,), **options: Any
    ) -> list[Value]:
        """An operator of several outputs."""
        results = [
            compute(code, options, [None if value is None else value.samples[index] for value in inputs])
            for index in range(self._count)
        ]
        types = [*dtypes, *[None] * len(results[0])]
        outputs = [
            self._keep(Tensor(first.shape, types[place] or _stored(first), role=code.lower()), [row[place] for row in results])
            for place, first in enumerate(results[0])
        ]
        options = {name: value for name, value in options.items() if name not in ("to", "k")}
        tensors = [None if value is None else value.tensor for value in inputs]
        self.graph.operators.append(Operator(code, tensors, [output.tensor for output in outputs], options))
        return outputs

    def cast(self, x: Value, dtype: str) -> Value:
        """The numbers in another type."""
        types = {"inDataType": _number(x.tensor.dtype), "outDataType": _number(dtype)}
        return self.op("CAST", x, dtype=dtype, to=dtype, **types)

    def reshape(self, x: Value, *shape: int) -> Value:
        """The same numbers in another shape."""
        return self.op("RESHAPE", x, self.constant(shape), newShape=list(shape))

    def conv(self, x: Value, filters: int, kernel: int = 3, **options: Any) -> Value:
        """A convolution with random weights and a bias, "same" unless the options say otherwise."""
        sides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
        weights = self.weights(filters, kernel, kernel, x.shape[-1])
        return self.op("CONV_2D", x, weights, self.uniform(-0.5, 0.5, filters), **sides | options)

    # ------------------------------------------------------------------------------------------------ what comes of it

    @property
    def feeds(self) -> list[list[np.ndarray]]:
        """The inputs of each sample, as the file takes them."""
        return [
            [self.values[tensor].samples[index].astype(tensor.dtype) for tensor in self.graph.inputs]
            for index in range(self._count)
        ]

    @property
    def answers(self) -> list[list[np.ndarray]]:
        """The true outputs of each sample."""
        return [[self.values[tensor].samples[index] for tensor in self.graph.outputs] for index in range(self._count)]

    def bytes(self) -> bytes:
        """The file."""
        return Writer(self.graph, DESCRIPTION).bytes()

    def _keep(self, tensor: Tensor, samples: list[np.ndarray]) -> Value:
        self.values[tensor] = value = Value(tensor, samples)
        return value


def _stored(array: np.ndarray) -> str:
    return {"f": "float32", "i": "int32", "b": "bool"}[array.dtype.kind]


def _number(dtype: str) -> int:
    return getattr(schema.TensorType, dtype.upper())
