"""Multiply-accumulates, counted from the built graph.

The convention of the papers: convolutions and dense layers count, one for every product of a weight and an activation
(also where a padded zero is multiplied); biases, normalisation, activations, pooling and resizing count nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import keras
from keras import layers as kl

from zoo.analysis.graph import as_functional, specs_at
from zoo.analysis.graph import trace as read
from zoo.errors import InputError
from zoo.layers import DeformableConv2D

Shape = tuple[int, ...]


def macs(model: keras.Model, input_size: tuple[int, int] | None = None) -> int:
    """Multiply-accumulates of one image through a model.

    Args:
        model: a functional model with one image input; nested models and shared layers count each time they are used.
        input_size: (H, W) in pixels; not needed where the model's own size is fixed.

    Raises:
        InputError: if the size is needed and missing, or the model holds a layer that this module cannot count.
    """
    return sum(count for _, count in layer_macs(model, input_size))


def parameters(model: keras.Model) -> int:
    """Trainable parameters: without the statistics of normalisation."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def layer_macs(model: keras.Model, input_size: tuple[int, int] | None = None) -> Iterator[tuple[kl.Layer, int]]:
    """Each use of a layer, in order, with its multiply-accumulates; arguments and errors as `macs`."""
    for layer, inputs, outputs in trace(model, input_size):
        yield layer, _counter(layer)(layer, inputs, outputs)


def trace(
    model: keras.Model, input_size: tuple[int, int] | None = None
) -> list[tuple[kl.Layer, list[keras.KerasTensor], list[keras.KerasTensor]]]:
    """Every use of a layer with the symbolic tensors that go in and come out at that size, batch 1, in graph order.

    Nested models are opened up. Nothing is computed and no weight is copied: only shapes run through the graph.

    Raises:
        InputError: if the size is needed and missing, a layer cannot see it, or the model's graph cannot be read.
    """
    shape = as_functional(model).inputs[0].shape
    height, width = input_size or shape[1:3]
    if height is None or width is None:
        raise InputError(f"{model.name} takes any size, so the count needs one; pass input_size=(height, width)")
    graph = read(model)
    specs = specs_at(graph, (1, height, width, shape[3]))
    return [
        (call.operation, [specs[value] for value in call.inputs], [specs[value] for value in call.outputs])
        for call in graph.calls
    ]


def _counter(layer: kl.Layer) -> Callable[[kl.Layer, list, list], int]:
    for kind in type(layer).__mro__:
        if kind in COUNTERS:
            return COUNTERS[kind]
        if kind in FREE:
            return _nothing
    raise InputError(
        f"no count is known for layer {layer.name!r} of type {type(layer).__name__}; "
        "add it to COUNTERS or FREE in zoo/analysis/macs.py"
    )


def _nothing(layer: kl.Layer, inputs: list, outputs: list) -> int:
    return 0


def _convolution(layer: kl.Conv2D, inputs: list, outputs: list) -> int:
    """Every output value is a sum over a kernel window and one group's input channels."""
    window = math.prod(layer.kernel_size) * inputs[0].shape[-1] // layer.groups
    return math.prod(outputs[0].shape) * window


def _transposed(layer: kl.Conv2DTranspose, inputs: list, outputs: list) -> int:
    """Every input value is spread through the kernel over all output channels."""
    return math.prod(inputs[0].shape) * math.prod(layer.kernel_size) * layer.filters


def _depthwise(layer: kl.DepthwiseConv2D, inputs: list, outputs: list) -> int:
    return math.prod(outputs[0].shape) * math.prod(layer.kernel_size)


def _separable(layer: kl.SeparableConv2D, inputs: list, outputs: list) -> int:
    positions = math.prod(outputs[0].shape[1:3])
    spread = inputs[0].shape[-1] * layer.depth_multiplier
    return positions * spread * (math.prod(layer.kernel_size) + layer.filters)


def _deformable(layer: DeformableConv2D, inputs: list, outputs: list) -> int:
    """As an ordinary convolution: interpolating its inputs counts nothing, as resizing does."""
    return math.prod(outputs[0].shape) * layer.taps * inputs[0].shape[-1]


def _dense(layer: kl.Dense, inputs: list, outputs: list) -> int:
    return math.prod(outputs[0].shape) * inputs[0].shape[-1]


COUNTERS: dict[type, Callable[[kl.Layer, list, list], int]] = {
    kl.Conv2D: _convolution,
    kl.Conv2DTranspose: _transposed,
    kl.DepthwiseConv2D: _depthwise,
    kl.SeparableConv2D: _separable,
    kl.Dense: _dense,
    DeformableConv2D: _deformable,
}


def _free_layers() -> set[type]:
    from zoo import layers as own

    keras_layers = """Activation Add Average AveragePooling2D BatchNormalization Concatenate Cropping2D Dropout Flatten
        GlobalAveragePooling2D GlobalMaxPooling2D Identity InputLayer LeakyReLU MaxPooling2D Maximum Multiply Normalization
        PReLU Permute ReLU Rescaling Reshape Resizing Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D"""
    # A CRF multiplies all the time, by how many colours a picture has: no count of its graph would be true.
    return {getattr(kl, name) for name in keras_layers.split()} | set(own.load_all()) - {own.DenseCRF}


FREE = _free_layers()
