"""Pictures resized, cropped and recoloured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from converters.tflite.writer.builder import Builder, Unsupported
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.convolutions import channels_last, sides_of
from converters.tflite.writer.registry import lowers_operation

_CODES = {"bilinear": "RESIZE_BILINEAR", "nearest": "RESIZE_NEAREST_NEIGHBOR"}


def resized(build: Builder, x: Tensor, size: Sequence[int] | Tensor, interpolation: str) -> Tensor:
    """N×h×w×C at another height and width, half-pixel centres; the size may be a tensor of two."""
    if interpolation not in _CODES:
        raise Unsupported(f"Resize by '{interpolation}'")
    if isinstance(size, Tensor):
        sides, target = (-1, -1), size
    else:
        sides, target = tuple(int(side) for side in size), build.constant(list(size), "int32", "size")
        if sides == x.shape[1:3]:
            return x
    shape = (x.shape[0], *sides, x.shape[3])
    if x.dtype != "float32":
        x = build.cast(x, "float32")
    return build.emit(_CODES[interpolation], [x, target], shape, alignCorners=False, halfPixelCenters=True)


def resized_like(build: Builder, x: Tensor, reference: Tensor, interpolation: str) -> Tensor:
    """N×h×w×C at the height and width of another tensor, which may be open."""
    if -1 not in (*reference.shape[1:3], *x.shape[1:3]):
        return resized(build, x, reference.shape[1:3], interpolation)
    return resized(build, x, sides_of(build, reference), interpolation)


@lowers_operation("Resize")
def _resize(build: Builder, operation: keras.Operation, images: Any) -> Tensor:
    if operation.antialias or operation.crop_to_aspect_ratio or operation.pad_to_aspect_ratio:
        raise Unsupported("Resize with antialiasing, cropping or padding")
    images = build.tensor(images)
    dtype, rank = images.dtype, len(images.shape)
    x = images if rank == 4 else build.reshape(images, (1, *images.shape))
    y = channels_last(
        build, x, operation.data_format, lambda x: resized(build, x, operation.size, operation.interpolation)
    )
    if dtype != "float32":
        raise Unsupported(f"Resize of {dtype}")
    return y if rank == 4 else build.reshape(y, y.shape[1:])


@lowers_operation("RGBToGrayscale")
def _grey(build: Builder, operation: keras.Operation, images: Any) -> Tensor:
    def run(x: Tensor) -> Tensor:
        shares = build.constant(
            np.array([0.2989, 0.587, 0.114]).reshape((1,) * (len(x.shape) - 1) + (3,)), role="shares"
        )
        return build.reduce("SUM", build.multiply(x, shares), -1, keepdims=True)

    return channels_last(build, images, operation.data_format, run)


@lowers_operation("CropImages", "PadImages")
def _fitted(build: Builder, operation: keras.Operation, images: Any) -> Tensor:
    cropping = type(operation).__name__ == "CropImages"

    def run(x: Tensor) -> Tensor:
        ends, word = [], "cropping" if cropping else "padding"
        for axis, (first, last, target) in enumerate(
            (("top", "bottom", operation.target_height), ("left", "right", operation.target_width)), start=1
        ):
            before, after = (getattr(operation, f"{side}_{word}") for side in (first, last))
            change = None if target is None else abs(x.shape[axis] - target)
            before = change - after if before is None else before
            ends.append((int(before), int(change - before if after is None else after)))
        if not cropping:
            return build.pad(x, [(0, 0), *ends, (0, 0)])
        begin = [0, ends[0][0], ends[1][0], 0]
        size = [-1, *(side - sum(pair) for side, pair in zip(x.shape[1:3], ends, strict=True)), -1]
        return build.slice(x, begin, size)

    return channels_last(build, images, operation.data_format, run)
