"""Where an int8 file rounds what a folded graph computes: what training with its rounding has to imitate."""

from __future__ import annotations

from typing import Any

import keras

from converters.graph import Call, Trace

L = keras.layers
# Keras's layers that hand on values they were given, or interpolate between them: the output has the input's scale, and a
# second rounding there would only put an operation between the two. Others say it themselves, `quantization = "passthrough"`.
_MOVERS = (
    L.ZeroPadding2D, L.Cropping2D, L.UpSampling2D, L.MaxPooling2D, L.GlobalMaxPooling2D, L.Flatten, L.Reshape, L.Permute,
    L.Dropout, L.SpatialDropout2D, L.Resizing, L.RepeatVector,
)  # fmt: skip
# What the format says these span, whatever the pictures: in 256 steps, of which the last is one short of 1.
_FIXED = {"sigmoid": (0.0, 255 / 256), "softmax": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}


def rounds(call: Call) -> bool:
    """Whether what a call gives out is rounded where it stands."""
    if "float" not in call.outputs[0].dtype:
        return False
    own = getattr(call.operation, "quantization", "rounds")
    return own not in ("passthrough", "floating") and not isinstance(call.operation, _MOVERS)


def fused(graph: Trace) -> set[int]:
    """The calls, by id, that one ReLU alone reads: the two are one integer operation, rounded at its end."""
    readers: dict[Any, list[Call]] = {}
    for call in graph.calls:
        for value in call.inputs:
            readers.setdefault(value, []).append(call)
    ids = set()
    for call in graph.calls:
        after = readers.get(call.outputs[0], [])
        if len(after) == 1 and call.outputs[0] not in graph.outputs and _is_relu(after[0].operation):
            ids.add(id(call))
    return ids


def fixed_span(operation: keras.Operation) -> tuple[float, float] | None:
    """What the output of a sigmoid, softmax or tanh spans in every int8 file; None for what is measured."""
    if isinstance(operation, L.Softmax):
        return _FIXED["softmax"]
    if isinstance(operation, L.Activation):
        return _FIXED.get(operation.get_config()["activation"])
    return _FIXED.get(getattr(getattr(operation, "spec", None), "activation", ""))


def _is_relu(layer: keras.Operation) -> bool:
    if isinstance(layer, L.ReLU):
        return True
    return isinstance(layer, L.Activation) and layer.get_config()["activation"] in ("relu", "relu6")
