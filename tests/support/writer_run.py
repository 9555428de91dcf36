"""Runs a graph of the writer's beside the Keras model that it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.tflite.writer import lowering
from converters.tflite.writer.graph import Graph
from converters.tflite.writer.passes.pipeline import optimize

KERNELS = {
    "xnnpack": OpResolverType.AUTO,
    "plain": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def written(model: keras.Model, shapes: Sequence[Sequence[int | None]] | None = None) -> Graph:
    """The graph that goes into a file, inputs `in0`, … and outputs `out0`, …"""
    shapes = shapes or [(1, *tensor.shape[1:]) for tensor in model.inputs]
    names = [f"in{place}" for place in range(len(shapes))], [f"out{place}" for place in range(len(model.outputs))]
    graph = lowering.lower(model, shapes, *names)
    optimize(graph)
    return graph


def codes(graph: Graph) -> Counter[str]:
    """How often each operator occurs."""
    return Counter(operator.code for operator in graph.operators)


def inputs_of(model: keras.Model, shapes: Sequence[Sequence[int]], seed: int = 0) -> list[np.ndarray]:
    """Numbers for each input: normal, or whole ones from 0 to 7."""
    random = np.random.default_rng(seed)
    arrays = []
    for tensor, shape in zip(model.inputs, shapes, strict=True):
        whole = "float" not in tensor.dtype
        values = random.integers(0, 2 if tensor.dtype == "bool" else 8, shape) if whole else random.normal(size=shape)
        arrays.append(values.astype(tensor.dtype if whole else "float32"))
    return arrays


def answers(content: bytes, arrays: Sequence[np.ndarray], kernels: str = "xnnpack") -> list[np.ndarray]:
    """The file's outputs, `out0` first."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=KERNELS[kernels], num_threads=1)
    run = interpreter.get_signature_runner()
    results = run(**{f"in{place}": array for place, array in enumerate(arrays)})
    return [results[f"out{place}"] for place in range(len(results))]


def expected(model: keras.Model, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Keras's own outputs."""
    results: Any = model(list(arrays) if len(arrays) > 1 else arrays[0], training=False)
    return [keras.ops.convert_to_numpy(result) for result in keras.tree.flatten(results)]


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, as a share of the largest number; infinite for another shape or numbers that are none."""
    if ours.shape != theirs.shape:
        return float("inf")
    ours, theirs = (np.asarray(each, np.float64) for each in (ours, theirs))
    difference = np.abs(ours - theirs).max(initial=0)
    return float("inf") if np.isnan(difference) else float(difference / max(np.abs(theirs).max(initial=0), 1e-6))
