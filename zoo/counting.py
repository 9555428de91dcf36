"""Multiply-accumulates, counted from the built graph.

The convention of the papers: convolutions and dense layers count, one for every product of a weight and an activation
(also where a padded zero is multiplied); biases, normalisation, activations, pooling and resizing count nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import keras
from keras import layers as kl

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


def layer_macs(model: keras.Model, input_size: tuple[int, int] | None = None) -> Iterator[tuple[kl.Layer, int]]:
    """Each use of a layer, in order, with its multiply-accumulates; arguments and errors as `macs`."""
    for layer, inputs, outputs in trace(model, input_size):
        yield layer, _counter(layer)(layer, inputs, outputs)


def trace(
    model: keras.Model, input_size: tuple[int, int] | None = None
) -> list[tuple[kl.Layer, list[keras.KerasTensor], list[keras.KerasTensor]]]:
    """Every use of a layer with the symbolic tensors that go in and come out at that size, batch 1, in graph order.

    Nothing is computed and no weight is copied: only shapes run through the graph.
    """
    shape = model.inputs[0].shape
    height, width = input_size or shape[1:3]
    if height is None or width is None:
        raise InputError(f"{model.name} takes any size, so the count needs one; pass input_size=(height, width)")
    image = keras.KerasTensor((1, height, width, shape[3]), dtype="float32")
    return _uses(model, [image])


def _uses(model: keras.Model, inputs: list[keras.KerasTensor]) -> list:
    values = {id(symbol): value for symbol, value in zip(model.inputs, inputs, strict=True)}
    uses = []
    for node in _nodes(model):
        arguments, keywords = node.arguments.fill_in(values)
        incoming = [values[id(tensor)] for tensor in node.input_tensors]
        layer = node.operation
        if isinstance(layer, keras.Model):
            uses += _uses(layer, incoming)
        spec = layer.compute_output_spec(*arguments, **keywords)
        outgoing = keras.tree.flatten(spec)
        values.update({id(symbol): value for symbol, value in zip(node.output_tensors, outgoing, strict=True)})
        if not isinstance(layer, keras.Model):
            uses.append((layer, incoming, outgoing))
    return uses


def _nodes(model: keras.Model) -> list:
    """The calls that make up a functional graph, each after those it needs."""
    depths = getattr(model, "_nodes_by_depth", None)
    if depths is None:  # a Sequential keeps its graph in a functional model of its own
        inner = getattr(model, "_functional", None)
        if inner is None:
            raise InputError(f"{model.name} is not a functional model, so its graph cannot be read; build it with keras.Model")
        return _nodes(inner)
    return [node for depth in sorted(depths, reverse=True) for node in depths[depth] if not node.is_input]


def _counter(layer: kl.Layer) -> Callable[[kl.Layer, list, list], int]:
    for kind in type(layer).__mro__:
        if kind in COUNTERS:
            return COUNTERS[kind]
        if kind in FREE:
            return _nothing
    raise InputError(
        f"no count is known for layer {layer.name!r} of type {type(layer).__name__}; "
        "add it to COUNTERS or FREE in zoo/counting.py"
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
    return {getattr(kl, name) for name in keras_layers.split()} | set(own.load_all())


FREE = _free_layers()
