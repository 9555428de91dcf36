"""The engine that is TensorFlow's own converter, `tf.lite`; it needs Keras on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from converters.quantization import int16_activations, mixed_precision
from converters.quantization.calibration import Calibration
from converters.tflite import lowering
from converters.tflite.request import Request

Configure = Callable[
    [Any, Calibration | None, str], None
]  # gets the converter, the calibration, the type of input and output


def _float32(converter: Any, images: Calibration | None, io: str) -> None:
    converter._experimental_use_buffer_offset = True  # a smaller peak: see converters.tflite.lowering


def _float16(converter: Any, images: Calibration | None, io: str) -> None:
    _float32(converter, images, io)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic(converter: Any, images: Calibration | None, io: str) -> None:
    _float32(converter, images, io)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter: Any, images: Calibration | None, io: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if images is not None:  # a network that was trained for it brings its ranges along
        converter.representative_dataset = images.batches
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.as_dtype(io)
    converter.inference_output_type = tf.as_dtype(io)


def _int16x8(converter: Any, images: Calibration | None, io: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = images.batches
    # Operators without a 16-bit form (HARD_SWISH) stay in float.
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]


CONFIGURATIONS: dict[str, Configure] = {
    "float32": _float32,
    "float16": _float16,
    "dynamic": _dynamic,
    "int8": _int8,
    "int16x8": _int16x8,
}


def flatbuffer(request: Request) -> bytes:
    """The file's flatbuffer, in TensorFlow's names and order.

    Raises:
        InputError: naming the layer whose operation TFLite's built-ins do not have, or for another backend.
    """
    model, shape, outputs = request.model, request.shape, request.outputs
    if request.keep_int16:
        floating = lowering.lower(model, shape, outputs, lambda _: None)
        return int16_activations.quantize(
            floating, request.images, request.keep_int16, request.keep_float, request.names
        )
    finish = None
    if request.recipe == "int8" and request.images is not None:

        def finish(flatbuffer: bytes) -> bytes:
            return mixed_precision.quantize(flatbuffer, request.images, request.keep_float, request.names, request.io)

    configure = CONFIGURATIONS[request.recipe]
    return lowering.lower(
        model, shape, outputs, lambda converter: configure(converter, request.images, request.io), finish
    )
