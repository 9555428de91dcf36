"""Scales: from what a tensor spans to its integers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from converters.tflite.writer.graph import Quantization, Tensor
from converters.tflite.writer.weights import Weights

Span = tuple[float, float]  # (least, greatest)
_LEAST = 1e-8  # a scale
_LIMITS = {8: 2.0**30, 16: 2.0**38}  # of a bias's integers by bits of the activations: within int32, and what NPUs add up in
_LEAST_PRODUCT, _LARGEST_PRODUCT = 2.0**-30, 2.0**7  # a product's scale in output quanta, as XNNPACK multiplies with it


class Scale(NamedTuple):
    """The meaning of a whole tensor's integers: scale · (integer − zero)."""

    scale: float
    zero: int
    bits: int

    @property
    def dtype(self) -> str:
        """The file's type."""
        return f"int{self.bits}"

    @property
    def span(self) -> Span:
        """What can be written."""
        half = 2 ** (self.bits - 1)
        return (-half - self.zero) * self.scale, (half - 1 - self.zero) * self.scale

    def quantization(self) -> Quantization:
        """As a tensor has it."""
        return Quantization(np.float32([self.scale]), np.int64([self.zero]))

    def integers(self, values: np.ndarray) -> np.ndarray:
        """Real numbers as they are stored."""
        limits = np.iinfo(self.dtype)
        stored = np.rint(values.astype(np.float64) / np.float32(self.scale)) + self.zero
        return stored.clip(limits.min, limits.max).astype(self.dtype)


def scale_of(span: Span, bits: int) -> Scale:
    """The finest scale that reaches over a span and has zero itself among its numbers; symmetric in 16 bits."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    if low == high:  # zero on every picture: whatever it is elsewhere, its neighbours' products shall be computable
        high = 1.0
    if bits == 16:
        return Scale(float(np.float32(max(-low, high, _LEAST * 32767) / 32767)), 0, bits)
    scale = np.float32(max((high - low) / 255, _LEAST))
    return Scale(float(scale), int(np.clip(np.rint(-128 - low / float(scale)), -128, 127)), bits)


def constant(tensor: Tensor, scale: Scale) -> Tensor:
    """A constant in integers of a scale."""
    weights = tensor.weights.through(lambda rows, start: scale.integers(rows), scale.dtype)
    return Tensor(tensor.shape, scale.dtype, tensor.layer, tensor.role, weights, scale.quantization())


def span_of(tensor: Tensor) -> Span:
    """What a constant spans."""
    values = tensor.array()
    return float(values.min()), float(values.max())


def largest(weights: Weights, axis: int) -> np.ndarray:
    """The largest absolute number for each index of an axis, read where it lies or else block by block."""
    rest = tuple(place for place in range(len(weights.shape)) if place != axis)
    if not weights.steps:
        values = weights.read()
        return np.maximum(values.max(rest), -values.min(rest))
    parts = [np.maximum(block.max(rest), -block.min(rest)) for block in weights.blocks()]
    return np.concatenate(parts) if axis == 0 else np.max(parts, axis=0)


def kernel_scales(kernel: Tensor, axis: int, bias: np.ndarray, image: Scale, output: Scale) -> np.ndarray:
    """The scale of each output channel's weights.

    127 is a channel's largest weight; but where that is next to nothing, its bias still has to fit into its bits, and the
    product's scale into what kernels multiply with. An output that hardly ever moves is cut off rather than not computed.
    """
    fitting = np.maximum(np.abs(bias) / _LIMITS[image.bits], output.scale * _LEAST_PRODUCT) / image.scale
    most = output.scale * _LARGEST_PRODUCT / image.scale
    return np.minimum(np.maximum(largest(kernel.weights, axis) / 127, fitting), most).astype(np.float32)


def rounded_kernel(kernel: Tensor, axis: int, scales: np.ndarray, limit: int = 127, dtype: str = "int8") -> Tensor:
    """A kernel in symmetric integers, a scale for each output channel."""
    tail = [1] * len(kernel.shape)

    def step(rows: np.ndarray, start: int) -> np.ndarray:
        part = scales[start : start + len(rows)] if axis == 0 else scales
        shape = [*tail[:axis], -1, *tail[axis + 1 :]]
        quotients = np.divide(rows, part.reshape(shape), dtype=np.float32)
        return np.rint(quotients, out=quotients).clip(-limit, limit, out=quotients).astype(np.int8)

    zeros = np.zeros(len(scales), np.int64)
    weights = kernel.weights.through(step, dtype)
    return Tensor(kernel.shape, dtype, kernel.layer, kernel.role, weights, Quantization(scales, zeros, axis))


def rounded_bias(bias: Tensor, image: Scale, scales: np.ndarray) -> Tensor:
    """A bias in the product's own steps, in 32 bits, or in 64 beside activations of 16."""
    steps = np.float32(image.scale) * scales
    dtype = "int64" if image.bits == 16 else "int32"
    limits = np.iinfo(np.int32) if dtype == "int32" else np.iinfo(np.int64)
    stored = np.rint(bias.array().astype(np.float64) / steps).clip(limits.min // 2, limits.max // 2).astype(dtype)
    zeros = np.zeros(len(scales), np.int64)
    return Tensor(bias.shape, dtype, bias.layer, bias.role, Weights.of(stored), Quantization(steps, zeros, 0))
