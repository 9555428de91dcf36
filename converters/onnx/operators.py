"""TensorFlow's operators that tf2onnx 1.17 writes wrongly, or in a form that onnxruntime refuses, done right.

- FloorMod and FloorDiv of integers were written as if they truncated, which is not the same below zero; sizes that are known
  only when the graph runs are rounded up with them.
- Erfc, Expm1 and their like, of which ONNX has the other half, were passed on as they are; so gelu and celu were refused.
- A resize to a fixed size was written as scales in float32: 33 · (65 / 33) may be 64.99…, rounded down. One to the nearest
  neighbour was written in a mode that ONNX withdrew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
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


def _erfc(context: Any, node: Any, name: str, args: list) -> None:
    """1 − erf(x)."""
    _with_one(context, node, lambda x, one: ("Sub", [one, context.make_node("Erf", [x]).output[0]]))


def _expm1(context: Any, node: Any, name: str, args: list) -> None:
    """exp(x) − 1."""
    _with_one(context, node, lambda x, one: ("Sub", [context.make_node("Exp", [x]).output[0], one]))


def _log1p(context: Any, node: Any, name: str, args: list) -> None:
    """log(x + 1)."""
    _with_one(context, node, lambda x, one: ("Log", context.make_node("Add", [x, one]).output))


def _with_one(context: Any, node: Any, last: Callable[[str, str], tuple[str, Sequence[str]]]) -> None:
    """Puts operators in the node's place: `last` makes those before the last, which it returns, of the input and a one."""
    (x, *_), outputs, kind = node.input, list(node.output), context.get_dtype(node.input[0])
    shapes, kinds = node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    one = context.make_const(utils.make_name("one"), np.array(1, utils.map_onnx_to_numpy_type(kind))).output[0]
    operator, inputs = last(x, one)
    context.make_node(operator, list(inputs), name=node.name, outputs=outputs, shapes=shapes, dtypes=kinds)


def is_operator(name: str, domain: str, opset: int) -> bool:
    """Whether an operator is in ONNX up to an opset; what came later is in the `onnx` package too, and refused by readers."""
    try:
        onnx.defs.get_schema(name, opset, domain)
    except onnx.defs.SchemaError:
        return False
    return True


HANDLERS = {
    "Erfc": (_erfc, []),
    "Expm1": (_expm1, []),
    "Log1p": (_log1p, []),
    "FloorMod": (_floor_mod, []),
    "FloorDiv": (_floor_div, []),
    "ResizeBilinear": (_resize, []),
    "ResizeNearestNeighbor": (_resize, []),
}
