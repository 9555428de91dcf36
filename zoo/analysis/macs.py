"""Multiply-accumulates, counted from the built graph.

The convention of the papers: convolutions and dense layers count, one for every product of a weight and an activation
(also where a padded zero is multiplied); biases, normalisation, activations, pooling and resizing count nothing.

A layer that is not Keras's own says its count itself, `macs(input_shapes, output_shape)`; the tables here are of Keras's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import keras
from keras import layers as kl

from zoo.analysis.graph import as_functional, specs_at
from zoo.analysis.graph import trace as read
from zoo.errors import InputError

Shape = tuple[int, ...]
_SIDES = 3  # of a picture, H×W×C
Counter = Callable[[kl.Layer, list[Shape], Shape], int]


def macs(model: keras.Model, input_size: tuple[int, int] | None = None) -> int:
    """Multiply-accumulates of one image through a model.

    Args:
        model: a functional model with one image input; nested models and shared layers count each time they are used.
        input_size: (H, W) in pixels; not needed where the model's own size is fixed.

    Raises:
        InputError: if the size is needed and missing, or the model holds a layer that says no count.
    """
    return sum(count for _, count in layer_macs(model, input_size))


def parameters(model: keras.Model) -> int:
    """Trainable parameters: without the statistics of normalisation."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def layer_macs(model: keras.Model, input_size: tuple[int, int] | None = None) -> Iterator[tuple[kl.Layer, int]]:
    """Each use of a layer, in order, with its multiply-accumulates; arguments and errors as `macs`."""
    for layer, inputs, outputs in trace(model, input_size):
        yield layer, _count(layer, [tuple(tensor.shape) for tensor in inputs], tuple(outputs[0].shape))


def trace(
    model: keras.Model, input_size: tuple[int, int] | None = None
) -> list[tuple[kl.Layer, list[keras.KerasTensor], list[keras.KerasTensor]]]:
    """Every use of a layer with the symbolic tensors that go in and come out at that size, batch 1, in graph order.

    Nested models are opened up. Nothing is computed and no weight is copied: only shapes run through the graph.

    Raises:
        InputError: if the size is needed and missing, a layer cannot see it, or the model's graph cannot be read.
    """
    shapes = []
    for tensor in as_functional(model).inputs:
        sides = tuple(tensor.shape[1:])
        if len(sides) == _SIDES and (input_size is not None and (None in sides or not shapes)):
            sides = (*input_size, sides[2])
        if None in sides:
            raise InputError(f"{model.name} takes any size, so the count needs one; pass input_size=(height, width)")
        shapes.append((1, *sides))
    graph = read(model)
    specs = specs_at(graph, *shapes)
    return [
        (call.operation, [specs[value] for value in call.inputs], [specs[value] for value in call.outputs])
        for call in graph.calls
    ]


def _count(layer: kl.Layer, inputs: list[Shape], output: Shape) -> int:
    if hasattr(layer, "macs"):
        return layer.macs(inputs, output)
    for kind in type(layer).__mro__:
        if kind in COUNTERS:
            return COUNTERS[kind](layer, inputs, output)
        if kind in FREE:
            return 0
    raise InputError(
        f"no count is known for layer {layer.name!r} of type {type(layer).__name__}; "
        "give its class a method macs(input_shapes, output_shape) that says how many"
    )


def _convolution(layer: kl.Conv2D, inputs: list[Shape], output: Shape) -> int:
    """Every output value is a sum over a kernel window and one group's input channels."""
    return math.prod(output) * (math.prod(layer.kernel_size) * inputs[0][-1] // layer.groups)


def _transposed(layer: kl.Conv2DTranspose, inputs: list[Shape], output: Shape) -> int:
    """Every input value is spread through the kernel over all output channels."""
    return math.prod(inputs[0]) * math.prod(layer.kernel_size) * layer.filters


def _depthwise(layer: kl.DepthwiseConv2D, inputs: list[Shape], output: Shape) -> int:
    return math.prod(output) * math.prod(layer.kernel_size)


def _separable(layer: kl.SeparableConv2D, inputs: list[Shape], output: Shape) -> int:
    spread = inputs[0][-1] * layer.depth_multiplier
    return math.prod(output[1:3]) * spread * (math.prod(layer.kernel_size) + layer.filters)


def _dense(layer: kl.Dense, inputs: list[Shape], output: Shape) -> int:
    return math.prod(output) * inputs[0][-1]


COUNTERS: dict[type, Counter] = {
    kl.Conv2D: _convolution,
    kl.Conv2DTranspose: _transposed,
    kl.DepthwiseConv2D: _depthwise,
    kl.SeparableConv2D: _separable,
    kl.Dense: _dense,
}
_FREE = """Activation Add Average AveragePooling2D BatchNormalization Concatenate Cropping2D Dropout Flatten
    GlobalAveragePooling2D GlobalMaxPooling2D Identity InputLayer LeakyReLU MaxPooling2D Maximum Multiply Normalization
    PReLU Permute ReLU Rescaling Reshape Resizing Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D"""
FREE = {getattr(kl, name) for name in _FREE.split()}
