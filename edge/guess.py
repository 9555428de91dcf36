"""Guesses at a file's inputs and outputs, from its tensors and operators, where nobody described them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.evidence import ELEMENTWISE, Evidence
from edge.graph import Graph, Tensor
from zoo.outputs import InputSpec, OutputSpec, layout
from zoo.outputs.class_scores import OUTPUTS, class_output
from zoo.outputs.layout import CHANNELS_FIRST, CHANNELS_LAST

_BYTES = ("uint8", "uint16", "uint32", "int16", "int32", "int64", "uint64")  # whole numbers that hold a picture's 0–255
_COLOURS = (1, 3)  # channels of one picture
_MOST_CLASSES = 256  # of a map of indices that comes from nobody knows what
_ORDERS = {(0.0, 2.0, 3.0, 1.0): CHANNELS_FIRST, (0.0, 3.0, 1.0, 2.0): CHANNELS_LAST}  # what a TRANSPOSE reads


def guess_input(graph: Graph, tensor: Tensor) -> InputSpec:
    """A picture where a layout of one fits. Quantized ones tell their range: a picture's bytes are the stored values, as they
    are where whole numbers have no scale."""
    bounds = None
    if tensor.scale:
        first = 0 if tensor.dtype == "uint8" else -128
        bounds = ((first - tensor.zero_point) * tensor.scale, (first + 255 - tensor.zero_point) * tensor.scale)
    elif tensor.dtype in _BYTES:
        bounds = (0.0, 255.0)
    order = _input_layout(graph, tensor)
    if not order:
        return InputSpec(tensor.label, None, max((tensor.shape or (1,))[-1], 1), bounds, layout="")
    sides = [tensor.signature[order.index(letter)] for letter in "HW"]
    size = None if -1 in sides else (sides[0], sides[1])
    return InputSpec(tensor.label, size, tensor.shape[order.index("C")], bounds, layout=order)


def _input_layout(graph: Graph, tensor: Tensor) -> str:
    shape = tensor.signature
    if not tensor.numeric:
        return ""
    if len(shape) == 3 and shape[0] not in (1, -1):  # a picture without a batch
        return "HWC" if shape[2] in _COLOURS else "CHW" if shape[0] in _COLOURS else ""
    if len(shape) != 4:
        return ""
    order = next((_ORDERS[op] for op in _transposed_by(graph, tensor) if op in _ORDERS), None)
    if order is None:
        first = shape[1] in _COLOURS and shape[3] not in _COLOURS and (shape[3] > 4 or shape[3] == -1)
        order = CHANNELS_FIRST if first else CHANNELS_LAST
    return order if shape[order.index("C")] > 0 else ""


def _transposed_by(graph: Graph, tensor: Tensor) -> list[tuple[float, ...]]:
    """The orders that the first operators on a tensor bring its axes into."""
    orders, waiting = [], [(tensor.index, 0)]
    while waiting:
        index, depth = waiting.pop()
        for operator in graph.readers(index):
            if operator.name == "TRANSPOSE" and operator.inputs[0] == index:
                orders.append(graph.tensors[operator.inputs[1]].values)
            elif operator.name in ELEMENTWISE and depth < len(ELEMENTWISE):
                waiting.append((operator.outputs[0], depth + 1))
    return orders


_SINGLE = ("background", "foreground")  # the classes of a single channel


def picture_of(inputs: Sequence[InputSpec]) -> int:
    """The place of the first picture among the inputs, 0 where there is none: outputs are maps of that one."""
    return next((place for place, spec in enumerate(inputs) if spec.layout), 0)


def guess_output(graph: Graph, tensor: Tensor, image: InputSpec, batch: int) -> OutputSpec:
    """The kind by the shape and the operators that make it: indices, scores of classes, or numbers whose meaning can't be told.

    Args:
        graph: of the file.
        tensor: the output.
        image: the guess at the picture that goes in, or the first input.
        batch: how many pictures it takes at once.
    """
    unknown = OutputSpec("numbers", tensor.label, channels=(tensor.shape or (1,))[-1] or 1, scale=None)
    if not tensor.numeric:
        return unknown
    evidence, size = Evidence(graph), image.size
    classes = evidence.classes(tensor.index)
    if classes is not None or (tensor.dtype in ("int32", "int64") and image.layout):
        places = layout.of_indices(tensor.signature, size, batch)
        if places and (classes is not None or layout.is_dense(places[0])):
            return _meant(tensor, places[0], "class_map", classes or _MOST_CLASSES)
        return unknown
    if tensor.dtype in ("int32", "int64", "bool") or (tensor.dtype in ("uint8", "int8") and not tensor.scale):
        return unknown
    places = _preferred(layout.of_scores(tensor.signature, size, batch), evidence, tensor, image)
    bounds = evidence.bounds(tensor.index)
    if not places or bounds is None:
        return unknown
    channels = layout.channels(places[0], tensor.signature)
    activation = bounds.activation(channels)
    either = layout.is_dense(places[0]) != layout.is_dense(places[-1])  # a class a pixel, or as many classes as pixels
    if activation is None or (either and activation != "softmax"):
        return unknown
    output = "logits" if activation == "linear" else "probabilities"
    return replace(_meant(tensor, places[0], output, channels), activation=activation)


def meant(
    tensor: Tensor, image: InputSpec, batch: int, output: str, graph: Graph, labels: int | None = None
) -> OutputSpec | None:
    """The spec of an output of which somebody says that it is one of `zoo.outputs.class_scores.OUTPUTS`; None where its shape
    is none. Of several layouts the one with as many channels as there are labels, where somebody names them."""
    whole = OUTPUTS[output][1] == "argmax"
    if whole:
        places = layout.of_indices(tensor.signature, image.size, batch)
    else:
        places = _preferred(layout.of_scores(tensor.signature, image.size, batch), Evidence(graph), tensor, image)
        if labels is not None:
            counts = (labels, 1) if labels <= len(_SINGLE) else (labels,)
            places.sort(key=lambda place: layout.channels(place, tensor.signature) not in counts)
    if not places:
        return None
    channels = _MOST_CLASSES if whole else layout.channels(places[0], tensor.signature)
    return _meant(tensor, places[0], output, channels)


def _preferred(places: Sequence[str], evidence: Evidence, tensor: Tensor, image: InputSpec) -> list[str]:
    """The layouts in another order: first the one that the graph itself turned the axes to, then the input's own."""
    turned = evidence.turned(tensor.index)

    def rank(place: str) -> tuple[bool, bool]:
        first = place.endswith("CHW")
        return first != (turned == CHANNELS_FIRST) if turned else False, first != (image.layout == CHANNELS_FIRST)

    return sorted(places, key=rank)


def _meant(tensor: Tensor, place: str, output: str, channels: int) -> OutputSpec:
    """One of `OUTPUTS`, or a map of indices where `output` is "class_map", in that layout."""
    single = channels == 1
    labels = _SINGLE if single else tuple(f"class {index}" for index in range(channels))
    spec = class_output(labels, output=output, scale=1 if layout.is_dense(place) else None)
    activation = "sigmoid" if single and spec.activation == "softmax" else spec.activation
    usual = ("NHWC", "NC", "NHW")
    return replace(
        spec, name=tensor.label, channels=channels, activation=activation, layout="" if place in usual else place
    )
