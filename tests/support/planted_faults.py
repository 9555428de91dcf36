"""Graphs of fifty operators with one among them that the GPU accelerator is known to refuse, or to get wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from converters.tflite.writer.builder import SAME, VALID, Builder
from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import Graph, Tensor

OPERATORS = 50
SHAPE = (1, 9, 11, 8)  # odd sides


class Numbers(Builder):
    """A builder with numbers of its own, drawn once."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.random = np.random.default_rng(0)

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        return self.constant(scale * self.random.normal(size=shape))

    def conv(self, x: Tensor, filters: int, kernel: int = 1, groups: int = 1) -> Tensor:
        inputs = x.shape[-1] // groups
        weights = self.normal(filters, kernel, kernel, inputs, scale=(kernel * kernel * inputs) ** -0.5)
        options = {"padding": SAME, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        return self.emit("CONV_2D", [x, weights, self.zeros((filters,))], (*x.shape[:-1], filters), **options)

    def back(self, x: Tensor) -> Tensor:
        """A map of any channels as one of eight, tamed."""
        return self.unary("TANH", self.conv(x, SHAPE[-1]))


Plant = Callable[[Numbers, Tensor], Tensor]


def _lanes(build: Numbers, x: Tensor) -> Tensor:
    scores = build.subtract(build.conv(x, 5), build.constant(np.full((1, 1, 1, 5), 20.0)))
    places = build.emit("ARG_MAX", [scores, build.constant([3], "int32")], SHAPE[:-1], "int32", outputType=2)
    return build.multiply(x, build.reshape(build.cast(places, "float32"), (*SHAPE[:-1], 1)))


def _transposed(build: Numbers, x: Tensor) -> Tensor:
    large = (1, 18, 22, 8)
    operands = [build.constant(large, "int32"), build.normal(8, 3, 3, 8, scale=0.2), x, build.zeros((8,))]
    up = build.emit("TRANSPOSE_CONV", operands, large, "float32", padding=SAME, strideH=2, strideW=2)
    return build.slice(up, (0, 0, 0, 0), SHAPE)


def _first_row(build: Numbers, x: Tensor) -> Tensor:
    flat = build.reshape(x, (99, 8))
    return build.reshape(build.emit("ADD", [flat, build.normal(99, 8)], (99, 8)), SHAPE)


def _batches(build: Numbers, x: Tensor) -> Tensor:
    return build.back(build.emit("BATCH_MATMUL", [x, build.normal(1, 1, 8, 5)], (*SHAPE[:-1], 5)))


def _groups(build: Numbers, x: Tensor) -> Tensor:
    return build.conv(x, 8, 3, groups=4)


def _sums(build: Numbers, x: Tensor) -> Tensor:
    return build.back(build.emit("CUMSUM", [x, build.constant(2, "int32")], SHAPE, exclusive=True, reverse=False))


def _reverse(build: Numbers, x: Tensor) -> Tensor:
    five = build.conv(x, 5)
    return build.back(build.emit("REVERSE_V2", [five, build.constant([3], "int32")], five.shape))


def _pieces(build: Numbers, x: Tensor) -> Tensor:
    halves = build.emit_many(
        "SPLIT", [build.constant(3, "int32"), x], [(*SHAPE[:-1], 4)] * 2, ["float32"] * 2, numSplits=2
    )
    return build.back(build.emit("ADD", halves, halves[0].shape))


def _padded_pool(build: Numbers, x: Tensor) -> Tensor:
    wide = build.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    return build.emit(
        "AVERAGE_POOL_2D", [wide], SHAPE, padding=VALID, strideH=1, strideW=1, filterHeight=3, filterWidth=3
    )


def _normalized(build: Numbers, x: Tensor) -> Tensor:
    return build.emit("L2_NORMALIZATION", [x], SHAPE)


# Name → what is planted, and the operator that a search should name.
FAULTS: dict[str, tuple[Plant, str]] = {
    "lanes": (_lanes, "ARG_MAX"),
    "transposed": (_transposed, "TRANSPOSE_CONV"),
    "first_row": (_first_row, "ADD"),
    "batches": (_batches, "BATCH_MATMUL"),
    "groups": (_groups, "CONV_2D"),
    "sums": (_sums, "CUMSUM"),
    "reverse": (_reverse, "REVERSE_V2"),
    "pieces": (_pieces, "ADD"),
    "padded_pool": (_padded_pool, "AVERAGE_POOL_2D"),
    "refused": (_normalized, "L2_NORMALIZATION"),
}


def planted(name: str, path: Path, at: int) -> Path:
    """Writes a graph of that many operators, branches and sums among them, with the fault as layer "planted" behind `at` of
    them; without one where the name is empty."""
    image = Tensor(SHAPE, "float32", "image")
    graph = Graph([image], input_names=["image"], output_names=["answer"])
    build = Numbers(graph)
    x = skip = image
    while len(graph.operators) < OPERATORS - 1:
        place = len(graph.operators)
        if name and place >= at:
            build.layer = "planted"
            x, name = FAULTS[name][0](build, x), ""
            continue
        build.layer = f"block_{place}"
        if place % 8 == 0:
            x = build.conv(x, 8, 3)
        elif place % 2:
            x = build.unary("TANH", x)
        else:
            x = build.multiply(x, build.constant(1.0 + build.random.random((1, 1, 1, 8))))
        if place % 4 == 3:
            x, skip = build.add(x, skip), x
    build.layer = "end"
    graph.outputs = [build.conv(x, 5)]
    path.write_bytes(Writer(graph).bytes())
    return path


def written(plant: Plant, path: Path) -> Path:
    """Writes a graph of nothing else."""
    image = Tensor(SHAPE, "float32", "image")
    graph = Graph([image], input_names=["image"], output_names=["answer"])
    graph.outputs = [plant(Numbers(graph), image)]
    path.write_bytes(Writer(graph).bytes())
    return path
