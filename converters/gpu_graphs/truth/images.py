"""Operators on maps: convolutions, pools, resizing, blocks of pixels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes

SAME = 0


def _padding(options: Options, sides: Sequence[int], kernel: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    """Before and after each axis; the odd one of "same" goes behind."""
    if options.get("padding", SAME) != SAME:
        return [(0, 0)] * len(sides)
    widths = []
    for side, size, stride in zip(sides, kernel, strides, strict=True):
        total = max((math.ceil(side / stride) - 1) * stride + size - side, 0)
        widths.append((total // 2, total - total // 2))
    return widths


def _windows(x: np.ndarray, kernel: Sequence[int], options: Options, fill: float = 0.0) -> np.ndarray:
    """N×…×C → N×…'×C×k…: what each output pixel sees."""
    axes = "DHW"[-len(kernel) :]
    strides = [options.get(f"stride{axis}", 1) or 1 for axis in axes]
    dilations = [options.get(f"dilation{axis}Factor", 1) or 1 for axis in axes]
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    widths = _padding(options, x.shape[1:-1], spans, strides)
    padded = np.pad(x, [(0, 0), *widths, (0, 0)], constant_values=fill)
    places = tuple(range(1, 1 + len(kernel)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=places)
    steps = [slice(None, None, stride) for stride in strides]
    taps = [slice(None, None, dilation) for dilation in dilations]
    return seen[(slice(None), *steps, slice(None), *taps)]


@computes("CONV_2D")
def conv_2d(options: Options, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """A kernel O×h×w×I; where the map has several times I channels, in groups."""
    _, height, width, inputs = kernel.shape
    groups = x.shape[-1] // inputs
    parts = []
    for part, weights in zip(np.split(x, groups, -1), np.split(kernel, groups), strict=True):
        parts.append(np.einsum("nhwcij,oijc->nhwo", _windows(part, (height, width), options), weights, optimize=True))
    result = np.concatenate(parts, -1)
    return result if bias is None else result + bias


@computes("CONV_3D")
def conv_3d(options: Options, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A kernel d×h×w×I×O."""
    return np.einsum("ndhwcijk,ijkco->ndhwo", _windows(x, kernel.shape[:3], options), kernel, optimize=True)


@computes("DEPTHWISE_CONV_2D")
def depthwise(options: Options, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """A kernel 1×h×w×(C·multiplier): every channel by itself."""
    _, height, width, outputs = kernel.shape
    weights = kernel.reshape(height, width, x.shape[-1], -1)
    result = np.einsum("nhwcij,ijcm->nhwcm", _windows(x, (height, width), options), weights, optimize=True)
    result = result.reshape(*result.shape[:3], outputs)
    return result if bias is None else result + bias


@computes("TRANSPOSE_CONV")
def transpose_conv(
    options: Options, size: np.ndarray, kernel: np.ndarray, x: np.ndarray, bias: np.ndarray | None = None
) -> np.ndarray:
    """The gradient of a convolution: every pixel spreads its kernel O×h×w×I over the larger map, N×H×W×O of that size."""
    outputs, high, wide, _ = kernel.shape
    batch, height, width = x.shape[:3]
    down, right = options["strideH"], options["strideW"]
    whole = np.zeros((batch, max((height - 1) * down + high, size[1]), max((width - 1) * right + wide, size[2]), outputs))
    for i, j in itertools.product(range(high), range(wide)):
        rows, columns = slice(i, i + (height - 1) * down + 1, down), slice(j, j + (width - 1) * right + 1, right)
        whole[:, rows, columns] += x @ kernel[:, i, j].T
    (top, _), (left, _) = _padding(options, size[1:3], (high, wide), (down, right))
    whole = np.pad(whole, [(0, 0), (0, top), (0, left), (0, 0)])  # what padding moves in from beyond is 0
    result = whole[:, top : top + size[1], left : left + size[2]]
    return result if bias is None else result + bias


@computes("MAX_POOL_2D")
def max_pool(options: Options, x: np.ndarray) -> np.ndarray:
    """The largest of each window."""
    return _windows(x, (options["filterHeight"], options["filterWidth"]), options, -np.inf).max((-2, -1))


@computes("AVERAGE_POOL_2D")
def average_pool(options: Options, x: np.ndarray) -> np.ndarray:
    """The mean of each window, of what lies within the map alone."""
    kernel = options["filterHeight"], options["filterWidth"]
    count = _windows(np.ones_like(x), kernel, options).sum((-2, -1))
    return _windows(x, kernel, options).sum((-2, -1)) / count


def _positions(options: Options, before: int, after: int) -> np.ndarray:
    """Where each pixel of the new side lies on the old one."""
    if options.get("alignCorners") and after > 1:
        return np.arange(after) * (before - 1) / (after - 1)
    if options.get("halfPixelCenters"):
        return (np.arange(after) + 0.5) * before / after - 0.5
    return np.arange(after) * before / after


@computes("RESIZE_BILINEAR")
def bilinear(options: Options, x: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Between the two neighbours of each axis; beyond the edge, the edge."""
    for axis, after in zip((1, 2), size, strict=True):
        side = x.shape[axis]
        place = np.clip(_positions(options, side, after), 0, side - 1)
        low = np.floor(place).astype(int)
        share = (place - low).reshape([-1 if axis == each else 1 for each in range(4)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, np.minimum(low + 1, side - 1), axis) * share
    return x


@computes("RESIZE_NEAREST_NEIGHBOR")
def nearest(options: Options, x: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The pixel that each new one lies in; with aligned corners, the one that it is nearest to."""
    for axis, after in zip((1, 2), size, strict=True):
        place = _positions(options, x.shape[axis], after)
        place = place + 0.5 if options.get("alignCorners") or options.get("halfPixelCenters") else place
        x = np.take(x, np.clip(np.floor(place + 1e-9).astype(int), 0, x.shape[axis] - 1), axis)
    return x


@computes("SPACE_TO_DEPTH")
def space_to_depth(options: Options, x: np.ndarray) -> np.ndarray:
    """Blocks of pixels into channels."""
    batch, height, width, channels = x.shape
    side = options["blockSize"]
    blocks = x.reshape(batch, height // side, side, width // side, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(batch, height // side, width // side, -1)


@computes("DEPTH_TO_SPACE")
def depth_to_space(options: Options, x: np.ndarray) -> np.ndarray:
    """Channels into blocks of pixels."""
    batch, height, width, _ = x.shape
    side = options["blockSize"]
    blocks = x.reshape(batch, height, width, side, side, -1).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(batch, height * side, width * side, -1)
