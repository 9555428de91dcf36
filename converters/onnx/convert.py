"""A Keras model as an `.onnx` file, opset 18, for one size or for any."""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

import zoo
from converters import file_runs
from converters.collapsing import collapse
from converters.graph import Trace, concrete_shapes, distance, evaluate, trace
from converters.onnx.operators import is_operator
from converters.onnx.tensorflow_function import optimized
from converters.single_precision import in_float32
from converters.tensorflow_process import check_backend, quiet
from converters.tflite import file as tflite_file
from converters.tflite import lowering
from converters.tflite.description import check_size, describe, output_names
from converters.tflite.dynamic_resize import open_sizes
from converters.tflite.layer_names import layer_names, layer_of
from zoo.errors import InputError

OPSET = 18  # the newest that tf2onnx 1.17 writes
FAITHFUL = 1e-2  # a file against its model on a seeded picture, in units of the answer's spread: untrained networks are chaotic


@dataclass(frozen=True)
class OnnxFile:
    """The file that `to_onnx` wrote.

    Args:
        path: the file.
        bytes: its size.
        input_shape: of `image`, N×H×W×C; None where the file takes any.
        operators: how often each operator occurs in it.
    """

    path: Path
    bytes: int
    input_shape: tuple[int | None, ...]
    operators: Mapping[str, int]

    def __str__(self) -> str:
        size = "×".join("any" if side is None else str(side) for side in self.input_shape[1:3])
        return f"{self.path}: ONNX opset {OPSET}, {size}, {self.bytes:,} bytes, {sum(self.operators.values())} operators"

    def __fspath__(self) -> str:
        return str(self.path)


def to_onnx(
    model: keras.Model,
    path: str | Path,
    input_size: tuple[int, int] | None = None,
    labels: Sequence[str] | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    task: str | None = None,
    name: str | None = None,
    scores: Mapping[str, Any] | None = None,
) -> OnnxFile:
    """Writes a model as a self-describing ONNX file: input `image` N×H×W×C in 0–255, output `answer`.

    Its metadata hold densezoo.json under the key "densezoo". The same weights and versions give the same bytes.

    Args:
        model: functional or Sequential, with one N×H×W×C input.
        path: where to; written at once or not at all.
        input_size: (height, width) in pixels to fix them, and with them a batch of 1; None leaves open what the model
            leaves open, and the batch.
        labels, palette, task, name, scores: as in `to_tflite`.

    Raises:
        InputError: for a name not ending in .onnx, a size that does not fit, a layer that ONNX cannot express.
    """
    path = _check_path(path)
    check_backend("ONNX")
    model = in_float32(collapse(model))
    shape = check_size(model, input_size)
    if None in shape:
        shape = (None, *shape[1:])  # who leaves the size open has no use for a fixed batch
    overrides, facts = {"task": task, "labels": labels, "palette": palette}, {"scores": dict(scores or {})}
    description = describe(
        model, [shape], overrides, name or model.name, recipe="float32", io="float32", **facts
    )
    proto = _checked(model, shape)
    _sort(proto.graph)
    _put_constants_second(proto.graph)
    _rename(proto, layer_names(model), output_names(description))
    proto.producer_name, proto.producer_version = "densezoo", zoo.__version__
    proto.doc_string = f"{description['task']} by {description['name']}"
    onnx.helper.set_model_props(proto, {"densezoo": json.dumps(description, ensure_ascii=False)})
    _write(path, proto)
    counts: dict[str, int] = {}
    for node in proto.graph.node:
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return OnnxFile(path, path.stat().st_size, shape, counts)


def _put_constants_second(graph: onnx.GraphProto) -> None:
    """Sums and products as (map, constant): MNN gets the other order wrong (findings/mnn_onnx_constant_first.sh)."""
    constants = {value.name for value in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Add", "Mul") and node.input[0] in constants:
            node.input[:] = reversed(node.input)


def _check_path(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"{path}: the file's name must end in .onnx")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file's name")
    return path


class _Unlocated(InputError):
    """A conversion failed without a word of which layer it was."""


def _checked(model: keras.Model, shape: tuple[int | None, ...]) -> onnx.ModelProto:
    """The model as ONNX, which says in onnxruntime what the model says.

    Raises:
        InputError: naming the layer that ONNX cannot express, or of which something else was made.
    """
    graph, names = trace(model), layer_names(model)
    try:
        proto = _convert(graph, shape, names)
        _compare(graph, proto, shape)
        return proto
    except _Unlocated as error:

        def fails(end: int) -> bool:
            part = Trace(graph.inputs, graph.calls[: end + 1], graph.calls[end].outputs[:1])
            try:
                _compare(part, _convert(part, shape, names), shape)
            except InputError:
                return True
            return False

        culprit = graph.calls[bisect.bisect_left(range(len(graph.calls) - 1), True, key=fails)]
        advice = "" if None not in shape[1:3] else ", or give a fixed input_size=(height, width)"
        raise InputError(
            f"layer {culprit.named()} does not become ONNX: {error}; write it with other operations{advice}"
        ) from error.__cause__


def _convert(graph: Trace, shape: tuple[int | None, ...], names: set[str]) -> onnx.ModelProto:
    signature = [tf.TensorSpec(shape, graph.inputs[0].dtype, name="image")]
    tf2onnx.utils.INTERNAL_NAME = 1  # it numbers names through the whole process: the same model would get others
    with quiet(), open_sizes(), _inlined():
        try:
            function = tf.function(lambda image: lowering.run(graph, image), autograph=False)
            concrete = function.get_concrete_function(*signature)
            proto = optimized(concrete, OPSET)
            _embed(proto.graph, concrete)
        except InputError:
            raise
        except Exception as error:  # tf2onnx raises ValueError, RuntimeError, KeyError and its own, from deep inside
            size = "×".join("any" if side is None else str(side) for side in shape[1:3])
            raise _Unlocated(f"{_reason(str(error))} (at {size})") from error
    for node in proto.graph.node:  # tf2onnx passes on what it does not know
        if not is_operator(node.op_type, node.domain, OPSET):
            layer = layer_of(node.name, names)
            if layer is None:
                raise _Unlocated(f"its operation {node.op_type} is not among ONNX's")
            raise InputError(
                f"layer '{layer}': its operation {node.op_type} is not among ONNX's; write the layer with other operations"
            )
    return proto


def _embed(graph: onnx.GraphProto, function: Any) -> None:
    """Makes constants of the tensors that the function had from outside, as an adapted Normalization's: tf2onnx makes inputs
    of them, which nobody has."""
    values = {
        placeholder.name: tensor.numpy()
        for tensor, placeholder in function.graph.captures
        if tensor.dtype != tf.resource
    }
    read = {name for node in graph.node for name in node.input}
    for value in [value for value in graph.input if value.name in values]:
        graph.input.remove(value)
        if value.name in read:
            graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values[value.name]), value.name))


def _compare(graph: Trace, proto: onnx.ModelProto, shape: tuple[int | None, ...]) -> None:
    """Runs the file and the model on a seeded picture."""
    sides = concrete_shapes(graph)[0][1:] if None in shape else shape[1:]
    picture = lowering.noise_pictures(graph, (1, *sides))[1:]
    try:
        results = file_runs.Onnx(proto.SerializeToString())(picture)
    except Exception as error:  # onnxruntime's own classes, one for each status
        raise _Unlocated(f"onnxruntime does not take the file: {_reason(str(error))}") from error
    tensors = evaluate(graph, picture)
    for value, result in zip(graph.outputs, results.values(), strict=True):
        expected = keras.ops.convert_to_numpy(tensors[value])
        error = distance(expected, result) if expected.shape == result.shape else np.inf
        if not error <= FAITHFUL:
            raise _Unlocated(f"the file answers otherwise, off by {error:.2g} of the spread")


def _reason(text: str) -> str:
    """The line that says what is wrong: the first, unless a traceback comes before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    return (next((line for line in lines if "Error" in line), lines[-1]) if "in user code" in lines[0] else lines[0])[:300]


@contextlib.contextmanager
def _inlined() -> Iterator[None]:
    """Functions inside the traced one become part of it; tf2onnx passes over calls (Keras has one in grouped convolutions)."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _sort(graph: onnx.GraphProto) -> None:
    """Puts the nodes into the one order in which each comes right before the first that needs it."""
    producers = {name: node for node in graph.node for name in node.output}
    ordered: dict[str, onnx.NodeProto] = {}
    waiting = [value.name for value in reversed(graph.output)]
    while waiting:
        node = producers.get(waiting[-1])
        read = [] if node is None else [*node.input, *_read_inside(node)]
        missing = [name for name in read if name in producers and name not in ordered]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        ordered |= {} if node is None else dict.fromkeys(node.output, node)
    nodes = list({id(node): node for node in ordered.values()}.values())
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs inside a node, as a loop's."""
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]


def _read_inside(node: onnx.NodeProto) -> list[str]:
    """The names that the graphs inside a node read from around it, with names of their own among them."""
    names = []
    for body in _bodies(node):
        names += [value.name for value in body.output]
        for inner in body.node:
            names += [*inner.input, *_read_inside(inner)]
    return list(dict.fromkeys(names))


def _rename_inside(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Gives the graphs inside a node the new names of what lies around it."""
    for body in _bodies(node):
        own = {value.name for value in (*body.input, *body.initializer)} | {n for inner in body.node for n in inner.output}
        outer = {old: new for old, new in names.items() if old not in own}
        for inner in body.node:
            inner.input[:] = [outer.get(name, name) for name in inner.input]
            _rename_inside(inner, outer)
        for value in body.output:
            value.name = outer.get(value.name, value.name)


def _rename(proto: onnx.ModelProto, layers: set[str], outputs: Sequence[str]) -> None:
    """Names tensors after layers and outputs as the description does, and puts constants into the order in which they are read.

    Names and order depend on what the process has converted before; the ends are called what TensorFlow calls any end.
    """
    graph = proto.graph
    names = {value.name: name for value, name in zip(graph.output, outputs, strict=True)}
    names |= {"": "", **{value.name: value.name for value in graph.input}}
    counts = dict.fromkeys(names.values(), 0)
    constants = {constant.name for constant in graph.initializer}
    for node in graph.node:
        place = tflite_file.stable_name(re.sub(r"(__\d+)?(:\d+)?$", "", node.output[0]), layers).partition("/")[0]
        inside = [name for name in _read_inside(node) if name in constants]
        for name in (*node.input, *inside, *node.output):
            if name not in names:
                stable = f"{place}/{'constant' if name in constants else node.op_type}"
                counts[stable] = count = counts.get(stable, -1) + 1
                names[name] = f"{stable}_{count}" if count else stable
    order = {name: index for index, name in enumerate(names)}
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{index}"
        for ends in (node.input, node.output):
            ends[:] = [names[name] for name in ends]
        _rename_inside(node, names)
    read = [constant for constant in graph.initializer if constant.name in order]
    ordered = sorted(read, key=lambda constant: order[constant.name])
    del graph.initializer[:]
    graph.initializer.extend(ordered)
    for value in (*graph.initializer, *graph.output):
        value.name = names[value.name]
    del graph.value_info[:]
    graph.name, graph.doc_string = "network", ""
    for end, prefix in ((graph.input, ""), (graph.output, "answer_")):
        for value in end:
            for dim, name in zip(value.type.tensor_type.shape.dim, ("batch", "height", "width"), strict=False):
                if dim.dim_param:
                    dim.dim_param = name if name == "batch" else prefix + name


def _write(path: Path, proto: onnx.ModelProto) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(proto.SerializeToString(deterministic=True))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
