"""Collapsible convolution: learnt as two linear layers with a shortcut, and the same as one plain convolution.

Bhardwaj et al., "Collapsible Linear Blocks for Super-Efficient Super Resolution" (SESR), 2022: nothing lies between the wide
k×k convolution, the 1×1 convolution that makes it narrow again and the shortcut around both, so that one k×k kernel says all
of it. The detour changes how it learns, not what it can say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, windowed


@keras.saving.register_keras_serializable(package="densezoo")
class CollapsibleConv2D(keras.layers.Layer):
    """Convolves N×H×W×C with the product of a wide and a narrowing kernel → N×H×W×filters, at the price of one convolution.

    The kernels are multiplied before anything is convolved, as SESR's authors train too: a k×k convolution of C to `expansion`
    channels and a 1×1 convolution of these to `filters`, both without a bias, then the bias, in zeros around the map.
    `collapsed` gives the plain layer.

    Args:
        filters: channels of the output.
        kernel_size: k, odd.
        expansion: channels between the two.
        shortcut: whether the input is added, which asks for as many channels in as out.
        gain: share of the usual deviation that the narrowing kernel starts with: below 1 where a layer shall begin near its
            shortcut, or near 0.

    Raises:
        InputError: for a shortcut between different numbers of channels, or an even kernel.
    """

    quantization, carries = "rounds", 0

    def __init__(
        self, filters: int, kernel_size: int, expansion: int, shortcut: bool = False, gain: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise InputError(f"kernel_size={kernel_size} of a collapsible convolution; expected an odd number")
        self.filters, self.kernel_size = filters, kernel_size
        self.expansion, self.shortcut, self.gain = expansion, shortcut, gain

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels, k = input_shape[-1], self.kernel_size
        if self.shortcut and channels != self.filters:
            raise InputError(f"{self.name}: a shortcut adds its {channels} channels to {self.filters}; they must be as many")
        wide, narrow = (keras.initializers.VarianceScaling(gain**2, "fan_in") for gain in (1.0, self.gain))
        self.wide = self.add_weight((k, k, channels, self.expansion), initializer=wide, name="wide")
        self.narrow = self.add_weight((self.expansion, self.filters), initializer=narrow, name="narrow")
        self.bias = self.add_weight((self.filters,), initializer="zeros", name="bias")
        middle = np.zeros((k, k, channels, self.filters), "float32")
        middle[k // 2, k // 2] = np.eye(channels, self.filters) if self.shortcut else 0.0
        self._middle = middle
        self.built = True

    def call(self, x: Any) -> Any:
        kernel = ops.matmul(ops.cast(self.wide, x.dtype), ops.cast(self.narrow, x.dtype))
        if self.shortcut:
            kernel = kernel + ops.cast(self._middle, x.dtype)
        return ops.conv(x, kernel, padding="same") + ops.cast(self.bias, x.dtype)

    def collapsed(self) -> keras.layers.Conv2D:
        """The plain convolution that computes the same, with its weights; the products are summed in float64."""
        wide, narrow, bias = (ops.convert_to_numpy(weight).astype(np.float64) for weight in self.weights)
        kernel = wide @ narrow + self._middle
        layer = keras.layers.Conv2D(self.filters, self.kernel_size, padding="same", name=self.name)
        layer.build((None, None, None, kernel.shape[2]))
        layer.set_weights([kernel.astype("float32"), bias.astype("float32")])
        return layer

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """Those of the plain convolution: the kernels are multiplied once, whatever the picture."""
        return math.prod(output_shape) * self.kernel_size**2 * input_shapes[0][-1]

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """A k×k window."""
        window = (self.kernel_size, self.kernel_size)
        return windowed(fields[0], input_shapes[0], output_shape, window, (1, 1), padding="same")

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*x.shape[:-1], self.filters), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        facts = {"filters": self.filters, "kernel_size": self.kernel_size}
        return {**super().get_config(), **facts, "expansion": self.expansion, "shortcut": self.shortcut, "gain": self.gain}
