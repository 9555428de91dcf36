"""Runs a converted file on this machine's CPU: its outputs, and the positions of maxima that it records on its way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.choices import Recorded
from converters.quantization.quantized_values import real, stored
from converters.tflite import file as tflite_file
from converters.tflite import inspection
from zoo.errors import InputError

_TYPES = {"tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(int32)": np.int32, "tensor(int64)": np.int64}


Feed = np.ndarray | Mapping[str, np.ndarray]  # of the only input, or of several by their names


def answers(path: str | Path, pictures: Sequence[Feed]) -> list[dict[str, np.ndarray]]:
    """What a `.tflite` file answers to each picture on the CPU, by the names of its outputs."""
    run = Tflite(path)
    return [run(picture) for picture in pictures]


class Tflite:
    """A `.tflite` file on the CPU: float32 1×H×W×C in 0–255 → float32 outputs by name, as the signature has them.

    Several inputs are a dict by the names that it has for them.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._interpreter = _interpreter(model_path=os.fspath(path))
        self._recording: tuple[Any, list[str]] | None = None
        inputs, self._outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        names, self._names = _names(path)
        self._inputs = dict(zip(names, inputs, strict=True))
        self.shapes = {name: tuple(int(side) for side in detail["shape"]) for name, detail in self._inputs.items()}
        self.shape = next(iter(self.shapes.values()))
        kinds = {detail["dtype"] for detail in self._interpreter.get_tensor_details()}
        self.guess = next(
            (name for name, kind in (("int8", np.int8), ("float16", np.float16)) if kind in kinds), "float32"
        )

    def __call__(self, image: Feed) -> dict[str, np.ndarray]:
        return dict(zip(self._names, self._run(self._interpreter, image), strict=True))

    def positions(self, image: Feed) -> Recorded:
        """The positions of maxima that the file records on its way, by layer."""
        if self._recording is None:
            content, layers = _recording(self._path)
            self._recording = _interpreter(model_content=content), layers
        interpreter, layers = self._recording
        return dict(zip(layers, self._run(interpreter, image)[len(self._outputs) :], strict=True))

    def _run(self, interpreter: Any, image: Feed) -> list[np.ndarray]:
        feed = image if isinstance(image, Mapping) else dict(zip(self._inputs, [image], strict=True))
        for name, detail in self._inputs.items():
            interpreter.set_tensor(detail["index"], stored(feed[name], detail))
        interpreter.invoke()
        return [real(interpreter.get_tensor(detail["index"]), detail) for detail in interpreter.get_output_details()]


def _interpreter(**source: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        interpreter = Interpreter(**source, num_threads=2)
        interpreter.allocate_tensors()
    except RuntimeError as error:
        if "xnnpack" not in str(error).lower():
            raise
        # What XNNPACK does not take, a transposed convolution of 64×64 or a chain of pools, the slower kernels do.
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(**source, num_threads=2, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    return interpreter


class Onnx:
    """An `.onnx` file in onnxruntime: float32 1×H×W×C in 0–255 → its outputs by name."""

    def __init__(self, path: str | Path | bytes) -> None:
        self._path = path
        self._session = _session(path if isinstance(path, bytes) else os.fspath(path))
        self._recording: tuple[Any, dict[str, str]] | None = None
        image = self._session.get_inputs()[0]
        self._name, self._dtype = image.name, _TYPES.get(image.type, np.float32)
        self.shape = tuple(side if isinstance(side, int) else None for side in image.shape)

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        names = [value.name for value in self._session.get_outputs()]
        return dict(zip(names, self._session.run(None, {self._name: image.astype(self._dtype)}), strict=True))

    def positions(self, image: np.ndarray) -> Recorded:
        """The positions of maxima that the file records on its way, by layer."""
        if self._recording is None:
            content, layers = _recording_onnx(self._path)
            self._recording = _session(content), layers
        session, layers = self._recording
        results = session.run(list(layers), {self._name: image.astype(self._dtype)}) if layers else []
        return dict(zip(layers.values(), results, strict=True))


def _names(path: str | Path) -> list[list[str]]:
    """The names of a file's inputs and of its outputs, in the graph's order: by its signature, or else by their tensors."""
    model = inspection.load(path)
    graph, sides = model.subgraphs[0], []
    for side in ("inputs", "outputs"):
        keys = {entry.tensorIndex: entry.name for entries in model.signatureDefs or () for entry in getattr(entries, side)}
        sides.append([(keys.get(index) or graph.tensors[index].name).decode() for index in getattr(graph, side)])
    return sides


def _session(source: str | bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 2
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes, one for each status
        reason = str(error).strip().partition("\n")[0]
        where = source if isinstance(source, str) else "a file that tells its positions of maxima"
        raise InputError(f"{where}: onnxruntime does not take it: {reason}") from error


def _recording(path: str | Path) -> tuple[bytes, list[str]]:
    """A `.tflite` file with the results of its ARG_MAX operators as further outputs, and these operators' layers."""
    model = inspection.load(path)
    graph = model.subgraphs[0]
    chosen = [
        operator.outputs[0]
        for operator, row in zip(graph.operators, inspection.operators(path), strict=True)
        if row.name == "ARG_MAX" and operator.outputs[0] not in graph.outputs
    ]
    graph.outputs = [*graph.outputs, *chosen]
    model.signatureDefs = None  # they name the outputs there were
    layers = [_layer(graph.tensors[index].name.decode()) for index in chosen]
    return bytes(tflite_file.pack(model, Path(path).read_bytes())), layers


def _recording_onnx(path: str | Path) -> tuple[bytes, dict[str, str]]:
    """An `.onnx` file with the results of its ArgMax nodes as further outputs, and these outputs' layers."""
    import onnx

    proto = onnx.load(path)
    answers = {value.name for value in proto.graph.output}
    layers = {
        node.output[0]: _layer(node.output[0])
        for node in proto.graph.node
        if node.op_type == "ArgMax" and node.output[0] not in answers
    }
    proto.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in layers)
    return proto.SerializeToString(), layers


def _layer(name: str) -> str:
    """The layer that a tensor of a file of ours comes from; files name their tensors after layers."""
    return name.partition(";")[0].partition("/")[0]
