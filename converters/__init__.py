"""densezoo's converters: a Keras model in, another form of it out.

>>> import converters
>>> fully_convolutional = converters.fully_convolutional.convolutionalize(classifier)
>>> converters.to_tflite(model, "model.tflite", recipe="int8", input_size=(256, 256), calibration=images)
>>> converters.parity(model, "model.tflite", images).verdict

Importing this package imports neither Keras nor TensorFlow; the first use of one of its names does.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING

from converters.extras import needed_for

if TYPE_CHECKING:
    from converters.collapsing import collapse
    from converters.deployment import device_files
    from converters.fully_convolutional.convolutionalize import convolutionalize
    from converters.onnx.convert import OnnxFile, to_onnx
    from converters.parity_check import Parity, parity
    from converters.quantization.batchnorm_folding import fold
    from converters.quantization.bias_correction import correct_biases
    from converters.quantization.clustering import cluster
    from converters.quantization.equalization import equalize
    from converters.quantization.fine_tuning import fine_tune
    from converters.quantization.layer_errors import LayerErrors, layer_errors
    from converters.quantization.mixed_precision import Mixed, auto_mixed
    from converters.quantization.pruning import callbacks, prune
    from converters.quantization.qat import quantize_aware, to_keras, unquantized_layers
    from converters.tf_keras.bridge import to_tf_keras
    from converters.tf_keras.layers import tf_keras_counterpart
    from converters.tflite.convert import Converted, to_tflite
    from converters.tflite.inspection import float_islands, operators
    from converters.tflite.recipes import RECIPES

# Name → the module it lives in, imported when it is asked for. No module of this folder has the name of a function here:
# importing it would put the module in the function's place.
_PUBLIC = {
    "RECIPES": "converters.tflite.recipes",
    "Converted": "converters.tflite.convert",
    "OnnxFile": "converters.onnx.convert",
    "Parity": "converters.parity_check",
    "collapse": "converters.collapsing",
    "device_files": "converters.deployment",
    "convolutionalize": "converters.fully_convolutional.convolutionalize",
    "float_islands": "converters.tflite.inspection",
    "operators": "converters.tflite.inspection",
    "parity": "converters.parity_check",
    "callbacks": "converters.quantization.pruning",
    "cluster": "converters.quantization.clustering",
    "fold": "converters.quantization.batchnorm_folding",
    "prune": "converters.quantization.pruning",
    "quantize_aware": "converters.quantization.qat",
    "unquantized_layers": "converters.quantization.qat",
    "correct_biases": "converters.quantization.bias_correction",
    "equalize": "converters.quantization.equalization",
    "LayerErrors": "converters.quantization.layer_errors",
    "layer_errors": "converters.quantization.layer_errors",
    "Mixed": "converters.quantization.mixed_precision",
    "auto_mixed": "converters.quantization.mixed_precision",
    "fine_tune": "converters.quantization.fine_tuning",
    "to_keras": "converters.quantization.qat",
    "to_onnx": "converters.onnx.convert",
    "to_tf_keras": "converters.tf_keras.bridge",
    "to_tflite": "converters.tflite.convert",
    "tf_keras_counterpart": "converters.tf_keras.layers",
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
    "collapse",
    "convolutionalize",
    "correct_biases",
    "device_files",
    "equalize",
    "fine_tune",
    "float_islands",
    "fold",
    "layer_errors",
    "operators",
    "parity",
    "prune",
    "quantize_aware",
    "tf_keras_counterpart",
    "to_keras",
    "to_onnx",
    "to_tf_keras",
    "to_tflite",
    "unquantized_layers",
]


_OLD = {"twin_of": "tf_keras_counterpart", "untouched": "unquantized_layers"}  # names of 0.1, until 0.3


def __getattr__(name: str) -> object:
    if name in _OLD:
        warnings.warn(
            f"converters.{name} goes with 0.3; write converters.{_OLD[name]}", DeprecationWarning, stacklevel=2
        )
        return __getattr__(_OLD[name])
    if name not in _PUBLIC:
        raise AttributeError(f"module 'converters' has no attribute {name!r}")
    with needed_for(f"converters.{name}"):
        return getattr(importlib.import_module(_PUBLIC[name]), name)
