"""Quantization-aware training, over the tf_keras bridge and tfmot's wrappers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras

from converters import graph as graphs
from converters.graph import Call, Trace, trace
from converters.quantization import calibration as images_of
from converters.quantization.activation_ranges import spans
from converters.quantization.batchnorm_folding import fold
from converters.quantization.fake_quant import KEEPS, Rounding, kernel_of
from converters.tensorflow_process import check_backend
from converters.tf_keras.bridge import rebuild
from converters.tf_keras.origin import is_tf_keras, unwrapped
from zoo.errors import InputError, unknown

L = keras.layers
# Keras's layers that hand on values they were given, or interpolate between them: the output has the input's scale, and a
# second rounding there would only put an operation between the two. Others say it themselves, `quantization = "passthrough"`.
_MOVERS = (
    L.ZeroPadding2D, L.Cropping2D, L.UpSampling2D, L.MaxPooling2D, L.GlobalMaxPooling2D, L.Flatten, L.Reshape, L.Permute,
    L.Dropout, L.SpatialDropout2D, L.Resizing, L.RepeatVector,
)  # fmt: skip


@dataclass(frozen=True)
class UnquantizedLayer:
    """A layer that tfmot leaves as it is."""

    layer: str
    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.layer} ({self.kind}): {self.why}"


def quantize_aware(
    model: keras.Model, calibration: Any = None, keep: str | Sequence[str] = (), ranges: str = "all"
) -> tf_keras.Model:
    """A tf_keras model that computes with the rounding of its int8 file, to be trained on a little with `compile` and `fit`.

    Batch normalisation is folded into the kernels first, with the statistics that it has; so train first. Then
    `to_tflite(network, path, "int8")` needs no calibration, and `to_keras(network, fold(model))` brings the weights back.
    Layers whose weights stay in float are warned of and listed by `unquantized_layers`.

    Args:
        model: functional or Sequential.
        calibration: pictures as for `to_tflite`, from which activation ranges start. Without them they start at ±6 and need
            thousands of steps to get anywhere.
        ranges: of activations: "all" that occurs on the pictures, or with "least error", which cuts off what is rare and
            far out where that loses less than it gains.
        keep: "sparsity" or "clusters" of the weights, or both, as left by `prune` and `cluster`: PQAT, CQAT, PCQAT.

    Raises:
        InputError: for an unknown `keep`, a layer without a counterpart, pictures that do not fit.
    """
    check_backend("tf_keras")
    keep = (keep,) if isinstance(keep, str) else tuple(keep)
    for name in keep:
        if name not in KEEPS:
            raise unknown("thing to keep", name, KEEPS)
    folded = fold(model)
    graph = trace(folded)
    fused = _fused(graph)

    def wrap(call: Call, counterpart: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        kind = type(counterpart).__name__ if kernel_of(counterpart) else None
        rounding = Rounding(kind, _rounds(call) and id(call) not in fused, keep)
        return tfmot.quantization.keras.QuantizeWrapperV2(counterpart, rounding, name=f"quant_{counterpart.name}")

    network, _ = rebuild(folded, graph, wrap, _input)
    for layer in network.layers:
        for kernel, quantizer, variables in getattr(layer, "_weight_vars", ()):
            quantizer.begin(kernel, variables)
    _start_ranges(network, graph, calibration, ranges)
    for row in unquantized_layers(network):
        warnings.warn(f"not quantized: {row}", stacklevel=2)
    return network


def unquantized_layers(network: tf_keras.Model) -> tuple[UnquantizedLayer, ...]:
    """The layers with weights that `quantize_aware`, `prune` or `cluster` left as they are, and why."""
    if not is_tf_keras(network):
        raise InputError("expected what quantize_aware, prune or cluster returned")
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


def _rounds(call: Call) -> bool:
    """Whether what a call gives out is rounded where it stands."""
    if "float" not in call.outputs[0].dtype:
        return False
    return getattr(call.operation, "quantization", "rounds") != "passthrough" and not isinstance(call.operation, _MOVERS)


def _fused(graph: Trace) -> set[int]:
    """The calls that one ReLU alone reads: the two are one integer operation, rounded at its end."""
    readers: dict[Any, list[Call]] = {}
    for call in graph.calls:
        for value in call.inputs:
            readers.setdefault(value, []).append(call)
    ids = set()
    for call in graph.calls:
        after = readers.get(call.outputs[0], [])
        if len(after) == 1 and call.outputs[0] not in graph.outputs and _is_relu(after[0].operation):
            ids.add(id(call))
    return ids


def _is_relu(layer: keras.Operation) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return True
    return isinstance(layer, keras.layers.Activation) and layer.get_config()["activation"] in ("relu", "relu6")


def _input(tensor: Any) -> Any:
    if not tensor.dtype.is_floating:  # a picture's bytes are as they are
        return tensor
    identity = tf_keras.layers.Activation("linear", name="image_rounded")
    return tfmot.quantization.keras.QuantizeWrapperV2(identity, Rounding(None, True), name="quant_image_rounded")(tensor)


def _start_ranges(network: tf_keras.Model, graph: Trace, calibration: Any, rule: str) -> None:
    """Sets what each rounded output spans on the pictures; the input spans 0–255."""
    shape = graphs.concrete_shapes(graph)[0]
    if calibration is None:
        warnings.warn(
            "ranges start from noise: pass calibration=, dozens of training pictures, or training has to find them first",
            stacklevel=3,
        )
        pictures = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    else:
        pictures = images_of.check_samples(calibration, graph.inputs[0].shape[1:3], shape[3], "calibration")
    ranges = {**spans(graph, pictures, rule), "image_rounded": (0.0, 255.0)}
    for layer in network.layers:
        variables = getattr(layer, "_output_quantizer_vars", None)
        if variables:
            low, high = ranges[unwrapped(layer).name]
            variables["min_var"].assign(low)
            variables["max_var"].assign(max(high, low + 1e-6))
