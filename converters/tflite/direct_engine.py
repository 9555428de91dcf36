"""The engine that writes the file itself (`converters.tflite.writer`): on any backend, TensorFlow or not."""

from __future__ import annotations

from collections.abc import Callable

from converters.tf_keras.origin import is_tf_keras
from converters.tflite.request import Request
from converters.tflite.writer import lowering
from converters.tflite.writer.forms import dynamic, float16
from converters.tflite.writer.graph import Graph
from converters.tflite.writer.passes.pipeline import optimize

FORMS: dict[str, Callable[[Graph, Request], None]] = {  # recipe → what makes a graph in float into one of its form
    "float32": lambda graph, request: None,
    "float16": lambda graph, request: float16.store(graph),
    "dynamic": lambda graph, request: dynamic.quantize(graph),
}


def knows(request: Request) -> bool:
    """Whether this engine has the form that is asked for."""
    return request.recipe in FORMS and not request.keep_int16 and not is_tf_keras(request.model)


def graph(request: Request) -> Graph:
    """The file's graph.

    Raises:
        InputError: naming the layer that cannot be written.
    """
    result = lowering.lower(request.model, [request.shape], request.inputs, request.outputs)
    optimize(result)
    FORMS[request.recipe](result, request)
    return result
