"""Rounding in quantization-aware training: tfmot's wrappers with quantizers that round as a TFLite file does.

tfmot's own keep one scale for a whole depthwise convolution, where the file may have one per channel, and start all
ranges at ±6; and its combinations with pruning and clustering look weights up in tables. These have a scale per channel and
keep zeros and clusters by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

_KERNELS = {  # class → the kernel's attribute
    "Conv2D": "kernel",
    "Conv2DTranspose": "kernel",
    "Dense": "kernel",
    "DepthwiseConv2D": "depthwise_kernel",
}


def kernel_of(layer: tf_keras.layers.Layer) -> str | None:
    """The attribute that holds a layer's kernel; None for a layer whose weights are not quantized."""
    return _KERNELS.get(type(layer).__name__)


class KernelQuantizer(tfmot.quantization.keras.quantizers.Quantizer):
    """Symmetric int8, a scale for each output channel; one in all for dense layers and, because the converter refuses
    another axis than its own there, for transposed convolutions.

    Args:
        kind: class name of the layer.
        keep: "sparsity" keeps zeros zero, "clusters" keeps equal weights equal (each moves by the mean of their steps).
    """

    def __init__(self, kind: str, keep: tuple[str, ...] = ()) -> None:
        self.kind, self.keep = kind, tuple(keep)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, tf.Variable]:
        shape = tuple(int(n) for n in tensor_shape)
        channels = () if self.whole else (int(np.prod(shape[2:] if self.kind == "DepthwiseConv2D" else shape[-1:])),)
        variables = {"limit": layer.add_weight(f"{name}_limit", shape=channels, initializer="ones", trainable=False)}
        if "sparsity" in self.keep:
            variables["mask"] = layer.add_weight(f"{name}_mask", shape=tensor_shape, initializer="ones", trainable=False)
        if "clusters" in self.keep:
            size = int(np.prod(tensor_shape))
            variables["cluster"] = layer.add_weight(
                f"{name}_cluster", shape=(size,), dtype="int32", initializer="zeros", trainable=False
            )
        return variables

    @property
    def whole(self) -> bool:
        """Whether there is one scale for all of the kernel."""
        return self.kind in ("Dense", "Conv2DTranspose")

    def __call__(self, inputs: Any, training: bool, weights: dict[str, tf.Variable], **kwargs: Any) -> tf.Tensor:
        kernel = self.project(tf.convert_to_tensor(inputs), weights)
        limit = weights["limit"]
        if training:
            limit = limit.assign(self.limit(kernel))
        if self.whole:
            return tf.quantization.fake_quant_with_min_max_vars(kernel, -limit, limit, narrow_range=True)
        rows = self._rows(kernel)
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(rows, -limit, limit, narrow_range=True)
        return tf.reshape(rounded, kernel.shape)

    def _rows(self, kernel: tf.Tensor) -> tf.Tensor:
        """The kernel with its output channels last."""
        return tf.reshape(kernel, (*kernel.shape[:2], 1, -1)) if self.kind == "DepthwiseConv2D" else kernel

    def limit(self, kernel: tf.Tensor) -> tf.Tensor:
        """The largest absolute weight of each channel: what int8's 127 stands for."""
        rows = tf.abs(self._rows(kernel))
        largest = tf.reduce_max(rows, axis=None if self.whole else tuple(range(len(rows.shape) - 1)))
        return tf.maximum(largest, 1e-8)

    def project(self, kernel: tf.Tensor, weights: dict[str, tf.Variable]) -> tf.Tensor:
        """The nearest kernel that keeps what is to be kept."""
        if "cluster" in weights:
            count = tf.reduce_max(weights["cluster"]) + 1
            means = tf.math.unsorted_segment_mean(tf.reshape(kernel, [-1]), weights["cluster"], count)
            kernel = tf.reshape(tf.gather(means, weights["cluster"]), kernel.shape)
        return kernel * weights["mask"] if "mask" in weights else kernel

    def begin(self, kernel: tf.Variable, weights: dict[str, tf.Variable]) -> None:
        """Reads from the kernel what is to be kept, and its range."""
        values = kernel.numpy()
        if "mask" in weights:
            weights["mask"].assign((values != 0).astype("float32"))
        if "cluster" in weights:
            weights["cluster"].assign(np.unique(values.ravel(), return_inverse=True)[1].astype("int32"))
        self.settle(kernel, weights)

    def settle(self, kernel: tf.Variable, weights: dict[str, tf.Variable]) -> None:
        """Writes the projection into the kernel, and its range: what the last step of training left undone."""
        kernel.assign(self.project(tf.convert_to_tensor(kernel), weights))
        weights["limit"].assign(self.limit(tf.convert_to_tensor(kernel)))

    def get_config(self) -> dict[str, Any]:
        return {"kind": self.kind, "keep": list(self.keep)}


class Rounding(tfmot.quantization.keras.QuantizeConfig):
    """The rounding of a layer: of its kernel, its output, both or neither.

    Args:
        kind: the layer's class name where its kernel is rounded, else None.
        output: whether its output is, to 8 bits between a moving minimum and maximum.
        keep: see `KernelQuantizer`.
    """

    def __init__(self, kind: str | None, output: bool, keep: tuple[str, ...] = ()) -> None:
        self.kind, self.output, self.keep = kind, output, tuple(keep)
        self.quantizer = None if kind is None else KernelQuantizer(kind, keep)

    def get_weights_and_quantizers(self, layer: Any) -> list:
        return [] if self.kind is None else [(getattr(layer, _KERNELS[self.kind]), self.quantizer)]

    def set_quantize_weights(self, layer: Any, quantize_weights: list) -> None:
        if self.kind is not None:
            setattr(layer, _KERNELS[self.kind], quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list:
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: list) -> None:
        return None

    def get_output_quantizers(self, layer: Any) -> list:
        return [_moving()] if self.output else []

    def get_config(self) -> dict[str, Any]:
        return {"kind": self.kind, "output": self.output, "keep": list(self.keep)}


def _moving() -> Any:
    quantizers = tfmot.quantization.keras.quantizers
    return quantizers.MovingAverageQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)
