"""Layers that compute with the rounding of an int8 file, by Keras's own fake quantization, on any backend.

A kernel is rounded symmetrically, with one scale for each output channel. An output is rounded between two learnt ends, whose
gradients are those of the values that they cut off. Both are what `converters.quantization.integer_graph` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

L = keras.layers
KEEPS = ("sparsity", "clusters")
_TINY = 1e-6  # between the ends of a range, so that there is a scale


def _conv(layer: L.Conv2D, x: Any, kernel: Any) -> Any:
    return ops.conv(x, kernel, layer.strides, layer.padding, dilation_rate=layer.dilation_rate)


def _depthwise(layer: L.DepthwiseConv2D, x: Any, kernel: Any) -> Any:
    return ops.depthwise_conv(x, kernel, layer.strides, layer.padding, dilation_rate=layer.dilation_rate)


def _transposed(layer: L.Conv2DTranspose, x: Any, kernel: Any) -> Any:
    options = {"output_padding": layer.output_padding, "dilation_rate": layer.dilation_rate}
    return ops.conv_transpose(x, kernel, layer.strides, layer.padding, **options)


def _dense(layer: L.Dense, x: Any, kernel: Any) -> Any:
    return ops.matmul(x, kernel)


# What a layer does with its kernel, for those that have one and perhaps a bias.
_PRODUCTS: dict[type[keras.Layer], Callable[[Any, Any, Any], Any]] = {
    L.Conv2D: _conv,
    L.DepthwiseConv2D: _depthwise,
    L.Conv2DTranspose: _transposed,
    L.Dense: _dense,
}


def has_kernel(layer: keras.Operation) -> bool:
    """Whether a layer's kernel can be rounded."""
    return type(layer) in _PRODUCTS


@keras.saving.register_keras_serializable(package="densezoo")
class RoundedKernel(L.Layer):
    """A convolution or dense layer that computes with its kernel in 8 bits.

    Args:
        layer: the layer, or its configuration as Keras serializes it.
        keep: "sparsity" keeps zeros of the kernel zero, "clusters" keeps equal weights equal (each moves by the mean of
            their steps).

    Attributes:
        layer: the layer inside, whose kernel training moves.
    """

    quantization, carries = "passthrough", 0

    def __init__(self, layer: keras.Layer | Mapping[str, Any], keep: Sequence[str] = (), **kwargs: Any) -> None:
        layer = layer if isinstance(layer, keras.Layer) else keras.saving.deserialize_keras_object(dict(layer))
        super().__init__(**{"name": layer.name, **kwargs})
        self.layer, self.keep = layer, tuple(keep)
        self.mask = self.cluster = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds the layer inside and room for what is to be kept of its kernel."""
        if not self.layer.built:
            self.layer.build(input_shape)
        shape = self.layer.kernel.shape
        if "sparsity" in self.keep:
            self.mask = self.add_weight(name="mask", shape=shape, initializer="ones", trainable=False)
        if "clusters" in self.keep:
            self.cluster = self.add_weight(name="cluster", shape=shape, dtype="int32", initializer="zeros", trainable=False)
        self.built = True

    def begin(self) -> None:
        """Reads from the kernel what is to be kept of it."""
        values = ops.convert_to_numpy(self.layer.kernel)
        if self.mask is not None:
            self.mask.assign((values != 0).astype("float32"))
        if self.cluster is not None:
            self.cluster.assign(np.unique(values, return_inverse=True)[1].reshape(values.shape).astype("int32"))

    def call(self, x: Any) -> Any:
        layer = self.layer
        outputs = _PRODUCTS[type(layer)](layer, x, ops.cast(self._rounded(), x.dtype))
        outputs = outputs + ops.cast(layer.bias, outputs.dtype) if layer.use_bias else outputs
        return layer.activation(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return self.layer.compute_output_shape(input_shape)

    def _rounded(self) -> Any:
        kernel = self.projected()
        rows = self._channels_last(kernel)
        limit = ops.max(ops.abs(rows), axis=tuple(range(len(rows.shape) - 1)))
        limit = ops.stop_gradient(ops.maximum(limit, 1e-8))
        rounded = keras.quantizers.fake_quant_with_min_max_vars(rows, -limit, limit, narrow_range=True, axis=-1)
        rounded = ops.swapaxes(rounded, 2, 3) if type(self.layer) is L.Conv2DTranspose else rounded
        return ops.reshape(rounded, kernel.shape)

    def _channels_last(self, kernel: Any) -> Any:
        """The kernel with its output channels last."""
        if type(self.layer) is L.Conv2DTranspose:  # H×W×outputs×inputs
            return ops.swapaxes(kernel, 2, 3)
        if type(self.layer) is L.DepthwiseConv2D:  # H×W×C×multiplier
            return ops.reshape(kernel, (*kernel.shape[:2], 1, -1))
        return kernel

    def projected(self) -> Any:
        """The nearest kernel that keeps what is to be kept."""
        kernel = ops.convert_to_tensor(self.layer.kernel)
        if self.cluster is not None:
            places = ops.reshape(ops.convert_to_tensor(self.cluster), (-1,))
            flat, count = ops.reshape(kernel, (-1,)), int(np.prod(kernel.shape))
            sums = ops.segment_sum(flat, places, num_segments=count)
            sizes = ops.segment_sum(ops.ones_like(flat), places, num_segments=count)
            kernel = ops.reshape(ops.take(sums / ops.maximum(sizes, 1.0), places), kernel.shape)
        return kernel if self.mask is None else kernel * ops.convert_to_tensor(self.mask)

    def get_config(self) -> dict[str, Any]:
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "keep": list(self.keep)}


@keras.saving.register_keras_serializable(package="densezoo")
class RoundedOutput(L.Layer):
    """The rounding of what another layer gives out, to 8 bits between two ends.

    Args:
        span: the ends to begin with, (least, greatest); zero is put between them.
        learns: whether training moves them; a sigmoid's are the format's.
    """

    quantization, carries = "passthrough", 0

    def __init__(self, span: Sequence[float], learns: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        low = min(float(span[0]), 0.0)
        self.start, self.learns = (low, max(float(span[1]), low + _TINY)), learns

    def build(self, input_shape: Any) -> None:
        """Creates the two ends."""
        constant, options = keras.initializers.Constant, {"shape": (), "dtype": "float32", "trainable": self.learns}
        self.low = self.add_weight(name="low", initializer=constant(self.start[0]), **options)
        self.high = self.add_weight(name="high", initializer=constant(self.start[1]), **options)
        self.built = True

    def call(self, x: Any) -> Any:
        return keras.quantizers.fake_quant_with_min_max_vars(x, *self._ends())

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def _ends(self) -> tuple[Any, Any]:
        low = ops.minimum(ops.convert_to_tensor(self.low), 0.0)
        return low, ops.maximum(ops.convert_to_tensor(self.high), low + _TINY)

    @property
    def span(self) -> tuple[float, float]:
        """What the output spans in the file, (least, greatest)."""
        low, high = (float(ops.convert_to_numpy(end)) for end in self._ends())
        return low, high

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "span": list(self.start), "learns": self.learns}
