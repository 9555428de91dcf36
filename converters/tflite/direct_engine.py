"""The engine that writes the file itself (`converters.tflite.writer`): on any backend, TensorFlow or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.quantization.integers import quantization
from converters.quantization.integers.weights import store_weights
from converters.tf_keras.origin import is_tf_keras
from converters.tflite.request import Request
from converters.tflite.writer import lowering
from converters.tflite.writer.forms import dynamic, float16, sparse
from converters.tflite.writer.graph import Graph
from converters.tflite.writer.passes.pipeline import optimize
from zoo.errors import InputError


def _integers(graph: Graph, request: Request, bits: int) -> None:
    batches = [] if request.images is None else list(request.images.batches())
    widths = quantization.Widths(bits, request.keep_float, request.keep_int16)
    quantization.quantize(graph, batches, widths, request.io, request.correct_bias, request.spans, request.bytes_in)


FORMS: dict[str, Callable[[Graph, Request], None]] = {  # recipe → what makes a graph in float into one of its form
    "float32": lambda graph, request: None,
    "float16": lambda graph, request: float16.store(graph),
    "dynamic": lambda graph, request: dynamic.quantize(graph),
    "weights8": lambda graph, request: store_weights(graph, 8),
    "weights4": lambda graph, request: store_weights(graph, 4),
    "int8": lambda graph, request: _integers(graph, request, 8),
    "int16x8": lambda graph, request: _integers(graph, request, 16),
}


def knows(model: Any, recipe: str) -> bool:
    """Whether this engine writes files of a recipe from a model."""
    return recipe in FORMS and not is_tf_keras(model)


def graph(request: Request) -> Graph:
    """The file's graph.

    Raises:
        InputError: naming the layer that cannot be written.
    """
    result = lowering.lower(request.model, request.shapes, request.inputs, request.outputs)
    optimize(result)
    FORMS[request.recipe](result, request)
    if request.sparse and not sparse.store(result):
        raise InputError(
            f"no kernel of '{request.model.name}' has so many zeros that leaving them out takes fewer bytes; prune it first "
            "(converters.prune), or leave sparse out"
        )
    return result
