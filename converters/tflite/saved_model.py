"""From a SavedModel's folder to the bytes of a TFLite flatbuffer: what runs in the worker, where TensorFlow may abort."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.lite.python.lite import TFLiteSavedModelConverterV2

Configure = Callable[[Any], None]
Finish = Callable[[bytes], bytes]
FLOAT, FILE = "float.tflite", "file.tflite"  # in the folder: before and after it was quantized


def convert(folder: str, configure: Configure, finish: Finish | None) -> None:
    """Writes FILE beside the SavedModel, and FLOAT where something finishes it.

    Args:
        folder: of the SavedModel.
        configure: sets the converter's options (see `converters.tflite.tensorflow_engine.CONFIGURATIONS`).
        finish: makes the file's flatbuffer of one in float that is yet to be calibrated and quantized.
    """
    converter = _converter(folder)
    configure(converter)
    converter.unfinished = finish is not None
    flatbuffer = converter.convert()
    if finish is not None:
        Path(folder, FLOAT).write_bytes(flatbuffer)
        flatbuffer = finish(flatbuffer)
    Path(folder, FILE).write_bytes(flatbuffer)


def convert_in_float(folder: str) -> None:
    """Writes FLOAT: the graph as it is, with nothing rounded."""
    Path(folder, FLOAT).write_bytes(_converter(folder).convert())


def _converter(folder: str) -> _Converter:
    converter = _Converter(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.allow_custom_ops = False
    # Holds times and machine names: the same model would not give the same bytes.
    converter.exclude_conversion_metadata = True
    return converter


class _Converter(TFLiteSavedModelConverterV2):
    """The converter that `TFLiteConverter.from_saved_model` makes, without restoring the variables in Python.

    TensorFlow does that twice, for the names of the signatures and for stack traces; its part in C++, which needs the
    variables, restores them a third time.
    """

    unfinished = False  # whether what comes after the part in C++ is left to others

    def __init__(self, folder: str) -> None:
        super().__init__(folder, {tf.saved_model.SERVING}, [tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY])

    def convert(self) -> bytes:
        """The flatbuffer."""
        saved = saved_model_pb2.SavedModel()
        with open(os.path.join(self.saved_model_dir, "saved_model.pb"), "rb") as file:
            saved.ParseFromString(file.read())
        return self._convert_from_saved_model(saved.meta_graphs[0].graph_def)

    def _optimize_tflite_model(self, model: bytes, *arguments: Any, **options: Any) -> bytes:
        return model if self.unfinished else super()._optimize_tflite_model(model, *arguments, **options)
