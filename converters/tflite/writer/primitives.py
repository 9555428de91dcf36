"""The words of `zoo.layers.primitives` as operations on Keras's symbolic tensors, which have lowerings."""

from __future__ import annotations

from typing import Any

import keras

from converters.tflite.writer.builder import Builder
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.operations.images import resized_like
from converters.tflite.writer.registry import lowers_operation


class Symbolic:
    """Primitives for a layer's `lower`."""

    def argmax(self, x: Any, axis: int) -> Any:
        """The index of the first largest along an axis, int32."""
        return keras.ops.argmax(x, axis=axis)

    def depth_to_space(self, x: Any, scale: int) -> Any:
        """Blocks of scale×scale pixels of the channels."""
        return keras.ops.depth_to_space(x, scale)

    def resize_like(self, x: Any, reference: Any, interpolation: str) -> Any:
        """N×h×w×C at the height and width of the reference."""
        return _ResizeToReference(interpolation)(x, reference)


class _ResizeToReference(keras.Operation):
    def __init__(self, interpolation: str) -> None:
        super().__init__()
        self.interpolation = interpolation

    def compute_output_spec(self, x: Any, reference: Any) -> keras.KerasTensor:
        return keras.KerasTensor((x.shape[0], *reference.shape[1:3], x.shape[3]), dtype=x.dtype)


@lowers_operation("_ResizeToReference")
def _resize_to_reference(build: Builder, operation: _ResizeToReference, x: Tensor, reference: Tensor) -> Tensor:
    return resized_like(build, x, reference, operation.interpolation)
