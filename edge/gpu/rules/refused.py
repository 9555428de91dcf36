"""Rules of what the accelerator refuses; `edge.gpu.patterns.INSTEAD` has the advice for operators that it never takes."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge.gpu.rules.registry import CRASH, REFUSED, rule
from edge.graph import Graph, Operator

_REFLECT = 0  # schema.MirrorPadMode
NEVER = (
    *("ARG_MIN", "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONV_3D", "CONV_3D_TRANSPOSE", "DENSIFY", "EXPAND_DIMS"),
    *("GATHER_ND", "IF"),
    *("L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", "LOG_SOFTMAX", "MULTINOMIAL", "NON_MAX_SUPPRESSION_V4"),
    *("NON_MAX_SUPPRESSION_V5", "RANDOM_UNIFORM", "RELU_0_TO_1", "SCATTER_ND", "SEGMENT_SUM", "SPACE_TO_BATCH_ND", "SQUEEZE"),
    *("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNSORTED_SEGMENT_SUM", "WHERE", "WHILE"),
)


def _refused(*operators: str, what: str, advice: str) -> Callable[[Callable[[Graph, Operator], bool]], object]:
    return rule(*operators, kind=REFUSED, what=what, advice=advice)


@_refused(*NEVER, what="the accelerator has no such operator", advice="")
def _never(graph: Graph, operator: Operator) -> bool:
    return True


def _rank(graph: Graph, tensor: int) -> int:
    return len(graph.tensors[tensor].shape)


@_refused(what="an operator that is not built in is refused", advice="write it with built-in ones, or run it on the CPU")
def _custom(graph: Graph, operator: Operator) -> bool:
    return operator.custom


@_refused(
    what="more than 4 dimensions are refused",
    advice="stay within 4 dimensions (Keras's UpSampling2D by nearest neighbour needs 5: resize by nearest instead)",
)
def _dimensions(graph: Graph, operator: Operator) -> bool:
    return any(_rank(graph, index) > 4 for index in (*operator.activations, *operator.outputs))


@_refused(
    what="a computed tensor without dimensions is refused",
    advice="keep the reduced axes (keepdims=True)",
)
def _scalar(graph: Graph, operator: Operator) -> bool:
    return any(not _rank(graph, index) and not graph.fixed(index) for index in operator.activations)


@_refused(what="64-bit numbers are refused", advice="compute in int32 or float32")
def _wide(graph: Graph, operator: Operator) -> bool:
    ends = (*operator.activations, *operator.outputs)
    return any(graph.tensors[index].dtype in ("int64", "float64") for index in ends if not graph.fixed(index))


@rule(
    kind=CRASH,
    what="16-bit integers are refused, and end the process in some graphs",
    advice="convert with 8-bit activations or in float for the GPU; int16x8 is for the CPU",
)
def _short(graph: Graph, operator: Operator) -> bool:
    return any(graph.tensors[index].dtype == "int16" for index in (*operator.activations, *operator.outputs))


@_refused("GATHER", what="GATHER with indices of other than 1 dimension is refused", advice="give 1-D indices along one axis; "
          "reshape them to (n,) before and the result after")  # fmt: skip
def _gathered(graph: Graph, operator: Operator) -> bool:
    return _rank(graph, operator.inputs[1]) != 1 or bool(operator.options.get("batchDims"))


@_refused("MIRROR_PAD", what="MIRROR_PAD by mode SYMMETRIC is refused", advice="pad by mode REFLECT, or with zeros")
def _symmetric(graph: Graph, operator: Operator) -> bool:
    return operator.options.get("mode") != _REFLECT


@_refused(
    "STRIDED_SLICE",
    what="STRIDED_SLICE that drops or adds an axis, leaves axes out or steps backwards is refused",
    advice="keep the sliced axis (x[:, 0:1], not x[:, 0]), say each, and reshape after",
)
def _dropped(graph: Graph, operator: Operator) -> bool:
    steps = graph.tensors[operator.inputs[3]].values if len(operator.inputs) > 3 else ()
    masks = ("shrinkAxisMask", "newAxisMask", "ellipsisMask")
    return any(operator.options.get(mask) for mask in masks) or any(step < 0 for step in steps)


@_refused("STRIDED_SLICE", what="STRIDED_SLICE to beyond the end is refused", advice="end where the axis ends")
def _beyond(graph: Graph, operator: Operator) -> bool:
    shape, mask = graph.tensors[operator.inputs[0]].shape, operator.options.get("endMask", 0)
    ends = graph.tensors[operator.inputs[2]].values if len(operator.inputs) > 2 else ()
    return len(ends) == len(shape) and any(
        end > side and not mask >> axis & 1 for axis, (end, side) in enumerate(zip(ends, shape, strict=True))
    )


@_refused("SLICE", what="SLICE from a computed place is refused", advice="slice at constant places, or GATHER with computed "
          "indices")  # fmt: skip
def _computed(graph: Graph, operator: Operator) -> bool:
    return not graph.fixed(operator.inputs[1])


@_refused("PAD", "PADV2", what="PAD of fewer than 3 dimensions is refused", advice="give it an axis of 1 in front, and in one "
          "behind")  # fmt: skip
def _flat(graph: Graph, operator: Operator) -> bool:
    return _rank(graph, operator.inputs[0]) < 3


@_refused("BATCH_MATMUL", what="BATCH_MATMUL with a constant left side is refused", advice="transpose the product: (x·kᵀ)ᵀ")
def _left(graph: Graph, operator: Operator) -> bool:
    return graph.fixed(operator.inputs[0])


@_refused(
    *("SUB", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL"),
    *("LESS", "LESS_EQUAL"),
    what="an operator of a tensor with itself is refused",
    advice="multiply by a constant, or leave the operator out",
)
def _itself(graph: Graph, operator: Operator) -> bool:
    return len(operator.inputs) > 1 and operator.inputs[0] == operator.inputs[1]


@_refused(
    *("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM", "TILE"),
    what="an operator of constants alone is refused",
    advice="compute it beforehand: of constants it is one",
)
def _known_before(graph: Graph, operator: Operator) -> bool:
    return graph.fixed(operator.outputs[0])


@_refused(
    "FULLY_CONNECTED",
    what="FULLY_CONNECTED with weights behind a DEQUANTIZE of 8 bits is refused",
    advice="let it read the 8-bit weights itself, or store them in float16",
)
def _dequantized(graph: Graph, operator: Operator) -> bool:
    maker = graph.producer(operator.inputs[1])
    return maker is not None and maker.name == "DEQUANTIZE" and graph.tensors[maker.inputs[0]].dtype in ("int8", "uint8")


@_refused(
    "GATHER",
    what="GATHER from a table behind a DEQUANTIZE is refused",
    advice="let it read the 8-bit table itself and DEQUANTIZE the rows, or store the table in float32",
)
def _decoded_table(graph: Graph, operator: Operator) -> bool:
    makers = [graph.producer(index) for index in operator.activations]
    return any(maker is not None and maker.name == "DEQUANTIZE" and graph.fixed(maker.outputs[0]) for maker in makers)


@_refused(
    "DEQUANTIZE",
    what="DEQUANTIZE of 8-bit weights that have a scale for each channel is refused",
    advice="store them with one scale, or in float16; a convolution or FULLY_CONNECTED reads 8-bit weights itself",
)
def _by_channel(graph: Graph, operator: Operator) -> bool:
    weights = graph.tensors[operator.inputs[0]]
    return weights.constant and weights.dtype in ("int8", "uint8") and not weights.scale


@_refused("DYNAMIC_UPDATE_SLICE", what="DYNAMIC_UPDATE_SLICE at a constant place is refused", advice="concatenate slices")
def _constant_start(graph: Graph, operator: Operator) -> bool:
    return graph.fixed(operator.inputs[2])


@_refused(
    "PRELU",
    what="PRELU whose slopes are neither one a channel nor one a number is refused",
    advice="repeat the slopes to the number of channels; zoo convert writes it so by itself",
)
def _slopes(graph: Graph, operator: Operator) -> bool:
    shape, slopes = (graph.tensors[index].shape for index in operator.inputs[:2])
    return slopes[-1:] != shape[-1:] or (math.prod(slopes[:-1]) > 1 and slopes[-len(shape[1:]) :] != shape[1:])


@_refused(
    "SOFTMAX",
    what="SOFTMAX with a factor inside (beta) is refused",
    advice="multiply before it",
)
def _factor(graph: Graph, operator: Operator) -> bool:
    return operator.options.get("beta", 1.0) != 1.0


@_refused("SELECT_V2", what="SELECT_V2 with a branch that is broadcast is refused", advice="give both branches the full size, "
          "or one number")  # fmt: skip
def _branch(graph: Graph, operator: Operator) -> bool:
    full = graph.tensors[operator.outputs[0]].shape
    branches = [graph.tensors[index].shape for index in operator.inputs[1:]]
    return any(shape not in ((), (1,), full) and set(shape) != {1} for shape in branches)
