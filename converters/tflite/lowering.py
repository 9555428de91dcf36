"""From a Keras model to the bytes of a TFLite flatbuffer, and from the converter's errors to the layer at fault.

Of three ways for a large float32 network, a SavedModel was the fastest and took the least memory: before
`model.export(format="litert")`, which leaves resource variables in, and far before constants frozen into a GraphDef. Weights
are written beside the flatbuffer's tables instead of into them (`_experimental_use_buffer_offset`), which saves TensorFlow
copies; `converters.tflite.file.write` puts them back. benchmarks/conversion_cost.py measures what is left.
"""

from __future__ import annotations

import bisect
import functools
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from converters import file_runs
from converters.graph import Call, Trace, Value, at_inference, distance, evaluate, substitute, trace
from converters.tensorflow_process import check_backend, quiet
from converters.tf_keras.origin import is_tf_keras
from converters.tflite import saved_model
from converters.tflite.layer_names import layer_kinds, layer_of
from converters.tflite.saved_model import Configure, Finish
from converters.worker import Died, Failed, worker
from zoo.errors import InputError

FAITHFUL = 0.05  # of the answer's spread, a float file against its model: chaotic ones are off by less, a lost ReLU by more
_FATAL = re.compile(r"Check failed|^F0|[Aa]ssert|terminate called|error:")
_LOCATION = re.compile(r'fused\["(?P<op>\w+):", "(?P<path>[^"@]+)')
_REASON = re.compile(r"'(tfl?\.\w+)' op (?!is neither)(?P<why>[^\n]{0,120})")


def lower(
    model: keras.Model,
    input_shape: tuple[int, ...],
    names: Sequence[str],
    configure: Configure,
    finish: Finish | None = None,
) -> bytes:
    """Converts at a static shape, batch first, in a process where an abort of TensorFlow's takes nobody along.

    What the flatbuffer answers to pictures is compared with what the model does, before anything quantizes it.

    Args:
        model: of Keras 3, or its tf_keras counterpart.
        input_shape: N×H×W×C.
        names: of the outputs, in the model's order; the flatbuffer has them in its signature, for its own order is another.
        configure: sets the converter's options (see `converters.tflite.tensorflow_engine`); importable, as it travels there.
        finish: makes the file's flatbuffer of one in float that is yet to be calibrated and quantized; likewise.

    Raises:
        InputError: naming the layer whose operation TFLite's built-ins do not have, on which TensorFlow ends its process, or
            which its converter makes something else of.
    """
    check_backend("TFLite")
    if is_tf_keras(model):
        save = functools.partial(_save_tf_keras, model, input_shape, names)
        return _converted(save, configure, finish, layer_kinds(model), input_shape)
    graph = trace(model)
    try:
        save = functools.partial(_save, graph, input_shape, names)
        check = functools.partial(_check, graph, noise_pictures(graph, input_shape), names)
        return _converted(save, configure, finish, layer_kinds(model), input_shape, check)
    except _Unlocated as error:
        culprit = _culprit(graph, input_shape, configure, finish)
        raise InputError(f"layer {culprit.named()}: {error}; write it with other operations") from error.__cause__


class _Unlocated(InputError):
    """A conversion failed without a word of which layer it was."""


class _Differs(_Unlocated):
    """A file that answers otherwise than its model."""


def _converted(
    save: Callable[[str], None],
    configure: Configure,
    finish: Finish | None,
    kinds: dict[str, str],
    input_shape: tuple[int, ...],
    check: Callable[[str], None] = lambda file: None,
) -> bytes:
    size = "×".join(map(str, input_shape[1:3]))
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        with quiet():
            try:
                save(folder)
            except InputError:
                raise
            except Exception as error:  # TensorFlow's, or of a layer that others wrote
                raise _Unlocated(f"TensorFlow cannot trace it at {size}: {_first_line(error)}") from error
        try:
            worker.call(saved_model.convert, folder, configure, finish)
            _check_float(folder, check, finish is not None)
        except Died as error:
            raise _Unlocated(f"TensorFlow ends its process over it at {size} ({_reason_of_death(error)})") from error
        except Failed as error:
            raise _named(error, kinds, size) from error
        return Path(folder, saved_model.FILE).read_bytes()


def _check_float(folder: str, check: Callable[[str], None], quantized: bool) -> None:
    """Checks the file, and where that was rounded by more than it can say, one of the same graph that nobody rounds."""
    if quantized:
        check(os.path.join(folder, saved_model.FLOAT))
        return
    try:
        check(os.path.join(folder, saved_model.FILE))
    except _Differs:
        worker.call(saved_model.convert_in_float, folder)
        check(os.path.join(folder, saved_model.FLOAT))


def noise_pictures(graph: Trace, input_shape: tuple[int, ...]) -> np.ndarray:
    """Seeded pictures that files are compared on: noise over all values and over the dark ones. No two pixels tie by more than
    chance, so that a network that records where maxima were chooses alike."""
    noise = np.random.default_rng(0).uniform(0, 255, (2, *input_shape[1:]))
    noise[1] /= 4
    return noise.astype(graph.inputs[0].dtype)


def _check(graph: Trace, pictures: np.ndarray, names: Sequence[str], file: str) -> None:
    """Compares a float file with the graph, each output by name.

    Raises:
        InputError: for a file that lacks an output: of two that say the same, TensorFlow's converter keeps one.
    """
    results = worker.call(file_runs.answers, file, [picture[None] for picture in pictures])
    missing = [name for name in names if name not in results[0]]
    if missing:
        raise InputError(
            f"TensorFlow's converter leaves output {', '.join(missing)} out, which says the same as another; take it out of "
            "the model, or take engine='direct'"
        )
    for picture, result in zip(pictures, results, strict=True):
        tensors = evaluate(graph, picture[None])
        for name, value in zip(names, graph.outputs, strict=True):
            expected = keras.ops.convert_to_numpy(tensors[value])
            error = distance(expected, result[name]) if expected.shape == result[name].shape else np.inf
            if not error <= (FAITHFUL if expected.dtype.kind == "f" else 4 * FAITHFUL):
                raise _Differs(f"TensorFlow's converter makes something else of it, off by {error:.2g} of the spread")


def _culprit(graph: Trace, input_shape: tuple[int, ...], configure: Configure, finish: Finish | None) -> Call:
    """The first call up to which the graph does not convert, by halving."""
    pictures = noise_pictures(graph, input_shape)

    def fails(end: int) -> bool:
        part = Trace(graph.inputs, graph.calls[: end + 1], graph.calls[end].outputs[:1])
        save = functools.partial(_save, part, input_shape, ["answer"])
        check = functools.partial(_check, part, pictures, ["answer"])
        try:
            _converted(save, configure, finish, {}, input_shape, check)
        except InputError:
            return True
        return False

    return graph.calls[bisect.bisect_left(range(len(graph.calls) - 1), True, key=fails)]


def _save(graph: Trace, input_shape: tuple[int, ...], names: Sequence[str], folder: str) -> None:
    archive = keras.export.ExportArchive()
    for layer in {id(call.operation): call.operation for call in graph.calls}.values():
        if isinstance(layer, keras.Layer):
            archive.track(layer)
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
    pooled = {value for call in graph.calls if isinstance(call.operation, keras.layers.MaxPooling2D) for value in call.inputs}
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
            x = tf.concat([block for block, count in ((blocks[0], ends[0]), (x, 1), (blocks[1], ends[1])) if count], axis)
    return x


def in_tensorflow(operation: keras.Operation) -> Callable[..., Any]:
    """The operation at inference, in TensorFlow's own words where Keras's are none that TFLite has or gets right."""
    # Keras's argmax tells -0.0 from 0.0 by its sign bit, an integer operation that TFLite does not have.
    if type(operation).__name__ == "Argmax" and operation.axis is not None:
        return lambda x: _argmax(operation.name, x, operation.axis, operation.keepdims)
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

    def depth_to_space(self, x: tf.Tensor, scale: int) -> tf.Tensor:
        """Blocks of scale×scale pixels of the channels."""
        with tf.name_scope(self._layer):
            return tf.nn.depth_to_space(x, scale)

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


def _argmax(name: str, x: tf.Tensor, axis: int, keepdims: bool = False) -> tf.Tensor:
    with tf.name_scope(name):
        result = tf.argmax(x, axis=axis, output_type=tf.int32)
        return tf.expand_dims(result, axis) if keepdims else result


def _named(error: Exception, kinds: dict[str, str], size: str) -> InputError:
    """The error in our words: of the layer that the converter's own names, or else of nobody."""
    text, names = str(error), set(kinds)
    located = [match for match in _LOCATION.finditer(text) if layer_of(match["path"], names)]
    if not located:
        return _Unlocated(f"it does not convert at {size}: {_first_line(error)}")
    layer = layer_of(located[0]["path"], names)
    why = _REASON.search(text)
    detail = f"cannot be converted ({why['why'].strip()})" if why else "is not among TFLite's built-in operations"
    return InputError(
        f"layer '{layer}' ({kinds[layer]}): its operation {located[0]['op']} {detail}; write the layer with other operations"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().partition("\n")[0] or type(error).__name__)[:300]


def _reason_of_death(error: Died) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if _FATAL.search(line)]
    return (telling[0] if telling else lines[0])[:300]
