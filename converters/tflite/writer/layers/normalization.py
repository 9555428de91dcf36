"""Normalising layers whose own call is in words of the backend, or in five dimensions."""

from __future__ import annotations

import math

import keras
import numpy as np

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.activations import NEVER, softmax
from converters.tflite.writer.operations.normalization import affine, scaled_and_shifted
from converters.tflite.writer.operations.reductions import mean, variance
from converters.tflite.writer.registry import lowers
from converters.tflite.writer.weights import numbers

L = keras.layers


@lowers(L.Rescaling)
def _rescaling(build: Builder, layer: L.Rescaling, x: Tensor) -> Tensor:
    scale, offset = (np.asarray(each, np.float32) for each in (layer.scale, layer.offset))
    if keras.config.image_data_format() == "channels_first":
        scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim)) if scale.ndim else scale
    y = build.multiply(build.floats(x), build.constant(scale, role="scale"))
    return build.add(y, build.constant(offset, role="offset"))


@lowers(L.Normalization)
def _normalization(build: Builder, layer: L.Normalization, x: Tensor) -> Tensor:
    centre, spread = (numbers(each).astype(np.float64) for each in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(spread), keras.config.epsilon())
    factor, shift = (deviation, centre) if layer.invert else (1 / deviation, -centre / deviation)
    y = build.multiply(build.floats(x), build.constant(factor, role="scale"))
    return build.add(y, build.constant(shift, role="offset"))


@lowers(L.BatchNormalization)
def _batch_normalization(build: Builder, layer: L.BatchNormalization, x: Tensor) -> Tensor:
    centre, spread = (numbers(each).astype(np.float64) for each in (layer.moving_mean, layer.moving_variance))
    factor = 1 / np.sqrt(spread + layer.epsilon) * (numbers(layer.gamma) if layer.scale else 1)
    shift = -centre * factor + (numbers(layer.beta) if layer.center else 0)
    return scaled_and_shifted(build, build.floats(x), factor, shift, layer.axis)


@lowers(L.Softmax)
def _softmax(build: Builder, layer: L.Softmax, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Its call over several axes is in words of the backend. What a mask leaves out is zero, in rows without a place too."""
    if mask is None:
        return softmax(build, x, layer.axis)
    seen = mask if mask.dtype == "bool" else build.binary("GREATER", mask, 0.5)
    y = softmax(build, build.select(seen, build.floats(x), build.constant(NEVER)), layer.axis)
    return build.select(seen, y, build.constant(0.0))


@lowers(L.GroupNormalization)
def _group_normalization(build: Builder, layer: L.GroupNormalization, x: Tensor) -> Tensor:
    """As N×positions×groups×channels of a group: in Keras's five dimensions the GPU accelerator refuses it."""
    x = build.floats(x)
    rank, axis = len(x.shape), layer.axis % len(x.shape)
    order = [at for at in range(rank) if at != axis] + [axis]
    y = build.transpose(x, order)
    channels = y.shape[-1]
    groups = channels if layer.groups == -1 else layer.groups
    flat = build.reshape(y, (y.shape[0], math.prod(y.shape[1:-1]), groups, channels // groups))
    distance = build.subtract(flat, mean(build, flat, [1, 3], True))
    scale = build.unary("RSQRT", build.add(variance(build, flat, [1, 3], True), float(layer.epsilon)))
    z = build.reshape(build.multiply(distance, scale), y.shape)
    z = affine(build, z, layer.gamma if layer.scale else None, layer.beta if layer.center else None, -1)
    return build.transpose(z, [order.index(at) for at in range(rank)])
