"""From a Keras model to the bytes of a TFLite flatbuffer, and from the converter's errors to the layer at fault.

Of three ways for a large float32 network, a SavedModel was the fastest and took the least memory: before
`model.export(format="litert")`, which leaves resource variables in, and far before constants frozen into a GraphDef. Weights
are written beside the flatbuffer's tables instead of into them (`_experimental_use_buffer_offset`), which saves TensorFlow
copies; `converters.tflite.file.write` puts them back. benchmarks/conversion_cost.py measures what is left.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.lite.python.lite import TFLiteSavedModelConverterV2

from converters.graph import Trace, Value, at_inference, substitute, trace
from converters.tensorflow_process import check_backend, quiet
from converters.tf_keras.origin import is_tf_keras
from converters.tflite.layer_names import layer_kinds, layer_of
from zoo.errors import InputError

Configure = Callable[[Any], None]
_LOCATION = re.compile(r'fused\["(?P<op>\w+):", "(?P<path>[^"@]+)')
_REASON = re.compile(r"'(tfl?\.\w+)' op (?!is neither)(?P<why>[^\n]{0,120})")


def lower(
    model: keras.Model,
    input_shape: tuple[int, ...],
    names: Sequence[str],
    configure: Configure,
    finish: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Converts at a static shape, batch first.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        input_shape: N×H×W×C.
        names: of the outputs, in the model's order; the flatbuffer has them in its signature, for its own order is another.
        configure: sets the converter's options (see `converters.tflite.tensorflow_engine.CONFIGURATIONS`).
        finish: makes the file's flatbuffer of one in float that is yet to be calibrated and quantized.

    Raises:
        InputError: naming the layer whose operation TFLite's built-ins do not have.
    """
    check_backend("TFLite")
    graph = None if is_tf_keras(model) else trace(model)
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, quiet() as noise:
        try:
            if graph is None:
                _save_tf_keras(model, input_shape, names, folder)
            else:
                _save(model, graph, input_shape, names, folder)
            converter = _Converter(folder)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            converter.allow_custom_ops = False
            # Holds times and machine names: the same model would not give the same bytes.
            converter.exclude_conversion_metadata = True
            configure(converter)
            if finish is None:
                return converter.convert()
            converter.unfinished = True
            return finish(converter.convert())
        except InputError:
            raise
        except Exception as error:  # ConverterError, but also RuntimeError and ValueError from inside its C++ parts
            noise.seek(0)
            raise _named(error, noise.read(), layer_kinds(model), input_shape) from error


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


def _save(model: keras.Model, graph: Trace, input_shape: tuple[int, ...], names: Sequence[str], folder: str) -> None:
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec(input_shape, graph.inputs[0].dtype, name="image")]
    archive.add_endpoint("serve", lambda image: named(run(graph, image), names), input_signature=signature)
    archive.write_out(folder, verbose=False)


def _save_tf_keras(model: Any, input_shape: tuple[int, ...], names: Sequence[str], folder: str) -> None:
    """A tf_keras network, with whatever wrappers, as its variables and one function: its own saving fails on wrappers."""
    for layer in model.layers:
        for kernel, quantizer, variables in getattr(layer, "_weight_vars", ()):
            if hasattr(quantizer, "settle"):  # converters.quantization.fake_quant
                quantizer.settle(kernel, variables)
    module = tf.Module()
    module.kept = model.weights
    signature = tf.TensorSpec(input_shape, model.inputs[0].dtype, name="image")
    answers = tf.function(
        lambda image: named(tf.nest.flatten(model(image, training=False)), names), input_signature=[signature]
    )
    module.serve = answers
    tf.saved_model.save(module, folder, signatures=module.serve)


def named(outputs: Sequence[tf.Tensor], names: Sequence[str]) -> dict[str, tf.Tensor]:
    """Outputs by name, as a signature has them."""
    return dict(zip(names, outputs, strict=True))


def run(graph: Trace, image: tf.Tensor) -> list[tf.Tensor]:
    """The model's outputs at inference, in its order, from operations that converters can express."""
    tensors, apart = {graph.inputs[0]: image}, _pads_to_keep(graph)
    for call in graph.calls:
        args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
        operation = call.operation
        outputs = _padded(operation, *args) if call.outputs[0] in apart else in_tensorflow(operation)(*args, **kwargs)
        tensors.update(zip(call.outputs, keras.tree.flatten(outputs), strict=True))
    return [tensors[value] for value in graph.outputs]


def _pads_to_keep(graph: Trace) -> set[Value]:
    """The outputs of zero padding that a maximum over windows reads, where values may be below zero.

    onnxruntime 1.31 and LiteRT's GPU accelerator make one operation of the two, whose padding never wins; zeros do.
    """
    operations = {value: call.operation for call in graph.calls for value in call.outputs}
    pooled = {
        value for call in graph.calls if isinstance(call.operation, keras.layers.MaxPooling2D) for value in call.inputs
    }
    return {
        call.outputs[0]
        for call in graph.calls
        if isinstance(call.operation, keras.layers.ZeroPadding2D)
        and call.operation.data_format == "channels_last"
        and call.outputs[0] in pooled
        and not _is_relu(operations.get(call.inputs[0]))
    }


def _is_relu(operation: keras.Operation | None) -> bool:
    if isinstance(operation, keras.layers.ReLU):
        return not operation.negative_slope
    return getattr(getattr(operation, "activation", None), "__name__", "") in ("relu", "relu6")


def _padded(layer: keras.layers.ZeroPadding2D, x: tf.Tensor) -> tf.Tensor:
    """Zeros joined on, side by side, so that nobody takes them for a pool's own padding."""
    with tf.name_scope(layer.name):
        for axis, ends in enumerate(layer.padding, start=1):
            blocks = []
            for count in ends:
                shape = tf.concat([tf.shape(x)[:axis], [count], tf.shape(x)[axis + 1 :]], 0)
                sizes = [count if place == axis else side for place, side in enumerate(x.shape)]
                blocks.append(tf.zeros(shape if None in sizes else sizes, x.dtype))
            x = tf.concat(
                [block for block, count in ((blocks[0], ends[0]), (x, 1), (blocks[1], ends[1])) if count], axis
            )
    return x


def in_tensorflow(operation: keras.Operation) -> Callable[..., Any]:
    """The operation at inference, in TensorFlow's own words where Keras's are none that TFLite has or gets right."""
    # Keras's argmax tells -0.0 from 0.0 by its sign bit, an integer operation that TFLite does not have.
    if type(operation).__name__ == "Argmax" and not operation.keepdims:
        return lambda x: _argmax(operation.name, x, operation.axis)
    if hasattr(operation, "lower"):
        return lambda inputs, **_: operation.lower(inputs, _TensorFlow(operation.name))
    if isinstance(operation, keras.layers.UpSampling2D) and operation.interpolation != "nearest":
        return lambda x: _upsampled(operation, x)
    return at_inference(operation)


class _TensorFlow:
    """TensorFlow's words for `zoo.layers.primitives`, under the name of the layer that says them."""

    def __init__(self, layer: str) -> None:
        self._layer = layer

    def argmax(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        """The index of the first largest along an axis, int32."""
        return _argmax(self._layer, x, axis)

    def resize_like(self, x: tf.Tensor, reference: tf.Tensor, interpolation: str) -> tf.Tensor:
        """N×h×w×C at the height and width of the reference."""
        with tf.name_scope(self._layer):
            return tf.cast(tf.image.resize(x, tf.shape(reference)[1:3], interpolation), x.dtype)


def _upsampled(layer: keras.layers.UpSampling2D, x: tf.Tensor) -> tf.Tensor:
    """Keras multiplies the static sides, which may be unknown."""
    if None not in x.shape[1:3] or layer.data_format != "channels_last":
        return layer(x)
    with tf.name_scope(layer.name):
        return tf.cast(tf.image.resize(x, tf.shape(x)[1:3] * tf.constant(layer.size), layer.interpolation), x.dtype)


def _argmax(name: str, x: tf.Tensor, axis: int) -> tf.Tensor:
    with tf.name_scope(name):
        return tf.argmax(x, axis=axis, output_type=tf.int32)


def _named(error: Exception, noise: str, kinds: dict[str, str], input_shape: tuple[int, ...]) -> InputError:
    text = f"{error}\n{noise}"
    names = set(kinds)
    located = [match for match in _LOCATION.finditer(text) if layer_of(match["path"], names)]
    size = "×".join(map(str, input_shape[1:3]))
    if not located:
        reason = str(error).strip().partition("\n")[0][:300]
        return InputError(f"the model does not convert at {size}: {reason}")
    layer = layer_of(located[0]["path"], names)
    why = _REASON.search(text)
    detail = f"cannot be converted ({why['why'].strip()})" if why else "is not among TFLite's built-in operations"
    return InputError(
        f"layer '{layer}' ({kinds[layer]}): its operation {located[0]['op']} {detail}; write the layer with other operations"
    )
