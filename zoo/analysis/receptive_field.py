"""Theoretical receptive field: how many pixels of the image one position of a map can depend on, from the built graph.

Each tensor carries, for rows and for columns, the stretch of pixels that its position 0 sees, borders ignored, and the
pixels from one position to the next; a layer widens the stretch by its window and multiplies the step by its stride
(Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019). Where branches meet, the
stretches are united. What has no window of its own needs conventions:

- Global pooling and Flatten see the whole image. What follows them has no field of its own and keeps that of the map
  they saw, so a classifier's field is that of its last map (VGG16: pool5).
- A gate made by global pooling (squeeze-and-excitation) does not widen the map that it multiplies.
- Bilinear resizing sees two positions along each axis, nearest one; a transposed convolution sees those of its widest
  phase, ⌈kernel / stride⌉.
- A deformable convolution counts where its shifts are zero, and with what its shifts depend on.

A layer that is not Keras's own says its field itself, `receptive_field(fields, input_shapes, output_shape)`, in the words of
`zoo.layers.field`; the table here is of Keras's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import keras
from keras import layers as kl

from zoo.analysis.macs import trace
from zoo.errors import InputError
from zoo.layers.field import Field, Line, Shape, resized, shifted, summed_up, united, windowed

Rule = Callable[[kl.Layer, Sequence[Field], list[Shape], Shape], Field]


def receptive_field(
    model: keras.Model, input_size: tuple[int, int] | None = None, layer: str | None = None
) -> tuple[int, int]:
    """Rows and columns of pixels that one position can depend on, by the conventions of this module.

    Args:
        model: a functional model with one image input.
        input_size: (H, W) in pixels; not needed where the model's own size is fixed. The field hardly depends on it, and
            is not cut off where it exceeds the image.
        layer: name of the layer whose output is asked about; by default the last one, the answer.

    Raises:
        InputError: if the size is needed and missing, there is no such layer, or no rule is known for a layer.
    """
    uses = trace(model, input_size)
    pixel = Line(Fraction(0), Fraction(0), Fraction(1))
    fields = {id(uses[0][1][0]): Field((pixel, pixel))}
    names = {}
    for used, inputs, outputs in uses:
        shapes, shape = [tuple(tensor.shape) for tensor in inputs], tuple(outputs[0].shape)
        field = _field(used, [fields[id(tensor)] for tensor in inputs], shapes, shape)
        fields.update({id(tensor): field for tensor in outputs})
        names[used.name] = field
    if layer is not None and layer not in names:
        raise InputError(f"{model.name} has no layer {layer!r}; model.summary() lists them")
    rows, columns = (field if layer is None else names[layer]).lines
    return rows.pixels, columns.pixels


def _field(layer: kl.Layer, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    if hasattr(layer, "receptive_field"):
        return layer.receptive_field(fields, inputs, output)
    for kind in type(layer).__mro__:
        if kind in RULES:
            return RULES[kind](layer, fields, inputs, output)
    raise InputError(
        f"no receptive field is known for layer {layer.name!r} of type {type(layer).__name__}; "
        "give its class a method receptive_field(fields, input_shapes, output_shape), as the layers of zoo.layers have it"
    )


def _pointwise(layer: kl.Layer, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    return united(fields)


def _whole(layer: kl.Layer, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    return summed_up(fields[0])


def _windowed(layer: kl.Layer, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    """Convolutions and poolings."""
    window = _pair(getattr(layer, "pool_size", None) or layer.kernel_size)
    strides, dilations = _pair(layer.strides), _pair(getattr(layer, "dilation_rate", 1))
    return windowed(fields[0], inputs[0], output, window, strides, dilations, layer.padding)


def _transposed(layer: kl.Conv2DTranspose, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    if fields[0].whole:
        return fields[0]
    lines = []
    for line, taps, stride in zip(fields[0].lines, layer.kernel_size, layer.strides, strict=True):
        cut = max(taps - stride, 0) // 2 if layer.padding == "same" else 0  # rows dropped at the top
        lines.append(line.scale(Fraction(1, stride), -(-taps // stride), Fraction(2 * cut - taps + 1, 2 * stride)))
    return Field(tuple(lines))


def _resized(layer: kl.Layer, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    return resized(fields[0], inputs[0], output, layer.interpolation)


def _padded(layer: kl.ZeroPadding2D, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    return shifted(fields[0], tuple(-before for before, _ in layer.padding))


def _cropped(layer: kl.Cropping2D, fields: Sequence[Field], inputs: list[Shape], output: Shape) -> Field:
    return shifted(fields[0], tuple(before for before, _ in layer.cropping))


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _rules() -> dict[type, Rule]:
    families: dict[Rule, str] = {
        _pointwise: """Activation Add Average BatchNormalization Concatenate Dense Dropout Identity InputLayer LeakyReLU
            Maximum Multiply Normalization PReLU ReLU Rescaling Softmax SpatialDropout2D Subtract""",
        _windowed: "AveragePooling2D Conv2D DepthwiseConv2D MaxPooling2D SeparableConv2D",
        _whole: "Flatten GlobalAveragePooling2D GlobalMaxPooling2D Reshape",
        _resized: "Resizing UpSampling2D",
        _padded: "ZeroPadding2D",
        _cropped: "Cropping2D",
        _transposed: "Conv2DTranspose",
    }
    return {getattr(kl, name): rule for rule, names in families.items() for name in names.split()}


RULES = _rules()
