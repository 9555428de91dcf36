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
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import keras
from keras import layers as kl

from zoo import layers as own
from zoo.analysis.macs import trace
from zoo.errors import InputError


@dataclass(frozen=True)
class Line:
    """Along one axis: the pixels from `low` to `high` that position 0 sees, and the pixels from position to position."""

    low: Fraction
    high: Fraction
    step: Fraction

    @property
    def pixels(self) -> int:
        return math.ceil(self.high - self.low) + 1

    def shift(self, positions: int | Fraction) -> Line:
        """The line whose position 0 is this one's at `positions`."""
        return Line(self.low + positions * self.step, self.high + positions * self.step, self.step)

    def window(self, taps: int, stride: int = 1, dilation: int = 1, before: int = 0) -> Line:
        """After a window of that many taps, which begins `before` positions ahead of its place."""
        reach = (taps - 1) * dilation * self.step
        first = self.shift(-before)
        return Line(first.low, first.high + reach, self.step * stride)

    def scale(self, ratio: Fraction, taps: int, centre: Fraction) -> Line:
        """On a grid `ratio` times as coarse, whose position 0 lies at `centre` and sees `taps` positions around it."""
        half = Fraction(taps - 1, 2) * self.step
        placed = self.shift(centre)
        return Line(placed.low - half, placed.high + half, self.step * ratio)


@dataclass(frozen=True)
class Field:
    """What a tensor sees: rows and columns, and whether it is a map still or sums up all positions of one."""

    lines: tuple[Line, Line]
    whole: bool = False


Rule = Callable[[kl.Layer, Sequence[Field], list, list], Field]


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
        field = _rule(used)(used, [fields[id(tensor)] for tensor in inputs], inputs, outputs)
        fields.update({id(tensor): field for tensor in outputs})
        names[used.name] = field
    if layer is not None and layer not in names:
        raise InputError(f"{model.name} has no layer {layer!r}; model.summary() lists them")
    rows, columns = (field if layer is None else names[layer]).lines
    return rows.pixels, columns.pixels


def _rule(layer: kl.Layer) -> Rule:
    for kind in type(layer).__mro__:
        if kind in RULES:
            return RULES[kind]
    raise InputError(
        f"no receptive field is known for layer {layer.name!r} of type {type(layer).__name__}; "
        "add it to RULES in zoo/analysis/receptive_field.py"
    )


def _pointwise(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    """Each position sees what it saw; of several inputs, all of them, but of a gate only the map that it gates."""
    maps = [field for field in fields if not field.whole] or list(fields)
    lines = [
        Line(min(line.low for line in axis), max(line.high for line in axis), axis[0].step)
        for axis in zip(*(field.lines for field in maps), strict=True)
    ]
    return Field(tuple(lines), maps[0].whole)


def _first(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    """Auxiliary heads vanish at inference; the first input is the network's own answer."""
    return fields[0]


def _whole(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    return Field(fields[0].lines, whole=True)


def _windowed(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    """Convolutions and poolings."""
    if fields[0].whole:
        return fields[0]
    taps = _pair(getattr(layer, "pool_size", None) or layer.kernel_size)
    strides, dilations = _pair(layer.strides), _pair(getattr(layer, "dilation_rate", 1))
    lines = []
    for axis, line in enumerate(fields[0].lines):
        before = 0
        if layer.padding == "same":  # Keras pads so much that there are ⌈size / stride⌉ windows, the odd row at the end
            span = (taps[axis] - 1) * dilations[axis] + 1
            size, count = inputs[0].shape[1 + axis], outputs[0].shape[1 + axis]
            before = max((count - 1) * strides[axis] + span - size, 0) // 2
        lines.append(line.window(taps[axis], strides[axis], dilations[axis], before))
    return Field(tuple(lines))


def _deformable(layer: own.DeformableConv2D, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    return _pointwise(layer, [_windowed(layer, fields[:1], inputs, outputs), fields[1]], inputs, outputs)


def _transposed(layer: kl.Conv2DTranspose, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    if fields[0].whole:
        return fields[0]
    lines = []
    for line, taps, stride in zip(fields[0].lines, layer.kernel_size, layer.strides, strict=True):
        cut = max(taps - stride, 0) // 2 if layer.padding == "same" else 0  # rows dropped at the top
        lines.append(line.scale(Fraction(1, stride), -(-taps // stride), Fraction(2 * cut - taps + 1, 2 * stride)))
    return Field(tuple(lines))


def _resized(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    if fields[0].whole:  # one position spread over a map, as in pyramid pooling: still no field of its own
        return fields[0]
    lines = []
    for axis, line in enumerate(fields[0].lines):
        ratio = Fraction(inputs[0].shape[1 + axis], outputs[0].shape[1 + axis])
        taps = 1 if ratio == 1 or getattr(layer, "interpolation", "nearest") == "nearest" else 2
        lines.append(line.scale(ratio, taps, (ratio - 1) / 2))  # half-pixel centres
    if len(fields) > 1:  # ResizeLike: the result lies on the other's grid, whatever the rounding of the sizes
        lines = [Line(line.low, line.high, other.step) for line, other in zip(lines, fields[1].lines, strict=True)]
    return Field(tuple(lines))


def _unpooled(layer: own.MaxUnpooling2D, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    """What comes back depends on the value and on where its window's maximum lay."""
    return _resized(layer, [_pointwise(layer, fields, inputs, outputs)], inputs[:1], outputs)


def _shifted(layer: kl.Layer, fields: Sequence[Field], inputs: list, outputs: list) -> Field:
    """Padding and cropping move position 0."""
    if isinstance(layer, own.CropLike):
        sizes = [(inputs[0].shape[axis], outputs[0].shape[axis]) for axis in (1, 2)]
        first = [(a - b) // 2 if layer.offset == "centre" else layer.offset for a, b in sizes]
    else:
        first = [pair[0] for pair in (layer.cropping if isinstance(layer, kl.Cropping2D) else layer.padding)]
        first = first if isinstance(layer, kl.Cropping2D) else [-n for n in first]
    return Field(tuple(line.shift(n) for line, n in zip(fields[0].lines, first, strict=True)), fields[0].whole)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _rules() -> dict[type, Rule]:
    pointwise = """Activation Add Average BatchNormalization Concatenate Dense Dropout Identity InputLayer LeakyReLU Maximum
        Multiply Normalization PReLU ReLU Rescaling Softmax SpatialDropout2D Subtract"""
    windowed = "AveragePooling2D Conv2D DepthwiseConv2D MaxPooling2D SeparableConv2D"
    families: dict[Rule, Sequence[type]] = {
        _pointwise: [*_named(pointwise), own.ModelOutput, own.LocalResponseNormalization, own.PadToMultiple],
        _windowed: [*_named(windowed), own.MaxPoolIndices],
        _whole: [
            *_named("Flatten GlobalAveragePooling2D GlobalMaxPooling2D Reshape"), own.AdaptiveAveragePooling2D, own.DenseCRF,
        ],
        _resized: [
            *_named("Resizing UpSampling2D"), own.ResizeLike, own.Downscale, own.BedOfNails2D, own.NearestUnpooling2D,
        ],
        _unpooled: [own.MaxUnpooling2D],
        _shifted: [*_named("Cropping2D ZeroPadding2D"), own.CropLike, own.MirrorPadding2D],
        _transposed: [kl.Conv2DTranspose],
        _deformable: [own.DeformableConv2D],
        _first: [own.AuxiliaryHeads],
    }
    return {kind: rule for rule, kinds in families.items() for kind in kinds}


def _named(names: str) -> list[type]:
    return [getattr(kl, name) for name in names.split()]


RULES = _rules()
