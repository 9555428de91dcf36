"""TensorFlow's operators that tf2onnx 1.17 writes wrongly, or in a form that onnxruntime refuses, done right.

- FloorMod and FloorDiv of integers were written as if they truncated, which is not the same below zero; sizes that are known
  only when the graph runs are rounded up with them.
- A resize to a fixed size was written as scales in float32: 33 · (65 / 33) may be 64.99…, rounded down. One to the nearest
  neighbour was written in a mode that ONNX withdrew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tf2onnx import constants, utils
from tf2onnx.onnx_opset.nn import Resize

_INTEGERS = (6, 7)  # TensorProto's INT32 and INT64


def _floor_mod(context: Any, node: Any, name: str, args: list) -> None:
    if context.get_dtype(node.input[0]) not in _INTEGERS:
        raise ValueError(f"{name}: the remainder of a division of floats has no form in ONNX here")
    node.type = "Mod"  # with the divisor's sign, as in Python


def _floor_div(context: Any, node: Any, name: str, args: list) -> None:
    kind, inputs, outputs = context.get_dtype(node.input[0]), list(node.input), list(node.output)
    shapes, kinds = node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    if kind in _INTEGERS:
        rest = context.make_node("Mod", inputs, dtypes=[kind])
        whole = context.make_node("Sub", [inputs[0], rest.output[0]], dtypes=[kind])
        context.make_node("Div", [whole.output[0], inputs[1]], name=node.name, outputs=outputs, shapes=shapes, dtypes=kinds)
        return
    quotient = context.make_node("Div", inputs, dtypes=[kind])
    context.make_node("Floor", [quotient.output[0]], name=node.name, outputs=outputs, shapes=shapes, dtypes=kinds)


def _resize(context: Any, node: Any, name: str, args: list) -> None:
    if not ("half_pixel_centers" in node.attr and node.attr["half_pixel_centers"].i):
        Resize.version_11(context, node)
        return
    # TensorFlow's nearest is ⌊(i + ½)·scale⌋, which is (i + ½)·scale − ½ rounded, halves up.
    attributes = {
        "mode": "linear" if node.type == "ResizeBilinear" else "nearest",
        "nearest_mode": "round_prefer_ceil",
        "coordinate_transformation_mode": "half_pixel",
    }
    shape = context.get_shape(node.input[0])
    target = node.inputs[1].get_tensor_value() if node.inputs[1].is_const() else None
    inputs, outputs, shapes, kinds = list(node.input), list(node.output), node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    first = context.make_node("Transpose", inputs[:1], attr={"perm": constants.NHWC_TO_NCHW})
    size = _whole_size(context, first, shape, inputs[1], target)
    resized = context.make_node("Resize", [first.output[0], "", "", size], attr=attributes)
    last = {"perm": constants.NCHW_TO_NHWC}
    context.make_node("Transpose", resized.output, attr=last, name=node.name, outputs=outputs, shapes=shapes, dtypes=kinds)


def _whole_size(context: Any, x: Any, shape: Any, size: str, target: Any) -> str:
    """N, C, H and W of the resized tensor. The operator's `axes` would ask for H and W only, but onnxruntime's optimiser
    overlooks it when it moves transpositions about."""
    if target is not None and shape and shape[0] != -1:
        return context.make_const(utils.make_name("size"), np.array([shape[0], shape[3], *target], np.int64)).output[0]
    ends = [context.make_const(utils.make_name("end"), np.array([end], np.int64)).output[0] for end in (0, 2)]
    shape = context.make_node("Shape", [x.output[0]])
    batch_and_channels = context.make_node("Slice", [shape.output[0], *ends])
    sides = context.make_node("Cast", [size], attr={"to": _INTEGERS[1]})
    return context.make_node("Concat", [batch_and_channels.output[0], sides.output[0]], {"axis": 0}).output[0]


HANDLERS = {
    "FloorMod": (_floor_mod, []),
    "FloorDiv": (_floor_div, []),
    "ResizeBilinear": (_resize, []),
    "ResizeNearestNeighbor": (_resize, []),
}
