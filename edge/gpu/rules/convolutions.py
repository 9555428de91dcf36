"""Rules of convolutions and pools."""

from __future__ import annotations

from edge.gpu.rules.registry import REFUSED, WRONG, rule
from edge.graph import Graph, Operator

_LANES = 4  # channels that the accelerator computes at a time
_TEXELS = 8192
_RIGHT = {(2, 1), (2, 2), (2, 4)}  # strides and kernels whose "same" is right at any size
_SAME = 0  # schema.Padding


def _shape(graph: Graph, tensor: int) -> tuple[int, ...]:
    return graph.tensors[tensor].shape


@rule(
    "TRANSPOSE_CONV",
    kind=WRONG,
    what="TRANSPOSE_CONV with padding SAME of a map whose sides its stride does not divide gives a shifted answer",
    advice="use padding VALID and crop (right for any stride), or convolve to stride² times the channels, DEPTH_TO_SPACE and "
    "crop; strides of 2 are right with kernels of 2 and 4 alone. zoo convert writes it so by itself",
)
def _shifted(graph: Graph, operator: Operator) -> bool:
    if len(operator.inputs) < 3 or operator.options.get("padding") != _SAME:
        return False
    sides, kernel = _shape(graph, operator.inputs[2])[1:3], _shape(graph, operator.inputs[1])[1:3]
    strides = operator.options["strideH"], operator.options["strideW"]
    return any(
        stride > 1 and side % stride and (stride, size) not in _RIGHT
        for side, size, stride in zip(sides, kernel, strides, strict=False)
    )


@rule(
    "TRANSPOSE_CONV",
    kind=WRONG,
    what="TRANSPOSE_CONV with a kernel of more than 8,192 texels gives garbage",
    advice="convolve to stride² times the channels, DEPTH_TO_SPACE and crop; zoo convert writes it so by itself",
)
def _large_kernel(graph: Graph, operator: Operator) -> bool:
    kernel = _shape(graph, operator.inputs[1])
    return len(kernel) == 4 and kernel[1] * kernel[2] * -(-kernel[3] // _LANES) > _TEXELS


@rule(
    "TRANSPOSE_CONV",
    kind=REFUSED,
    what="TRANSPOSE_CONV with an activation inside is refused",
    advice="keep the activation apart; zoo convert writes it so by itself",
)
def _fused(graph: Graph, operator: Operator) -> bool:
    return operator.fused != "NONE"


@rule(
    "CONV_2D",
    kind=WRONG,
    what="CONV_2D in groups whose channels are no multiples of 4 gives wrong values",
    advice="make a group's channels, in and out, multiples of 4, or write the groups as one dense kernel with zeros between",
)
def _groups(graph: Graph, operator: Operator) -> bool:
    image, kernel = _shape(graph, operator.inputs[0]), _shape(graph, operator.inputs[1])
    if len(image) != 4 or len(kernel) != 4 or not kernel[3] or image[3] == kernel[3]:
        return False
    groups = image[3] // kernel[3]
    widths = kernel[3], kernel[0] // groups
    return widths != (1, 1) and any(width % _LANES for width in widths)


@rule(
    "CONV_2D",
    kind=WRONG,
    what="a quantised 1×1 convolution of stride 2 or more gives wrong values",
    advice="pick the pixels first (max pooling of 1×1 with that stride), then convolve",
)
def _strided_point(graph: Graph, operator: Operator) -> bool:
    image, kernel = graph.tensors[operator.inputs[0]], _shape(graph, operator.inputs[1])
    return bool(image.scale) and kernel[1:3] == (1, 1) and image.shape[1:3] != _shape(graph, operator.outputs[0])[1:3]


def _padded(graph: Graph, operator: Operator) -> Operator | None:
    """The PAD or PADV2 whose result an operator reads."""
    before = graph.producer(operator.inputs[0])
    return before if before is not None and before.name in ("PAD", "PADV2") else None


def _rounded(graph: Graph, operator: Operator) -> bool:
    """Whether its input is put on a grid first, which keeps what comes before apart: int8 is right (border_before_… graphs)."""
    return bool(graph.tensors[operator.inputs[0]].scale)


@rule(
    "MAX_POOL_2D",
    kind=WRONG,
    what="MAX_POOL_2D takes a PAD before it for its own padding, which never wins",
    advice="pad after a ReLU, or join the border on with CONCATENATION; zoo convert writes it so by itself",
    below_zero=True,
)
def _padding_of_a_maximum(graph: Graph, operator: Operator) -> bool:
    pad = _padded(graph, operator)
    if pad is None or _rounded(graph, operator):
        return False
    return pad.name == "PADV2" or not not_negative(graph, pad.inputs[0])


@rule(
    "AVERAGE_POOL_2D",
    kind=WRONG,
    what="AVERAGE_POOL_2D takes a PAD before it for its own padding, which is not counted",
    advice="join the border on with CONCATENATION; zoo convert writes it so by itself",
)
def _padding_of_a_mean(graph: Graph, operator: Operator) -> bool:
    return _padded(graph, operator) is not None and not _rounded(graph, operator)


@rule(
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    kind=WRONG,
    what="a convolution takes a PADV2 before it for padding with zeros, whatever its value",
    advice="join the border on with CONCATENATION, or pad with zeros",
)
def _border_of_a_convolution(graph: Graph, operator: Operator) -> bool:
    pad = _padded(graph, operator)
    return pad is not None and pad.name == "PADV2" and graph.tensors[pad.inputs[2]].values != (0.0,)


_MOVES = ("RESHAPE", "TRANSPOSE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "SLICE", "STRIDED_SLICE", "SQUEEZE", "EXPAND_DIMS")


def not_negative(graph: Graph, tensor: int) -> bool:
    """Whether a ReLU, or what moves a ReLU's values, writes a tensor: then no value of it is below zero."""
    maker = graph.producer(tensor)
    while maker is not None and maker.name in _MOVES:
        maker = graph.producer(maker.inputs[0])
    return maker is not None and (maker.name in ("RELU", "RELU6") or maker.fused in ("RELU", "RELU6"))
