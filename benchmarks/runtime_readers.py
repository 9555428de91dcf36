"""Readers: what another runtime answers to a file; `other_runtimes.py` runs this in an environment with that runtime.

Stands by itself: NumPy and the runtime, nothing of this project. Each file is read in a process of its own.

    python runtime_readers.py READER FOLDER     # FOLDER has index.json, files, samples; writes READER.jsonl there
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
Reader = Callable[[str, list[Arrays], dict[str, Any]], list[Arrays]]  # file, samples of inputs, facts → answers of outputs
PATIENCE = 120.0  # seconds for one file


def litert(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """LiteRT's interpreter, whose answer the others are held to; of facts "plain" asks for the kernels without XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if facts.get("plain") else OpResolverType.AUTO
    interpreter = Interpreter(path, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    answers = []
    for feed in feeds:
        for detail, value in zip(interpreter.get_input_details(), feed, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        answers.append([interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()])
    return answers


def onnxruntime(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """ONNX Runtime on the CPU, likewise for .onnx files."""
    import onnxruntime as runtime

    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    return [list(session.run(None, dict(zip(names, feed, strict=True)))) for feed in feeds]


def openvino(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """OpenVINO on the CPU, in float32 as far as the file is."""
    import openvino as runtime

    core = runtime.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [[np.array(result[node]) for node in compiled.outputs] for feed in feeds for result in [compiled(feed)]]


def tflite_micro(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """TensorFlow Lite for Microcontrollers with its reference kernels."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(path, arena_size=256 << 20)
    answers = []
    for feed in feeds:
        for place, value in enumerate(feed):
            interpreter.set_input(np.ascontiguousarray(value), place)
        interpreter.invoke()
        answers.append([np.array(interpreter.get_output(place)) for place in range(len(facts["outputs"]))])
    return answers


def mnn(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """MNN on the CPU, behind its converter; its command line is left out, since that calls pip when it starts."""
    import _tools
    import MNN.expr
    import MNN.nn

    form, layout = ("ONNX", MNN.expr.NCHW) if path.endswith(".onnx") else ("TFLITE", MNN.expr.NHWC)
    with tempfile.TemporaryDirectory() as folder:
        converted = os.path.join(folder, "model.mnn")
        _tools.mnnconvert(["convert", "-f", form, "--modelFile", path, "--MNNModel", converted, "--bizCode", "x"])
        net = MNN.nn.load_module_from_file(converted, facts["inputs"], facts["outputs"])
    types = {"float32": MNN.expr.float, "int32": MNN.expr.int, "int8": MNN.expr.int8, "uint8": MNN.expr.uint8}
    answers = []
    for feed in feeds:
        values = [MNN.expr.const(each.copy(), list(each.shape), layout, types[str(each.dtype)]) for each in feed]
        answers.append([np.array(MNN.expr.convert(value, layout).read()).copy() for value in net.forward(values)])
    return answers


def tract(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """Tract, an engine in Rust."""
    import tract as runtime

    runnable = runtime.onnx().load(path).into_model().into_runnable()
    return [[tensor.to_numpy() for tensor in runnable.run(feed)] for feed in feeds]


def opencv(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """OpenCV's dnn, which turns the maps of .tflite files, whose channels come last, into N×C×H×W."""
    import cv2

    turned = path.endswith(".tflite")
    net = (cv2.dnn.readNetFromTFLite if turned else cv2.dnn.readNetFromONNX)(path)
    answers = []
    for feed in feeds:
        for name, value in zip(facts["inputs"], feed, strict=True):
            net.setInput(np.ascontiguousarray(_moved(value, (0, 3, 1, 2)) if turned else value), name)
        results = net.forward(net.getUnconnectedOutLayersNames())
        answers.append([_moved(value, (0, 2, 3, 1)) if turned else np.array(value) for value in results])
    return answers


def _moved(value: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """A map with its channels elsewhere; what is no map as it is."""
    return value.transpose(axes) if value.ndim == len(axes) else value


def ncnn(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """Tencent's ncnn in float32, behind its converter pnnx; the batch is none of its tensors' axes."""
    import ncnn as runtime

    with tempfile.TemporaryDirectory() as folder:
        stem = os.path.join(folder, "model")
        shutil.copy(path, f"{stem}.onnx")
        converter = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
        _ran([converter, f"{stem}.onnx", "fp16=0"], folder)
        net = runtime.Net()
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_vulkan_compute = net.opt.use_bf16_storage = False
        if net.load_param(f"{stem}.ncnn.param") or net.load_model(f"{stem}.ncnn.bin"):
            raise ValueError("what pnnx wrote cannot be loaded")
    answers = []
    for feed in feeds:
        with net.create_extractor() as run:
            for place, value in enumerate(feed):
                run.input(f"in{place}", runtime.Mat(np.ascontiguousarray(value[0])).clone())
            results = [run.extract(f"out{place}") for place in range(len(facts["outputs"]))]
            if any(status for status, _ in results):
                raise ValueError(f"extract gives {[status for status, _ in results]}")
            answers.append([np.array(result) for _, result in results])
    return answers


def tosa(path: str, feeds: list[Arrays], facts: dict[str, Any]) -> list[Arrays]:
    """Arm's converter to TOSA, the operators of several neural processors, and the reference model of these."""
    import tosa_converter_for_tflite as converter
    import tosa_reference_model as runtime

    with tempfile.TemporaryDirectory() as folder:
        converted, written = os.path.join(folder, "model.mlirbc"), os.path.join(folder, "model.tosa")
        converter.tflite_flatbuffer_to_tosa_mlir(path, converted)
        program = os.path.join(os.path.dirname(sys.executable), "tosa-opt")
        options = ["--tosa-serialize", f"--tosa-flatbuffer-filename={written}", "-o", os.devnull]
        _ran([program, converted, *options], folder)
        with open(written, "rb") as file:
            content = file.read()
        answers = []
        for feed in feeds:
            results, status = runtime.run(content, [np.ascontiguousarray(value) for value in feed])
            if status != runtime.GraphStatus.TOSA_VALID:
                raise ValueError(str(status))
            answers.append([np.array(result) for result in results])
    return answers


def _ran(command: list[str], folder: str) -> None:
    """Runs a program there; ValueError in its own last words."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise ValueError((done.stderr or done.stdout)[-200:])


READERS: dict[str, Reader] = {
    reader.__name__: reader
    for reader in (litert, onnxruntime, openvino, tflite_micro, mnn, tract, opencv, ncnn, tosa)
}
# What each imports; done once, before the processes part.
MODULES = {
    "litert": ("ai_edge_litert.interpreter",),
    "openvino": ("openvino",),
    "tflite_micro": ("tflite_micro.python.tflite_micro.runtime",),
    "mnn": ("_tools", "MNN.nn"),
    "tract": ("tract",),
    "opencv": ("cv2",),
    "ncnn": ("ncnn",),
    "tosa": ("tosa_converter_for_tflite", "tosa_reference_model"),
}


def outcome(reader: Reader, folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """What came of one file: "rms" and "largest" differences from the expected answers, or "why" there is none."""
    with np.load(folder / case["samples"]) as samples:
        feeds, expected = (
            [[samples[f"{side}{at}_{place}"] for place in range(len(case[ends]))] for at in range(case["count"])]
            for side, ends in (("feed", "inputs"), ("answer", "outputs"))
        )
    try:
        answers = reader(str(folder / case["file"]), feeds, case)
        return difference(expected, answers)
    except Exception as error:  # whatever a runtime says is its answer
        return {"why": " ".join(f"{type(error).__name__}: {error}".split())[-200:]}


def difference(expected: list[Arrays], answers: list[Arrays]) -> dict[str, Any]:
    """The worst over outputs: root mean square over the spread, the largest over the largest value; of integers the share."""
    rms = largest = 0.0
    for place in range(len(expected[0])):
        true, got = (np.stack([np.asarray(sample[place]) for sample in side]) for side in (expected, answers))
        if true.size != got.size:
            return {"rms": float("inf"), "largest": float("inf"), "why": f"shape {got.shape[1:]} for {true.shape[1:]}"}
        got = got.reshape(true.shape)
        if true.dtype.kind != "f":
            share = float((true != got).mean())
            rms, largest = max(rms, share), max(largest, share)
            continue
        off = np.abs(got.astype(np.float64) - true)
        off[~np.isfinite(off)] = np.finfo(np.float32).max
        rms = max(rms, float(np.sqrt((off**2).mean()) / max(float(true.std()), 1e-30)))
        largest = max(largest, float(off.max() / max(float(np.abs(true).max()), 1e-30)))
    return {"rms": rms, "largest": largest}


def _alone(reader: Reader, folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """`outcome` in a process of its own: some runtimes end theirs."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=lambda: there.send(outcome(reader, folder, case)))
    process.start()
    there.close()
    try:
        result = here.recv() if here.poll(PATIENCE) else {"why": ""}
    except EOFError:
        result = {"why": ""}
    process.kill()
    process.join()
    return result


def main(name: str, folder: Path) -> None:
    """Asks a reader about every file of its kind and writes a line each."""
    reader = READERS[name]
    cases = [case for case in json.loads((folder / "index.json").read_text()) if name in case["readers"]]
    for module in MODULES[name]:
        importlib.import_module(module)
    with (folder / f"{name}.jsonl").open("w") as out:
        for case in cases:
            out.write(json.dumps({"case": case["case"], "form": case["form"], **_alone(reader, folder, case)}) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
