"""Transposed convolutions in the form that is fastest on the CPU and right on the GPU.

With stride s and a kernel of up to 2s, each output row is made of at most two input rows. So the map, with a border of one
zero, goes through a convolution of 2×2 whose s² times as many channels are then laid out in space (DEPTH_TO_SPACE), and what
sticks out is cut off: the same sums, without scattering. At k = 2s nothing is multiplied in vain, and it is two to four times
as fast; at k = 3, s = 2 it would multiply 16 numbers for 9.

LiteRT's GPU accelerator takes the padding of "same" from the small map, as if it were a forward convolution, and shifts the
answer where a side does not divide by the stride; "valid" and a cut is right. Nor does it take a kernel of more than 8,192
texels.
"""

from __future__ import annotations

import numpy as np

from converters.tflite.writer.builder import SAME, VALID
from converters.tflite.writer.graph import Graph, Operator, Tensor
from converters.tflite.writer.weights import Weights

_WASTE = 1.5  # multiplications in vain that the rewriting may cost, as a factor
_TEXELS = 8192
_RIGHT = ((2, 2), (2, 4))  # stride and kernel of which the GPU accelerator gets "same" right at any size


def rewrite_transposed(graph: Graph) -> None:
    """Chooses each transposed convolution's form by its cost."""
    operators: list[Operator] = []
    for operator in graph.operators:
        operators += _form(graph, operator) if operator.code == "TRANSPOSE_CONV" else [operator]
    graph.operators = operators


def _form(graph: Graph, operator: Operator) -> list[Operator]:
    kernel, x = operator.inputs[1:3]
    size = kernel.shape[1:3]
    strides = operator.options["strideH"], operator.options["strideW"]
    name = f"layer '{operator.layers[0]}', transposed convolution of {size[0]}×{size[1]}, stride {strides[0]}"
    if not kernel.constant or -1 in x.shape:
        return [operator]
    if _becomes_convolution(kernel, x, strides):
        graph.notes.append(
            f"{name}: written as a convolution and DEPTH_TO_SPACE, which multiplies less or is right on GPUs"
        )
        return _as_convolution(operator, strides[0])
    if operator.options["padding"] == SAME and _shifted(x, size, strides):
        if all(k <= s for k, s in zip(size, strides, strict=True)):
            operator.options["padding"] = VALID  # which is the same
            return [operator]
        graph.notes.append(f"{name}: written without padding and cut, because GPUs shift a padded one")
        return _cut(operator, size, strides)
    return [operator]


def _becomes_convolution(kernel: Tensor, x: Tensor, strides: tuple[int, int]) -> bool:
    stride, (_, height, width, channels) = strides[0], kernel.shape
    if strides[1] != stride or stride == 1 or max(height, width) > 2 * stride or min(height, width) <= stride:
        return False
    if x.shape[0] != 1:  # DEPTH_TO_SPACE is wrong on the GPU for more pictures than one
        return False
    texels = height * width * -(-channels // 4)
    return (2 * stride) ** 2 <= _WASTE * height * width or texels > _TEXELS


def _shifted(x: Tensor, size: tuple[int, ...], strides: tuple[int, int]) -> bool:
    return any(
        side % stride and (stride, k) not in _RIGHT and stride > 1
        for side, k, stride in zip(x.shape[1:3], size, strides, strict=True)
    )


def _begin(operator: Operator, size: tuple[int, ...], strides: tuple[int, int]) -> list[int]:
    """The rows and columns that "same" leaves out before the first."""
    same = operator.options["padding"] == SAME
    return [max(k - s, 0) // 2 if same else 0 for k, s in zip(size, strides, strict=True)]


def _as_convolution(operator: Operator, stride: int) -> list[Operator]:
    _, kernel, x, bias = operator.inputs
    layer, layers = operator.output.layer, operator.layers
    outputs, height, width, inputs = kernel.shape
    batch, rows, columns, _ = x.shape
    source = kernel.weights

    def read() -> np.ndarray:
        whole = np.zeros((outputs, 2 * stride, 2 * stride, inputs), source.dtype)
        whole[:, :height, :width] = source.array()
        taps = whole.reshape(outputs, 2, stride, 2, stride, inputs)[:, ::-1, :, ::-1]
        return taps.transpose(2, 4, 0, 1, 3, 5).reshape(stride * stride * outputs, 2, 2, inputs)

    def tensor(shape: tuple[int, ...], role: str, weights: Weights | None = None, dtype: str = "float32") -> Tensor:
        return Tensor(shape, dtype, layer, role, weights)

    def constant(values: object, role: str) -> Tensor:
        weights = Weights.of(np.asarray(values, "int32"))
        return tensor(weights.shape, role, weights, "int32")

    wide = stride * stride * outputs
    weights = Weights((wide, 2, 2, inputs), source.dtype, read)
    biases = Weights.of(np.tile(bias.array(), stride * stride))
    border = tensor((batch, rows + 2, columns + 2, inputs), "border")
    blocks = tensor((batch, rows + 1, columns + 1, wide), "blocks")
    full = tensor((batch, (rows + 1) * stride, (columns + 1) * stride, outputs), "full")
    options = {"padding": VALID, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    options |= operator.activation_options
    begin = [0, *_begin(operator, (height, width), (stride, stride)), 0]
    widths = constant([(0, 0), (1, 1), (1, 1), (0, 0)], "paddings")
    convolved = [border, tensor(weights.shape, "kernel", weights), tensor(biases.shape, "bias", biases)]
    return [
        Operator("PAD", [x, widths], [border], {}, layers),
        Operator("CONV_2D", convolved, [blocks], options, layers),
        Operator("DEPTH_TO_SPACE", [blocks], [full], {"blockSize": stride}, layers),
        Operator(
            "SLICE",
            [full, constant(begin, "begin"), constant(operator.output.shape, "size")],
            operator.outputs,
            {},
            layers,
        ),
    ]


def _cut(operator: Operator, size: tuple[int, ...], strides: tuple[int, int]) -> list[Operator]:
    _, kernel, x, bias = operator.inputs
    output, layers = operator.output, operator.layers
    sides = [side * s + max(k - s, 0) for side, k, s in zip(x.shape[1:3], size, strides, strict=True)]
    full = Tensor((x.shape[0], *sides, output.shape[3]), output.dtype, output.layer, "full")

    def constant(values: object, role: str) -> Tensor:
        weights = Weights.of(np.asarray(values, "int32"))
        return Tensor(weights.shape, "int32", output.layer, role, weights)

    begin = constant([0, *_begin(operator, size, strides), 0], "begin")
    options = {**operator.options, "padding": VALID}
    return [
        Operator("TRANSPOSE_CONV", [constant(full.shape, "size"), kernel, x, bias], [full], options, layers),
        Operator("SLICE", [full, begin, constant(output.shape, "size")], [output], {}, layers),
    ]
