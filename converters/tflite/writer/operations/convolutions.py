"""Convolutions and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import SAME, VALID, Builder, Unsupported, type_number
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.registry import lowers_operation


def spatial(value: Any, rank: int) -> tuple[int, ...]:
    """One number an axis of positions."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(each) for each in value)


def output_side(side: int, window: int, stride: int, padding: int) -> int:
    """The positions of a window of so many rows on so many, −1 where open."""
    return -1 if side < 0 else -(-side // stride) if padding == SAME else -(-(side - window + 1) // stride)


def channels_last(build: Builder, x: Any, data_format: str | None, run: Callable[[Tensor], Tensor]) -> Tensor:
    """What an operation on N×…×C gives of a tensor in either order, in that order."""
    x = build.floats(x)
    rank = len(x.shape)
    if (data_format or keras.config.image_data_format()) == "channels_last":
        return run(x)
    y = run(build.transpose(x, [0, *range(2, rank), 1]))
    return build.transpose(y, [0, rank - 1, *range(1, rank - 1)])


def in_two_dimensions(build: Builder, x: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
    """What an operation on N×H×W×C gives of N×L×C, whose positions become columns of one row."""
    if len(x.shape) == 4:
        return run(x)
    if len(x.shape) != 3:
        raise Unsupported(f"of {len(x.shape) - 2} dimensions")
    y = run(build.reshape(x, [x.shape[0], 1, *x.shape[1:]]))
    return build.reshape(y, [y.shape[0], *y.shape[2:]])


def sides_of(build: Builder, x: Tensor) -> Tensor:
    """Height and width of N×H×W×C when the graph runs: a tensor of two."""
    shape = build.emit("SHAPE", [x], (len(x.shape),), "int32", outType=type_number("int32"))
    return build.slice(shape, [1], [2])


def pair(value: Any, rank: int) -> tuple[int, int]:
    """Rows and columns; of a sequence, one row."""
    values = spatial(value, rank)
    return (1, *values) if rank == 1 else values


def padded(
    build: Builder, x: Tensor, padding: str, window: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, int]:
    """The tensor and TFLite's padding for Keras's word."""
    if padding == "causal":
        span = (window[1] - 1) * dilation[1]
        return build.pad(x, [(0, 0), (0, 0), (span, 0), (0, 0)]), VALID
    return x, {"same": SAME, "valid": VALID}[padding.lower()]


def convolution(
    build: Builder, x: Tensor, kernel: Tensor, bias: Tensor | None, strides: Any, padding: str, dilation: Any
) -> Tensor:
    """CONV_2D of N×H×W×C or N×L×C with a kernel H×W×I×O or L×I×O.

    The GPU accelerator gets groups wrong whose channels are no multiples of four: their kernel becomes a dense one.
    """
    rank = len(x.shape) - 2

    def run(x: Tensor) -> Tensor:
        weights = kernel
        if rank == 1:
            weights = build.reshape(kernel, (1, *kernel.shape))
        channels, inputs, outputs = x.shape[-1], weights.shape[2], weights.shape[3]
        groups = channels // inputs
        if groups > 1 and (inputs % 4 or outputs // groups % 4):
            weights = build.weights(_dense_of_groups(weights, groups), weights.role)
        dilated = [(weights.shape[axis] - 1) * pair(dilation, rank)[axis] + 1 for axis in (0, 1)]
        step = pair(strides, rank)
        x, mode = padded(build, x, padding, weights.shape[:2], pair(dilation, rank))
        sides = [output_side(x.shape[axis + 1], dilated[axis], step[axis], mode) for axis in (0, 1)]
        return build.emit(
            "CONV_2D",
            [x, build.transpose(weights, (3, 0, 1, 2)), _bias(build, bias, outputs)],
            (x.shape[0], *sides, outputs),
            padding=mode, strideH=step[0], strideW=step[1],
            dilationHFactor=pair(dilation, rank)[0], dilationWFactor=pair(dilation, rank)[1],
        )  # fmt: skip

    return in_two_dimensions(build, x, run)


def _bias(build: Builder, bias: Tensor | None, count: int) -> Tensor:
    return build.constant(np.zeros(count), role="bias") if bias is None else bias


def _dense_of_groups(kernel: Tensor, groups: int) -> Any:
    """The kernel that sees all channels, and does not heed those of other groups."""
    height, width, inputs, outputs = kernel.shape
    source, each = kernel.weights, outputs // groups

    def read() -> np.ndarray:
        grouped, dense = source.array(), np.zeros((height, width, inputs * groups, outputs), source.dtype)
        for group in range(groups):
            columns = slice(group * each, (group + 1) * each)
            dense[:, :, group * inputs : (group + 1) * inputs, columns] = grouped[..., columns]
        return dense

    return type(source)((height, width, inputs * groups, outputs), source.dtype, read)


def depthwise(
    build: Builder, x: Tensor, kernel: Tensor, bias: Tensor | None, strides: Any, padding: str, dilation: Any
) -> Tensor:
    """DEPTHWISE_CONV_2D of N×H×W×C or N×L×C with a kernel H×W×C×multiplier or L×C×multiplier."""
    rank = len(x.shape) - 2

    def run(x: Tensor) -> Tensor:
        weights = build.reshape(kernel, (1, *kernel.shape)) if rank == 1 else kernel
        height, width, channels, multiplier = weights.shape
        factors, step = pair(dilation, rank), pair(strides, rank)
        x, mode = padded(build, x, padding, (height, width), factors)
        spans = [(size - 1) * factor + 1 for size, factor in zip((height, width), factors, strict=True)]
        sides = [output_side(x.shape[axis + 1], spans[axis], step[axis], mode) for axis in (0, 1)]
        flat = build.reshape(weights, (1, height, width, channels * multiplier))
        if step[0] != step[1]:
            raise Unsupported(f"DepthwiseConv of strides {tuple(step)}")
        return build.emit(
            "DEPTHWISE_CONV_2D",
            [x, flat, _bias(build, bias, channels * multiplier)],
            (x.shape[0], *sides, channels * multiplier),
            padding=mode, strideH=step[0], strideW=step[1], depthMultiplier=multiplier,
            dilationHFactor=factors[0], dilationWFactor=factors[1],
        )  # fmt: skip

    return in_two_dimensions(build, x, run)


def convolved(
    build: Builder, form: Callable[..., Tensor], settings: keras.Operation, x: Any, kernel: Tensor, bias: Tensor | None
) -> Tensor:
    """`convolution` or `depthwise`, the `form`, with the order of axes, strides, padding and dilation of a layer or an
    operation."""
    options = settings.strides, settings.padding, settings.dilation_rate
    return channels_last(build, x, settings.data_format, lambda x: form(build, x, kernel, bias, *options))


def separable(
    build: Builder, settings: keras.Operation, x: Any, kernels: tuple[Tensor, Tensor], bias: Tensor | None
) -> Tensor:
    """`depthwise` and then a `convolution` at each position, with the settings of a layer or an operation."""
    first, last = kernels
    options = settings.strides, settings.padding, settings.dilation_rate

    def run(x: Tensor) -> Tensor:
        return convolution(build, depthwise(build, x, first, None, *options), last, bias, 1, "valid", 1)

    return channels_last(build, x, settings.data_format, run)


@lowers_operation("Conv")
def _conv(build: Builder, operation: keras.Operation, inputs: Any, kernel: Any) -> Tensor:
    return convolved(build, convolution, operation, inputs, build.tensor(kernel, role="kernel"), None)


@lowers_operation("DepthwiseConv")
def _depthwise_conv(build: Builder, operation: keras.Operation, inputs: Any, kernel: Any) -> Tensor:
    return convolved(build, depthwise, operation, inputs, build.tensor(kernel, role="kernel"), None)


@lowers_operation("SeparableConv")
def _separable_conv(
    build: Builder, operation: keras.Operation, inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any
) -> Tensor:
    kernels = {"depthwise_kernel": depthwise_kernel, "pointwise_kernel": pointwise_kernel}
    first, last = (build.tensor(kernel, role=role) for role, kernel in kernels.items())
    return separable(build, operation, inputs, (first, last), None)


@lowers_operation("MaxPool", "AveragePool")
def _pool(build: Builder, operation: keras.Operation, inputs: Any) -> Tensor:
    code = {"MaxPool": "MAX_POOL_2D", "AveragePool": "AVERAGE_POOL_2D"}[type(operation).__name__]

    def run(x: Tensor) -> Tensor:
        rank = len(x.shape) - 2
        size = pair(operation.pool_size, rank)
        step = size if operation.strides is None else pair(operation.strides, rank)
        mode = {"same": SAME, "valid": VALID}[operation.padding.lower()]

        def pooled(x: Tensor) -> Tensor:
            sides = [output_side(x.shape[axis + 1], size[axis], step[axis], mode) for axis in (0, 1)]
            return build.emit(
                code, [x], (x.shape[0], *sides, x.shape[-1]),
                padding=mode, strideH=step[0], strideW=step[1], filterHeight=size[0], filterWidth=size[1],
            )  # fmt: skip

        return in_two_dimensions(build, x, pooled)

    return channels_last(build, inputs, operation.data_format, run)


@lowers_operation("AdaptiveAveragePool", "AdaptiveMaxPool")
def _adaptive_pool(build: Builder, operation: keras.Operation, inputs: Any) -> Tensor:
    """Cells from ⌊i·side/bins⌋ to ⌈(i + 1)·side/bins⌉, rows before columns."""
    code = {"AdaptiveAveragePool": "MEAN", "AdaptiveMaxPool": "REDUCE_MAX"}[type(operation).__name__]

    def run(x: Tensor) -> Tensor:
        bins = spatial(operation.output_size, len(x.shape) - 2)
        for axis, count in enumerate(bins, start=1):
            side, cells = x.shape[axis], []
            if side < 0:
                raise Unsupported(f"{type(operation).__name__} of an open size")
            for cell in range(count):
                low, high = cell * side // count, -(-(cell + 1) * side // count)
                begin = [low if at == axis else 0 for at in range(len(x.shape))]
                size = [high - low if at == axis else -1 for at in range(len(x.shape))]
                cells.append(build.reduce(code, build.slice(x, begin, size), axis, keepdims=True))
            x = build.concatenate(cells, axis)
        return x

    return channels_last(build, inputs, operation.data_format, run)


@lowers_operation("DepthToSpace", "SpaceToDepth")
def _blocks(build: Builder, operation: keras.Operation, x: Any) -> Tensor:
    block, down = int(operation.block_size), type(operation).__name__ == "SpaceToDepth"

    def run(x: Tensor) -> Tensor:
        batch, *sides, channels = x.shape
        area = block * block
        sides = [side if side < 0 else side // block if down else side * block for side in sides]
        code = "SPACE_TO_DEPTH" if down else "DEPTH_TO_SPACE"
        return build.emit(code, [x], (batch, *sides, channels * area if down else channels // area), blockSize=block)

    return channels_last(build, x, operation.data_format, run)


@lowers_operation("ConvTranspose")
def _conv_transpose(build: Builder, operation: keras.Operation, inputs: Any, kernel: Any) -> Tensor:
    weights = build.tensor(kernel, role="kernel")
    return channels_last(
        build, inputs, operation.data_format,
        lambda x: transposed_convolution(
            build, x, weights, None, operation.strides, operation.padding, operation.output_padding, operation.dilation_rate
        ),
    )  # fmt: skip


def transposed_convolution(
    build: Builder,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    strides: Any,
    padding: str,
    output_padding: Any,
    dilation: Any,
) -> Tensor:
    """TRANSPOSE_CONV of N×H×W×I or N×L×I with a kernel H×W×O×I; `passes.transposed` chooses its final form."""
    rank = len(x.shape) - 2
    if any(factor != 1 for factor in spatial(dilation, rank)):
        raise Unsupported("ConvTranspose with dilation")
    if output_padding is not None:
        raise Unsupported("ConvTranspose with output_padding")

    def run(x: Tensor) -> Tensor:
        weights = build.reshape(kernel, (1, *kernel.shape)) if rank == 1 else kernel
        step, mode = pair(strides, rank), {"same": SAME, "valid": VALID}[padding.lower()]
        more = [max(size - stride, 0) * (mode == VALID) for stride, size in zip(step, weights.shape[:2], strict=True)]
        outputs = weights.shape[2]
        sides = [-1 if side < 0 else side * step[axis] + more[axis] for axis, side in enumerate(x.shape[1:3])]
        shape = (x.shape[0], *sides, outputs)
        size = build.constant(shape, "int32", "size")
        if -1 in sides:
            grown = build.multiply(sides_of(build, x), build.constant(step, "int32", "strides"))
            grown = build.add(grown, build.constant(more, "int32", "more"))
            ends = [build.constant([end], "int32") for end in (x.shape[0], outputs)]
            size = build.concatenate([ends[0], grown, ends[1]], 0)
        inputs = [size, build.transpose(weights, (2, 0, 1, 3)), x, _bias(build, bias, outputs)]
        return build.emit("TRANSPOSE_CONV", inputs, shape, "float32", padding=mode, strideH=step[0], strideW=step[1])

    return in_two_dimensions(build, x, run)
