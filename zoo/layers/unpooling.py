"""Unpooling: values go back to where a max pooling took them from (Badrinarayanan 2015), or fill a block, or its corner.

A 2×2 max pooling of stride 2 stays Keras's own `MaxPooling2D(2, padding="same")`; `MaxPoolIndices` looks at the same tensor
and says which of each window's four values won, and `MaxUnpooling2D` puts values at those places of a map of zeros:

    pooled, positions = MaxPooling2D(2, padding="same")(x), MaxPoolIndices()(x)
    restored = CropLike()([MaxUnpooling2D()([pooled, positions]), x])

**Ties.** Of equal maxima the first wins, rows before columns: top left, top right, bottom left, bottom right; 0.0 and
−0.0 are equal. On every backend, in every precision and on every accelerator: bit for bit, as tests hold it to. It matters
more than it seems, since after a ReLU windows of nothing but zeros are common, and in 8 bits so are equal maxima. There the
positions are those of the 8-bit numbers: values less than a quantum apart tie, and the earlier wins, so a value may
come back up to one pixel from where float arithmetic puts it, in place of one that it can hardly be told from.

**Odd sizes.** As in the pooling, the last row and column have windows of their own, of two values or one.

In a TFLite file the positions are an ARG_MAX over space-to-depth blocks (`converters.tflite.lowering`), because TFLite's 8-bit
comparisons are silently wrong on the CPU: with a scale above 1 every number is `greater_equal` to every other, with one
far below, neighbouring numbers are equal. Nothing scatters or gathers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.field import Field, Shape, resized, united, windowed
from zoo.layers.primitives import Primitives


@keras.saving.register_keras_serializable(package="densezoo", name="MaxPositions")  # as files of 0.1 have it
class MaxPoolIndices(keras.layers.Layer):
    """The place of the maximum of each 2×2 window: N×H×W×C → int32 N×⌈H/2⌉×⌈W/2⌉×C of 0–3, 2 · row + column.

    The first of equal maxima in that order. No gradient flows through it.
    """

    pool_size, strides, padding = (2, 2), (2, 2), "same"  # of the pooling that it describes
    quantization, carries = "integers", 0

    def call(self, x):
        x = _even(x)
        top_left, top_right, bottom_left, bottom_right = (x[:, row::2, column::2] for row in (0, 1) for column in (0, 1))
        upper = ops.cast(ops.greater(top_right, top_left), "int32")
        lower = ops.cast(ops.greater(bottom_right, bottom_left), "int32")
        down = ops.greater(ops.maximum(bottom_left, bottom_right), ops.maximum(top_left, top_right))
        return ops.where(down, lower + 2, upper)

    def windows(self, x: Any) -> Any:
        """N×⌈H/2⌉·⌈W/2⌉×4×C, the values of each window: the first largest along axis 2 is at its position."""
        x = _even(x)
        _, height, width, channels = ops.shape(x)
        return ops.reshape(ops.space_to_depth(x, 2), (-1, (height // 2) * (width // 2), 4, channels))

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """As an argmax: TFLite compares 8-bit numbers wrongly, but of any type it finds the first of the largest."""
        _, height, width, channels = ops.shape(x)
        return ops.reshape(primitives.argmax(self.windows(x), 2), (-1, -(-height // 2), -(-width // 2), channels))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it compares."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The pooling's."""
        return windowed(fields[0], input_shapes[0], output_shape, self.pool_size, self.strides, padding=self.padding)

    def compute_output_spec(self, x):
        sides = (side if side is None else -(-side // 2) for side in x.shape[1:3])
        return keras.KerasTensor((x.shape[0], *sides, x.shape[3]), dtype="int32")


@keras.saving.register_keras_serializable(package="densezoo")
class MaxUnpooling2D(keras.layers.Layer):
    """Puts each value at its position in a 2×2 window of zeros: [N×h×w×C, int32 N×h×w×C] → N×2h×2w×C.

    Positions are those of `MaxPoolIndices`. Where the pooled map had an odd size, `CropLike` cuts the result to it; what is cut
    is zero.
    """

    quantization, carries = "passthrough", 1

    def call(self, inputs):
        x, positions = inputs
        nothing = ops.zeros_like(x)
        places = [ops.where(ops.equal(positions, place), x, nothing) for place in range(4)]
        return ops.depth_to_space(ops.concatenate(places, axis=-1), 2)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it places."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The value's and that of its window, whose maximum says where it goes."""
        return resized(united(fields), input_shapes[0], output_shape, "nearest")

    def compute_output_spec(self, inputs):
        x, positions = inputs
        if x.shape[1:] != positions.shape[1:]:
            raise ValueError(
                f"values of shape {x.shape} cannot go back to positions of shape {positions.shape}; "
                "expected one position for each value"
            )
        return keras.KerasTensor(_enlarged(x.shape, 2), dtype=self.compute_dtype)


class _ByFactor(keras.layers.Layer):
    """The base of the layers that make a map `factor` times as high and wide."""

    quantization, carries = "passthrough", 1

    def __init__(self, factor: int = 2, **kwargs) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it copies."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The value's."""
        return resized(fields[0], input_shapes[0], output_shape, "nearest")

    def compute_output_spec(self, x):
        return keras.KerasTensor(_enlarged(x.shape, self.factor), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="densezoo")
class NearestUnpooling2D(_ByFactor):
    """Makes each value a block of equal ones: N×h×w×C → N×h·factor×w·factor×C.

    The same numbers as Keras's `UpSampling2D`, which TensorFlow computes in five dimensions, too many for LiteRT's GPU
    accelerator; here it is one resizing.

    Args:
        factor: side of a block in pixels.
    """

    def call(self, x):
        if None not in x.shape[1:3]:
            return self._resized(x)
        return ops.repeat(ops.repeat(x, self.factor, axis=1), self.factor, axis=2)  # Keras resizes to known sizes only

    def lower(self, x: Any, primitives: Primitives) -> Any:
        """One operation at sizes known only when the graph runs too, which whoever lowers makes Keras's resizing take."""
        return self._resized(x)

    def _resized(self, x: Any) -> Any:
        _, height, width, _ = ops.shape(x)
        return ops.image.resize(x, (height * self.factor, width * self.factor), interpolation="nearest")


@keras.saving.register_keras_serializable(package="densezoo")
class BedOfNails2D(_ByFactor):
    """Puts each value at the top left of a block of zeros: N×h×w×C → N×h·factor×w·factor×C.

    Args:
        factor: side of a block in pixels.
    """

    def call(self, x):
        zeros = (self.factor**2 - 1) * x.shape[-1]
        return ops.depth_to_space(ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, zeros))), self.factor)


def _even(x: Any) -> Any:
    """The last row and column once more where the size is odd: as later ones of equal value they never win."""
    for axis in (1, 2):
        side = ops.shape(x)[axis]
        odd = side % 2
        if isinstance(odd, int) and not odd:
            continue
        last = x[:, side - odd :] if axis == 1 else x[:, :, side - odd :]
        x = ops.concatenate([x, last], axis=axis)
    return x


def _enlarged(shape: tuple, factor: int) -> tuple:
    return (shape[0], *(side if side is None else side * factor for side in shape[1:3]), shape[3])
