"""A float graph run by LiteRT, as it will be in the file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import Graph

_LARGE = 128 << 20  # bytes of weights
Run = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


@contextlib.contextmanager
def running(graph: Graph) -> Iterator[Run]:
    """A function of one array an input that gives the graph's outputs, in its order; the weights lie in a mapped file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        path = Path(folder) / "graph.tflite"
        with path.open("wb") as file:
            for block in Writer(graph).blocks():
                file.write(block)
        # XNNPACK is three times as fast, and holds a copy of the weights.
        large = path.stat().st_size > _LARGE
        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if large else OpResolverType.AUTO
        interpreter = Interpreter(str(path), num_threads=1 if large else 2, experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
        ends = [interpreter.get_input_details(), interpreter.get_output_details()]
        inputs, outputs = ([detail["index"] for detail in details] for details in ends)

        def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
            for index, array in zip(inputs, arrays, strict=True):
                interpreter.set_tensor(index, array)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in outputs]

        yield run
