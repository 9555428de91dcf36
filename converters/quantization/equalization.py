"""Cross-layer equalisation: channels of one tensor are scaled to one range, which eight bits with one scale then serve alike.

Where a tensor of linear maps holds channels that span 50 and channels that span 1, the latter get five quanta. Its producers'
kernels can be divided, and its readers' multiplied, by any positive factor per channel, and the network says the same (Nagel
et al., "Data-Free Quantization through Weight Equalization and Bias Correction", 2019, section 4.1; here by the ranges of the
activations, for it is their scale that all channels share, and over whole residual paths).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from converters import choices
from converters import graph as graphs
from converters.graph import Call, Trace, Value, trace
from converters.quantization import calibration
from converters.quantization.batchnorm_folding import fold
from converters.reductions import Reducer
from zoo.errors import InputError

L = keras.layers
_SPREAD = 64.0  # no channel is scaled up by more: what hardly moves must not carry the weights' rounding errors
# Keras's layers that leave each channel to itself and commute with a positive factor; others say it themselves, `carries`.
_CARRIERS = (
    L.Add, L.ZeroPadding2D, L.Cropping2D, L.UpSampling2D, L.MaxPooling2D, L.AveragePooling2D, L.GlobalAveragePooling2D,
    L.GlobalMaxPooling2D, L.Dropout, L.SpatialDropout2D,
)  # fmt: skip
_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.Conv2DTranspose)


def equalize(model: keras.Model, samples: Any) -> keras.Model:
    """The same function, folded (`converters.fold`), in which the channels of every linear path span alike.

    Args:
        model: functional or Sequential, with one image input.
        samples: pictures that ranges are measured on, N×H×W×C in 0–255; a dozen does.

    Raises:
        InputError: for pictures that do not fit, or where the answer would change by more than 1e-3 of its spread.
    """
    graphs.check_one_input(model, "equalize")
    folded = fold(model)
    graph = trace(folded)
    shape = graph.inputs[0].shape
    images = calibration.check_samples(samples, shape[1:3], shape[3])
    groups = _groups(graph)
    reach = _reach(graph, images, {value for group in groups for value in group})
    for group in groups:
        _apply(graph, group, _factors(np.max([reach[value] for value in group], axis=0)))
    image, origin = images[:1].astype("float32"), trace(model)
    after = graphs.evaluate(graph, image)
    before, _ = choices.evaluate(origin, [image], choices.positions(graph, after))
    ends = zip(graphs.scores(origin), graphs.scores(graph), strict=True)
    errors = [graphs.difference(before[one], after[other]) for one, other in ends]
    if not max(errors) <= 1e-3:
        raise InputError(f"'{model.name}' answers otherwise once equalised, by {max(errors):.2g} of its spread")
    return folded


def _groups(graph: Trace) -> list[set[Value]]:
    """Tensors that have to share their factors and that only kernels write and read."""
    parent: dict[Value, Value] = {}

    def root(value: Value) -> Value:
        while parent.setdefault(value, value) is not value:
            value = parent[value]
        return value

    for call in graph.calls:
        if _carries(call):
            for value in _carried(call):
                parent[root(value)] = root(call.outputs[0])
    groups: dict[Value, set[Value]] = {}
    for call in graph.calls:
        for value in (*call.inputs, *call.outputs):
            groups.setdefault(root(value), set()).add(value)
    barred = {root(value) for value in _barred(graph)}
    return [group for key, group in groups.items() if key not in barred]


def _carries(call: Call) -> bool:
    relu = isinstance(call.operation, L.ReLU) and call.operation.max_value is None and not call.operation.negative_slope
    named = isinstance(call.operation, L.Activation) and call.operation.get_config()["activation"] in ("relu", "linear")
    return relu or named or isinstance(call.operation, _CARRIERS) or getattr(call.operation, "carries", 0) > 0


def _carried(call: Call) -> Iterable[Value]:
    return call.inputs[: getattr(call.operation, "carries", None)]


def _barred(graph: Trace) -> Iterable[Value]:
    """Tensors that something reads or writes that is no kernel with linear ends."""
    yield from graph.inputs
    yield from graph.outputs
    uses: dict[int, int] = {}
    for call in graph.calls:
        uses[id(call.operation)] = uses.get(id(call.operation), 0) + 1
    for call in graph.calls:
        if _carries(call):
            continue
        kernel = type(call.operation) in _KERNELS and uses[id(call.operation)] == 1
        if not kernel or getattr(call.operation, "groups", 1) != 1:
            yield from (*call.inputs, *call.outputs)
        elif call.operation.get_config()["activation"] not in ("linear", "relu"):
            yield from call.outputs


def _reach(graph: Trace, images: np.ndarray, tensors: set[Value]) -> dict[Value, np.ndarray]:
    """The largest absolute value of each channel."""

    def largest(value: Value, tensor: Any) -> Any:
        if value not in tensors:
            return None
        return keras.ops.max(keras.ops.abs(tensor), axis=tuple(range(len(tensor.shape) - 1)))

    reach, reducer = {value: np.zeros(1, np.float32) for value in tensors}, Reducer(graph, largest)
    for image in images:
        for value, most in reducer(image[None]).items():
            reach[value] = np.maximum(reach[value], most)
    return reach


def _factors(reach: np.ndarray) -> np.ndarray:
    """The factors that channels are divided by: each one's reach in units of the largest."""
    most = reach.max()
    return np.maximum(reach / most, 1 / _SPREAD) if most else np.ones_like(reach)


def _apply(graph: Trace, group: set[Value], factors: np.ndarray) -> None:
    for call in graph.calls:
        layer = call.operation
        if type(layer) not in _KERNELS:
            continue
        weights = [keras.ops.convert_to_numpy(weight) for weight in layer.weights]
        if call.outputs[0] in group:
            weights = _written(layer, weights, factors)
        if call.inputs[0] in group:
            axis = (slice(None), None) if isinstance(layer, L.DepthwiseConv2D | L.Conv2D) else slice(None)
            weights[0] = weights[0] * factors[axis]
        layer.set_weights(weights)


def _written(layer: keras.Layer, weights: list[np.ndarray], factors: np.ndarray) -> list[np.ndarray]:
    kernel, *bias = weights
    if isinstance(layer, L.DepthwiseConv2D):
        kernel = kernel / factors.reshape(kernel.shape[2:])
    else:
        kernel = kernel / (factors[:, None] if isinstance(layer, L.Conv2DTranspose) else factors)
    return [kernel, *(b / factors for b in bias)]
