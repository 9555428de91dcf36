"""densezoo's converters: a Keras model in, another form of it out.

>>> import converters
>>> fully_convolutional = converters.convolutionalize(classifier)
>>> converters.to_tflite(model, "model.tflite", recipe="int8", input_size=(256, 256), calibration=images)
>>> converters.parity(model, "model.tflite", images).verdict

Importing this package imports neither Keras nor TensorFlow; the first use of one of its names does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converters.bias_correction import correct_biases
    from converters.bridge import to_keras, to_tf_keras
    from converters.convolutionalize import convolutionalize
    from converters.equalization import equalize
    from converters.fine_tuning import fine_tune
    from converters.folding import fold
    from converters.inspection import float_islands, operators
    from converters.layer_errors import LayerErrors, layer_errors
    from converters.mixed import Mixed, auto_mixed
    from converters.onnx_file import OnnxFile, to_onnx
    from converters.parity import Parity, parity
    from converters.retraining import quantize_aware, untouched
    from converters.sparsity import callbacks, cluster, prune
    from converters.tflite import RECIPES, Converted, to_tflite
    from converters.twins import twin_of

_PUBLIC = {  # name → the module it lives in, imported when it is asked for
    "RECIPES": "converters.tflite",
    "Converted": "converters.tflite",
    "OnnxFile": "converters.onnx_file",
    "Parity": "converters.parity",
    "convolutionalize": "converters.convolutionalize",
    "float_islands": "converters.inspection",
    "operators": "converters.inspection",
    "parity": "converters.parity",
    "callbacks": "converters.sparsity",
    "cluster": "converters.sparsity",
    "fold": "converters.folding",
    "prune": "converters.sparsity",
    "quantize_aware": "converters.retraining",
    "untouched": "converters.retraining",
    "correct_biases": "converters.bias_correction",
    "equalize": "converters.equalization",
    "LayerErrors": "converters.layer_errors",
    "layer_errors": "converters.layer_errors",
    "Mixed": "converters.mixed",
    "auto_mixed": "converters.mixed",
    "fine_tune": "converters.fine_tuning",
    "to_keras": "converters.bridge",
    "to_onnx": "converters.onnx_file",
    "to_tf_keras": "converters.bridge",
    "to_tflite": "converters.tflite",
    "twin_of": "converters.twins",
}

__all__ = [
    "RECIPES",
    "Converted",
    "LayerErrors",
    "Mixed",
    "OnnxFile",
    "Parity",
    "auto_mixed",
    "callbacks",
    "cluster",
    "convolutionalize",
    "correct_biases",
    "equalize",
    "fine_tune",
    "float_islands",
    "fold",
    "layer_errors",
    "operators",
    "parity",
    "prune",
    "quantize_aware",
    "to_keras",
    "to_onnx",
    "to_tf_keras",
    "to_tflite",
    "twin_of",
    "untouched",
]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'converters' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value  # importing a submodule of the same name would otherwise leave the module behind
    return value
