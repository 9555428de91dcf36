"""Layers that resize, crop and pad pictures."""

from __future__ import annotations

import keras

from converters.tflite.writer.builder import Builder, Unsupported
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.convolutions import channels_last, sides_of
from converters.tflite.writer.operations.images import resized, resized_like
from converters.tflite.writer.registry import lowers
from zoo.layers.resize import CropLike, PadToMultiple, ResizeLike

L = keras.layers


@lowers(L.UpSampling2D)
def _up_sampling(build: Builder, layer: L.UpSampling2D, x: Tensor) -> Tensor:
    """One resizing also to the nearest, which Keras repeats in five dimensions."""

    def run(x: Tensor) -> Tensor:
        sides = x.shape[1:3]
        if -1 not in sides:
            return resized(
                build, x, [side * factor for side, factor in zip(sides, layer.size, strict=True)], layer.interpolation
            )
        size = build.multiply(sides_of(build, x), build.constant(layer.size, "int32", "factors"))
        return resized(build, x, size, layer.interpolation)

    return channels_last(build, x, layer.data_format, run)


@lowers(L.Resizing)
def _resizing(build: Builder, layer: L.Resizing, x: Tensor) -> Tensor:
    options = ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias")
    if any(getattr(layer, option, False) for option in options):
        raise Unsupported("Resizing with antialiasing, cropping or padding")
    size = (layer.height, layer.width)
    return channels_last(build, x, layer.data_format, lambda x: resized(build, x, size, layer.interpolation))


@lowers(L.CenterCrop)
def _center_crop(build: Builder, layer: L.CenterCrop, x: Tensor) -> Tensor:
    def run(x: Tensor) -> Tensor:
        size = (layer.height, layer.width)
        if any(side < wish for side, wish in zip(x.shape[1:3], size, strict=True)):
            raise Unsupported("CenterCrop of a smaller picture")
        begin = [int((side - wish) / 2) for side, wish in zip(x.shape[1:3], size, strict=True)]
        return build.slice(x, (0, *begin, 0), (-1, *size, -1))

    return channels_last(build, x, layer.data_format, run)


@lowers(ResizeLike)
def _resize_like(build: Builder, layer: ResizeLike, inputs: list[Tensor]) -> Tensor:
    return resized_like(build, *inputs, layer.interpolation)


@lowers(CropLike)
def _crop_like(build: Builder, layer: CropLike, inputs: list[Tensor]) -> Tensor:
    x, reference = inputs
    if -1 in (*x.shape[1:3], *reference.shape[1:3]):
        return _crop_open(build, layer, x, reference)
    begin = [layer.offset] * 2
    if layer.offset == "centre":
        begin = [(whole - part) // 2 for whole, part in zip(x.shape[1:3], reference.shape[1:3], strict=True)]
    return build.slice(x, (0, *begin, 0), (-1, *reference.shape[1:3], -1))


def _crop_open(build: Builder, layer: CropLike, x: Tensor, reference: Tensor) -> Tensor:
    """By sizes that are computed when the graph runs."""
    size = sides_of(build, reference)
    if layer.offset == "centre":
        begin = build.binary("FLOOR_DIV", build.subtract(sides_of(build, x), size), 2)
    else:
        begin = build.constant([layer.offset] * 2, "int32", "begin")
    zero, all_of_it = (build.constant([value], "int32") for value in (0, -1))
    ends = [build.concatenate([first, middle, first], 0) for first, middle in ((zero, begin), (all_of_it, size))]
    return build.emit("SLICE", [x, *ends], (x.shape[0], -1, -1, x.shape[3]))


@lowers(PadToMultiple)
def _pad_to_multiple(build: Builder, layer: PadToMultiple, x: Tensor) -> Tensor:
    if -1 in x.shape[1:3]:
        raise Unsupported("PadToMultiple of an open size")
    return build.pad(x, [(0, 0), *((0, -side % layer.multiple) for side in x.shape[1:3]), (0, 0)])
