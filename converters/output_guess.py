"""Guesses at the outputs of models of others, from the operations that make them: the same rules as `edge.guess` has for files.

Followed back from the output: what only moves values (resizing, reshaping, casting, a linear activation) is looked through, and
the rest says between which bounds they lie (`zoo.outputs.bounds`). An operation that is not known makes the output unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from converters.graph import trace
from converters.tf_keras.origin import is_tf_keras, unwrapped
from zoo.outputs import OutputSpec, layout
from zoo.outputs.bounds import FREE, POSITIVE, SHARES, SYMMETRIC, UNIT, Bounds, united
from zoo.outputs.class_scores import class_output

_NAME = "answer"


@dataclass(frozen=True)
class Step:
    """One operation: what it is, and what it reads, tensors by their key and constants as they are."""

    operation: Any
    reads: tuple[Any, ...]
    tensors: tuple[Hashable, ...]
    place: int  # of the tensor that was asked for among the operation's outputs

    @property
    def kind(self) -> str:
        """The operation's class."""
        return type(self.operation).__name__


Producers = Callable[[Hashable], Step | None]
Shapes = Callable[[Hashable], tuple[int | None, ...]]


def producers(model: Any) -> tuple[list[Hashable], Producers, Shapes]:
    """The keys of a model's outputs, what makes a tensor, and its shape; of either Keras."""
    if is_tf_keras(model):
        return _of_tf_keras(model)
    graph = trace(model)
    calls = {value: (call, place) for call in graph.calls for place, value in enumerate(call.outputs)}

    def step(value: Hashable) -> Step | None:
        if value not in calls:
            return None
        call, place = calls[value]
        reads = tuple(leaf for leaf in keras.tree.flatten((call.args, call.kwargs)) if leaf is not None)
        return Step(call.operation, reads, tuple(call.inputs), place)

    return list(graph.outputs), step, lambda value: value.shape


def _of_tf_keras(model: Any) -> tuple[list[Hashable], Producers, Shapes]:
    tensors = {id(tensor): tensor for tensor in model.outputs}

    def step(key: Hashable) -> Step | None:
        history = tensors[key]._keras_history
        read = history.layer._inbound_nodes[history.node_index].keras_inputs
        if not read:
            return None
        tensors.update({id(tensor): tensor for tensor in read})
        layer = unwrapped(history.layer)
        keys = tuple(map(id, read))
        return Step(getattr(layer, "original", layer), keys, keys, history.tensor_index)

    return list(tensors), step, lambda key: tuple(tensors[key].shape)


def guess(
    outputs: Sequence[tuple[Hashable, str]], step: Producers, shape: Shapes, size: tuple[int, int] | None
) -> list[OutputSpec]:
    """The spec of each output, given as its key and its type, of a network of pictures of that size (None for any)."""
    evidence = Evidence(step, shape)
    return [_spec(evidence, key, dtype, _sides(shape(key)), size) for key, dtype in outputs]


def _sides(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(-1 if side is None else side for side in shape)


def _spec(evidence: Evidence, key: Hashable, dtype: str, shape: tuple[int, ...], size: tuple[int, int] | None) -> OutputSpec:
    last = shape[-1] if len(shape) > 1 else 0
    unknown = OutputSpec("numbers", _NAME, channels=last if last > 0 else None, scale=None)
    classes = evidence.classes(key)
    if classes is not None or "int" in dtype:
        places = layout.of_indices(shape, size)
        return unknown if not places else _meant(places[0], "class_map", classes or 0)
    places, bounds = layout.of_scores(shape, size), evidence.bounds(key)
    if not places or bounds is None:
        return unknown
    channels = layout.channels(places[0], shape)
    activation = bounds.activation(channels)
    either = layout.is_dense(places[0]) != layout.is_dense(places[-1])  # a class a pixel, or as many classes as pixels
    if activation is None or (either and activation != "softmax"):
        return unknown
    return replace(_meant(places[0], "logits", channels), activation=activation)


def _meant(place: str, output: str, channels: int) -> OutputSpec:
    labels = ("background", "foreground") if channels == 1 else tuple(f"class {index}" for index in range(channels))
    spec = class_output(labels, output=output, scale=1 if layout.is_dense(place) else None)
    return replace(spec, name=_NAME, channels=channels or None, layout="" if place in ("NHWC", "NC", "NHW", "N") else place)


# ------------------------------------------------------------------------------------------------ the evidence

_MOVES = {"Activation", "ActivityRegularization", "Cast", "ExpandDims", "Flatten", "Flip", "Identity", "Masking", "Moveaxis"}
_MOVES |= {"Permute", "QuantizeLayer", "Ravel", "Reshape", "Resize", "Resizing", "Squeeze", "StopGradient", "Swapaxes"}
_MOVES |= {"Transpose", "UpSampling1D", "UpSampling2D", "UpSampling3D", "BroadcastTo"}
_MOVES |= {"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D"}
_MOVES |= {"AveragePool", "AveragePooling2D", "GlobalAveragePooling2D"}
_SELECTS = {"Cropping1D", "Cropping2D", "GetItem", "Max", "Mean"}
_SELECTS |= {"GlobalMaxPooling1D", "GlobalMaxPooling2D", "MaxPooling1D", "MaxPooling2D", "Min", "Pad"}
_SELECTS |= {"MaxPool", "RepeatVector", "Slice", "Split", "Take", "Tile", "ZeroPadding1D", "ZeroPadding2D"}
_PRODUCTS = {"Conv", "Conv1D", "Conv2D", "Conv3D", "Dense", "Dot", "Einsum", "EinsumDense", "Matmul", "SeparableConv1D"}
_PRODUCTS |= {"LogSoftmax", "SeparableConv2D"}
_FILTERS = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv"}
_FILTERS |= {"ConvTranspose"}
_FREE_STAYS = {"BatchNormalization", "GroupNormalization", "LayerNormalization", "LeakyReLU", "Normalization", "PReLU", "Sum"}
_COMPARES = {"Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalNot", "LogicalOr", "NotEqual"}
_INDEXED = {"Cast", "Cropping2D", "ExpandDims", "Flatten", "Flip", "GetItem", "Identity", "Permute", "Reshape", "Squeeze"}
_INDEXED |= {"StopGradient", "Swapaxes", "Transpose"}
_ACTIVATIONS: dict[str, Bounds | None] = {
    "hard_sigmoid": UNIT,
    "hard_tanh": SYMMETRIC,
    "leaky_relu": FREE,
    "log_softmax": FREE,
    "relu": POSITIVE,
    "relu6": Bounds(0.0, 6.0),
    "sigmoid": UNIT,
    "softmax": SHARES,
    "softsign": SYMMETRIC,
    "sparse_sigmoid": UNIT,
    "sparsemax": SHARES,
    "tanh": SYMMETRIC,
}
_FIXED = {"HardSigmoid": UNIT, "OneHot": SHARES, "Relu": POSITIVE, "Relu6": Bounds(0.0, 6.0), "Sigmoid": UNIT}
_FIXED |= {"Softmax": SHARES, "Softsign": SYMMETRIC, "Sparsemax": SHARES, "SparseSigmoid": UNIT, "Tanh": SYMMETRIC}


class Evidence:
    """A model's graph, asked about its outputs."""

    def __init__(self, step: Producers, shape: Shapes) -> None:
        self._step, self._shape = step, shape
        self._known: dict[Hashable, Bounds | None] = {}

    def classes(self, key: Hashable) -> int | None:
        """How many classes a tensor of class indices tells apart, 0 where nobody knows; None for what is none."""
        step = self._step(key)
        if step is None:
            return None
        spec = getattr(step.operation, "spec", None)
        if isinstance(spec, OutputSpec) and spec.activation == "argmax":
            return spec.classes
        if step.kind == "Argmax" and step.operation.axis is not None:
            return self._shape(step.tensors[0])[step.operation.axis] or 0
        if step.kind == "TopK" and step.place == 1:
            return self._shape(step.tensors[0])[-1] or 0
        if step.kind in _COMPARES or self._is_choice(step) or self._is_rounded(step):
            return 2
        nearest = getattr(step.operation, "interpolation", "nearest") == "nearest"
        if step.kind in _INDEXED or (nearest and step.kind in ("Resize", "Resizing", "UpSampling2D")):
            return self.classes(step.tensors[0])
        return None

    def bounds(self, key: Hashable) -> Bounds | None:
        """The bounds of a tensor's values; None where they can't be told."""
        if key not in self._known:
            step = self._step(key)
            self._known[key] = None if step is None else self._activated(step, self._of(step))
        return self._known[key]

    def _activated(self, step: Step, before: Bounds | None) -> Bounds | None:
        """The bounds behind the activation that a layer has of its own, if it has one."""
        name = _activation(step.operation)
        if name == "linear":
            return before
        result = _ACTIVATIONS.get(name)
        if before is None or result is None or not result.low == 0 < result.high != 1:
            return result
        return before.cut(result.low, result.high)

    def _of(self, step: Step) -> Bounds | None:
        operation, kind = step.operation, step.kind
        spec = getattr(operation, "spec", None)
        if isinstance(spec, OutputSpec):
            return {"linear": FREE, "softmax": SHARES, "sigmoid": UNIT}.get(spec.activation)
        if kind in _FIXED:
            return _FIXED[kind]
        if kind in _PRODUCTS:
            return FREE
        source = self.bounds(step.tensors[0]) if step.tensors else None
        if kind in _MOVES:
            return source
        if kind in _SELECTS or getattr(operation, "quantization", "") == "passthrough":
            return None if source is None else source.mixed()
        if kind in _FILTERS:  # a fixed filter over probabilities, as one that enlarges them, gives no logits
            return None if source is not None and source.unit else FREE
        if kind in _FREE_STAYS:
            return FREE if source is not None and source.free else None
        rule = _RULES.get(kind)
        return None if rule is None else rule(self, step)

    # ------------------------------------------------------------------------------------------------ arithmetic

    def _all(self, step: Step) -> list[Bounds] | None:
        several = [self.bounds(key) for key in step.tensors]
        return None if None in several or not several else several

    def _parts(self, step: Step) -> list[Bounds | float] | None:
        """Bounds of tensors and numbers of constants, in the order of the arguments; a free tensor takes any constant."""
        parts: list[Bounds | float] = []
        for leaf in step.reads:
            if any(leaf is key or (isinstance(leaf, int) and leaf == key) for key in step.tensors):
                parts.append(self.bounds(leaf))
            elif isinstance(leaf, (int, float, np.ndarray, np.generic)) and not isinstance(leaf, bool):
                values = np.unique(np.asarray(leaf, np.float64))
                parts.append(float(values[0]) if values.size == 1 else FREE)
        return None if None in parts else parts

    def _added(self, step: Step) -> Bounds | None:
        parts = self._parts(step)
        if not parts:
            return None
        total = Bounds(0.0, 0.0, 0.0)
        for part in parts:
            total = total.plus(part) if isinstance(part, Bounds) else total.scaled(1.0, part)
        return total

    def _subtracted(self, step: Step) -> Bounds | None:
        parts = self._parts(step)
        if not parts or len(parts) != 2:
            return None
        first, second = (part if isinstance(part, Bounds) else Bounds(part, part) for part in parts)
        return first.plus(second.scaled(-1.0))

    def _multiplied(self, step: Step) -> Bounds | None:
        parts = self._parts(step)
        if not parts:
            return None
        factor = math.prod(part for part in parts if not isinstance(part, Bounds))
        tensors = [part for part in parts if isinstance(part, Bounds)]
        total = tensors[0]
        for part in tensors[1:]:
            total = total.times(part)
        return total.scaled(factor)

    def _divided(self, step: Step) -> Bounds | None:
        parts = self._parts(step)
        if not parts or len(parts) != 2 or not isinstance(parts[0], Bounds) or isinstance(parts[1], Bounds) or not parts[1]:
            return None
        return parts[0].scaled(1 / parts[1])

    def _averaged(self, step: Step) -> Bounds | None:
        several = self._all(step)
        if several is None:
            return None
        total = several[0]
        for each in several[1:]:
            total = total.plus(each)
        return total.scaled(1 / len(several))

    def _joined(self, step: Step) -> Bounds | None:
        several = self._all(step)
        return None if several is None else united(several)

    def _rescaled(self, step: Step) -> Bounds | None:
        source, layer = self.bounds(step.tensors[0]), step.operation
        if source is None or source.free:
            return source
        plain = all(np.ndim(value) == 0 for value in (layer.scale, layer.offset))
        return source.scaled(float(layer.scale), float(layer.offset)) if plain else None

    def _cut_off(self, step: Step) -> Bounds | None:
        source, layer = self.bounds(step.tensors[0]), step.operation
        if step.kind == "Clip":
            return None if source is None else source.cut(float(layer.x_min), float(layer.x_max))
        if layer.negative_slope or layer.threshold:
            return FREE if source is not None and source.free else None
        return Bounds(0.0, math.inf if layer.max_value is None else float(layer.max_value))

    def _is_choice(self, step: Step) -> bool:
        """Whether it is 1 here and 0 there."""
        return step.kind == "Where" and {leaf for leaf in step.reads if isinstance(leaf, (int, float))} == {0, 1}

    def _is_rounded(self, step: Step) -> bool:
        source = self.bounds(step.tensors[0]) if step.kind == "Round" else None
        return source is not None and source.unit


_RULES: dict[str, Callable[[Evidence, Step], Bounds | None]] = {
    "Add": Evidence._added,
    "Average": Evidence._averaged,
    "Clip": Evidence._cut_off,
    "Concatenate": Evidence._joined,
    "Divide": Evidence._divided,
    "Maximum": Evidence._joined,
    "Minimum": Evidence._joined,
    "Multiply": Evidence._multiplied,
    "ReLU": Evidence._cut_off,
    "Rescaling": Evidence._rescaled,
    "Stack": Evidence._joined,
    "Subtract": Evidence._subtracted,
    "TrueDivide": Evidence._divided,
}


def _activation(operation: Any) -> str:
    """The name of the activation that a layer has of its own; "linear" where it has none."""
    value = getattr(operation, "activation", None)
    while hasattr(value, "activation"):  # as tfmot wraps it
        value = value.activation
    return "linear" if value is None else getattr(value, "__name__", type(value).__name__)
