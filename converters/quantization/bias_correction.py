"""Bias correction: the mean error that rounded kernels make is taken out of the biases.

A kernel whose large weights cancel (a channel that batch normalisation had to enlarge) is rounded in steps as large as what
remains of them, and since activations after a ReLU have a mean, the error has one too: every position is shifted alike. That
part is known beforehand and costs nothing to undo (Nagel et al., "Data-Free Quantization through Weight Equalization and Bias
Correction", 2019, section 4.2, with means measured on pictures instead of derived).

Where a network loses by it is what `converters.quantization.layer_errors` shows: mostly depthwise kernels near the image.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from converters import graph as graphs
from converters.graph import Call, trace
from converters.quantization import calibration
from converters.quantization.batchnorm_folding import fold

L = keras.layers
_ENOUGH = 8  # pictures: a mean over all positions of these is known well
CHANNELS = {  # class → the axes of its kernel that one scale serves
    L.Conv2D: (0, 1, 2),
    L.DepthwiseConv2D: (0, 1),
    L.Conv2DTranspose: (0, 1, 3),
    L.Dense: (0,),
}


def correct_biases(model: keras.Model, samples: Any, keep_float: str | Iterable[str] = ()) -> keras.Model:
    """A folded copy (`converters.fold`) whose biases make up for what 8 bits do to its kernels: to be converted, not used.

    Args:
        model: functional or Sequential, with one image input.
        samples: training pictures, N×H×W×C in 0–255; the first eight are used.
        keep_float: names or globs of layers that nobody rounds.

    Raises:
        InputError: for pictures that do not fit, or a model that does not fold.
    """
    graphs.check_one_input(model, "correct_biases")
    folded = fold(model, biases=True)
    graph = trace(folded)
    shape = graph.inputs[0].shape
    images = calibration.check_samples(samples, shape[1:3], shape[3])[:_ENOUGH].astype("float32")
    exact, rounded = (graphs.fed(graph, images) for _ in range(2))
    done: set[int] = set()
    patterns = [keep_float] if isinstance(keep_float, str) else list(keep_float)

    def correct(call: Call) -> None:
        layer = call.operation
        kernel, bias = layer.get_weights()
        layer.set_weights([round_kernel(layer, kernel), bias])
        bias = bias - (_mean(graphs.apply(call, rounded)[0]) - _mean(exact[call.outputs[0]]))
        layer.set_weights([round_kernel(layer, kernel), bias])
        rounded.update(zip(call.outputs, graphs.apply(call, rounded), strict=True))
        layer.set_weights([kernel, bias])

    for call in graphs.walk(graph, exact):  # maps of eight pictures at once: none is kept longer than it is read
        layer = call.operation
        floating = any(fnmatch.fnmatchcase(layer.name, pattern) for pattern in patterns)
        linear = type(layer) in CHANNELS and layer.get_config()["activation"] == "linear"
        if linear and not floating and id(layer) not in done:
            done.add(id(layer))
            correct(call)
        else:
            rounded.update(zip(call.outputs, graphs.apply(call, rounded), strict=True))
        for value in [value for value in rounded if value not in exact]:
            del rounded[value]
    return folded


def round_kernel(layer: keras.Layer, kernel: np.ndarray) -> np.ndarray:
    """The kernel as an int8 file stores it: symmetric, 127 for the largest weight of each output channel."""
    step = np.abs(kernel).max(axis=CHANNELS[type(layer)], keepdims=True) / 127
    step = np.where(step == 0, 1, step)
    return (np.round(kernel / step) * step).astype("float32")


def _mean(tensor: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor).mean(axis=tuple(range(len(tensor.shape) - 1)))
