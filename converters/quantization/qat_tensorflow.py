"""Quantization-aware training over the tf_keras bridge and tfmot's wrappers, which round as a TFLite file does."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from converters.graph import Call, Trace, trace
from converters.quantization.activation_ranges import starting_spans
from converters.quantization.batchnorm_folding import fold
from converters.quantization.fake_quant import Rounding, kernel_of
from converters.quantization.rounding_places import fused, rounds
from converters.quantization.unquantized import UnquantizedLayer
from converters.tensorflow_process import check_backend
from converters.tf_keras.bridge import rebuild
from converters.tf_keras.origin import unwrapped


def quantize_aware(model: keras.Model, calibration: Any, keep: tuple[str, ...], ranges: str) -> tf_keras.Model:
    """The tf_keras network of `converters.quantize_aware`, whose arguments these are."""
    check_backend("tf_keras")
    folded = fold(model)
    graph = trace(folded)
    in_one = fused(graph)

    def wrap(call: Call, counterpart: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        kind = type(counterpart).__name__ if kernel_of(counterpart) else None
        rounding = Rounding(kind, rounds(call) and id(call) not in in_one, keep)
        return tfmot.quantization.keras.QuantizeWrapperV2(counterpart, rounding, name=f"quant_{counterpart.name}")

    network, _ = rebuild(folded, graph, wrap, _input)
    for layer in network.layers:
        for kernel, quantizer, variables in getattr(layer, "_weight_vars", ()):
            quantizer.begin(kernel, variables)
    _start_ranges(network, graph, calibration, ranges)
    return network


def unquantized_layers(network: tf_keras.Model) -> tuple[UnquantizedLayer, ...]:
    """The layers with weights that `quantize_aware`, `prune` or `cluster` left as they are, and why."""
    rows = []
    for layer in network.layers:
        inner = unwrapped(layer)
        rounding = isinstance(layer, tfmot.quantization.keras.QuantizeWrapperV2)
        touched = bool(layer._weight_vars) if rounding else inner is not layer
        if inner.weights and not touched:
            rows.append(UnquantizedLayer(inner.name, type(getattr(inner, "original", inner)).__name__, _why(inner)))
    return tuple(rows)


def _why(layer: tf_keras.layers.Layer) -> str:
    if kernel_of(layer) is None:
        return "its weights are no kernel of a convolution or a dense layer"
    if isinstance(layer, tf_keras.layers.DepthwiseConv2D):
        return "a depthwise kernel: tfmot takes those of whole convolutions and dense layers"
    return "its input channels do not divide by 4, as a 2:4 pattern needs"


def _input(tensor: Any) -> Any:
    if not tensor.dtype.is_floating:  # a picture's bytes are as they are
        return tensor
    identity = tf_keras.layers.Activation("linear", name="image_rounded")
    return tfmot.quantization.keras.QuantizeWrapperV2(identity, Rounding(None, True), name="quant_image_rounded")(tensor)


def _start_ranges(network: tf_keras.Model, graph: Trace, calibration: Any, rule: str) -> None:
    """Sets what each rounded output spans on the pictures; the input spans 0–255."""
    ranges = {**starting_spans(graph, calibration, rule), "image_rounded": (0.0, 255.0)}
    for layer in network.layers:
        variables = getattr(layer, "_output_quantizer_vars", None)
        if variables:
            low, high = ranges[unwrapped(layer).name]
            variables["min_var"].assign(low)
            variables["max_var"].assign(max(high, low + 1e-6))
