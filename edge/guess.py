"""Guesses at a file's inputs and outputs, from its tensors and last operators, where nobody described them."""

from __future__ import annotations

from edge.graph import Graph, Operator, Tensor
from zoo.outputs import InputSpec, OutputSpec

_NEUTRAL = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST")
_ACTIVATIONS = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
_WHOLE = ("int32", "int64", "uint8", "int8")
_MOST_CLASSES = 256  # of a map of indices that comes from nobody knows what


def guess_input(tensor: Tensor) -> InputSpec:
    """A picture where there are four dimensions. Quantized ones tell their range: a picture's bytes are the stored values."""
    bounds = None
    if tensor.scale:
        first = 0 if tensor.dtype == "uint8" else -128
        bounds = ((first - tensor.zero_point) * tensor.scale, (first + 255 - tensor.zero_point) * tensor.scale)
    size = (tensor.shape[1], tensor.shape[2]) if len(tensor.shape) == 4 else None
    return InputSpec(tensor.label, size, max(tensor.shape[-1], 1) if tensor.shape else 1, bounds)


def guess_output(graph: Graph, tensor: Tensor) -> OutputSpec:
    """The kind by the shape and the operator that makes it: indices, scores of classes, or numbers of no known meaning."""
    shape, maker = tensor.shape, _maker(graph, tensor)
    if maker is not None and maker.name == "ARG_MAX":
        scored = graph.tensors[maker.inputs[0]].shape
        return _classes("class_map", tensor, scored[-1] if scored else 1, "argmax", len(scored) == 4)
    whole = not tensor.scale and tensor.dtype in _WHOLE
    if whole and (len(shape) == 3 or (len(shape) == 4 and shape[-1] == 1)):
        return _classes("class_map", tensor, _MOST_CLASSES, "argmax", maps=True)
    if whole or len(shape) not in (2, 4):
        return OutputSpec("numbers", tensor.label, channels=shape[-1] if shape else 1, scale=None)
    activation = _ACTIVATIONS.get(maker.name if maker else "", "linear")
    return _classes("class_scores", tensor, shape[-1], activation, len(shape) == 4)


def _maker(graph: Graph, tensor: Tensor) -> Operator | None:
    """The operator that makes an output, those looked through that only rewrite it."""
    maker = graph.producer(tensor.index)
    while maker is not None and maker.name in _NEUTRAL:
        maker = graph.producer(maker.inputs[0])
    return maker


def _classes(kind: str, tensor: Tensor, channels: int, activation: str, maps: bool) -> OutputSpec:
    labels = ("background", "foreground") if channels == 1 else tuple(f"class {index}" for index in range(channels))
    return OutputSpec(kind, tensor.label, channels, labels, activation=activation, scale=1 if maps else None)
