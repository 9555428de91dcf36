"""Keras's convolution and dense layers, with their bias where TFLite has it, and layers that are an activation."""

from __future__ import annotations

import keras

from converters.tflite.writer.activation import activated
from converters.tflite.writer.builder import Builder, Unsupported
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.convolutions import (
    channels_last,
    convolution,
    convolved,
    depthwise,
    separable,
    transposed_convolution,
)
from converters.tflite.writer.operations.products import dense, einsum
from converters.tflite.writer.registry import lowers

L = keras.layers


def _bias(build: Builder, layer: keras.Layer) -> Tensor | None:
    return build.variable(layer.bias, "bias") if layer.use_bias else None


def _float_weights(layer: keras.Layer) -> None:
    if getattr(layer, "quantization_mode", None):
        raise Unsupported(f"{type(layer).__name__} with weights quantized by Keras ({layer.quantization_mode})")


@lowers(L.Conv1D, L.Conv2D)
def _conv(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    _float_weights(layer)
    kernel, bias = build.variable(layer.kernel, "kernel"), _bias(build, layer)
    return activated(build, layer.activation, convolved(build, convolution, layer, x, kernel, bias))


@lowers(L.DepthwiseConv1D, L.DepthwiseConv2D)
def _depthwise(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    kernel, bias = build.variable(layer.kernel, "kernel"), _bias(build, layer)
    return activated(build, layer.activation, convolved(build, depthwise, layer, x, kernel, bias))


@lowers(L.SeparableConv1D, L.SeparableConv2D)
def _separable(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    first = build.variable(layer.depthwise_kernel, "depthwise_kernel")
    last, bias = build.variable(layer.pointwise_kernel, "pointwise_kernel"), _bias(build, layer)
    return activated(build, layer.activation, separable(build, layer, x, (first, last), bias))


@lowers(L.Conv1DTranspose, L.Conv2DTranspose)
def _transposed(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    kernel, bias = build.variable(layer.kernel, "kernel"), _bias(build, layer)
    options = layer.strides, layer.padding, layer.output_padding, layer.dilation_rate
    y = channels_last(build, x, layer.data_format, lambda x: transposed_convolution(build, x, kernel, bias, *options))
    return activated(build, layer.activation, y)


@lowers(L.EinsumDense)
def _einsum_dense(build: Builder, layer: L.EinsumDense, x: Tensor) -> Tensor:
    _float_weights(layer)
    y = einsum(build, layer.equation, [build.floats(x), build.variable(layer.kernel, "kernel")])
    if layer.bias is not None:
        y = build.add(y, build.variable(layer.bias, "bias"))
    return activated(build, layer.activation, y)


@lowers(L.Dense)
def _dense(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    _float_weights(layer)
    y = dense(build, build.floats(x), build.variable(layer.kernel, "kernel"), _bias(build, layer))
    return activated(build, layer.activation, y)


@lowers(L.Activation)
def _activation(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    return activated(build, layer.activation, x)


@lowers(L.PReLU)
def _prelu(build: Builder, layer: keras.Layer, x: Tensor) -> Tensor:
    slopes = build.variable(layer.alpha, "alpha")
    # LiteRT's GPU accelerator takes one slope a channel, or one a number, and refuses slopes that are shared otherwise.
    shared = all(side == 1 for side in slopes.shape[:-1])
    full = (*slopes.shape[:-1], x.shape[-1]) if shared else x.shape[1:]
    if slopes.shape != full:
        slopes = build.weights(slopes.weights.broadcast(full), "alpha")
    return build.emit("PRELU", [x, slopes], x.shape)
