#!/usr/bin/env bash
# OpenVINO reads .tflite files and leaves out a ReLU fused into a transposed convolution; nearest resizing takes other pixels
#
# Tool:     OpenVINO 2026.4.1, Core.read_model on a .tflite file, CPU in float32. Date: 2026-11-28.
# Expected: what LiteRT answers for the same file, or an error.
# Seen:     no error, and
#           - TRANSPOSE_CONV of version 4, with a bias and a fused activation, as TensorFlow's converter writes
#             relu(conv2d_transpose(x) + b): the activation is left out, and negative numbers come through. The same with the ReLU
#             as an operator of its own, or with the bias alone, is right;
#           - RESIZE_NEAREST_NEIGHBOR with half-pixel centres takes other pixels where the factor is no whole number; a doubling is
#             right, and so is bilinear resizing.
# Matters:  the first is every decoder block of a U-Net or a DCGAN-like generator. Keep activations apart from transposed
#           convolutions (LiteRT's GPU accelerator refuses version 4 as well), and compare with LiteRT before believing a mask.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    openvino==2026.4.1 ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import openvino
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.normal(size=(1, 7, 5, 8)).astype(np.float32)
KERNEL, BIAS = (RANDOM.normal(size=shape).astype(np.float32) for shape in ((8, 4, 4, 8), (8,)))
DOUBLED = (1, 14, 10, 8)
FILE = Path(sys.argv[1])


def network(*steps: tuple[str, int, Any, list[np.ndarray], bool, tuple[int, ...]]) -> bytes:
    """A float file of operators in a row, each with its version, options, constants, whether the map comes third, and shape."""
    tensors, buffers, codes, operators = [], [tflite.BufferT()], [], []

    def tensor(shape: tuple[int, ...], array: np.ndarray | None = None) -> int:
        whole = array is not None and array.dtype == np.int32
        if array is not None:
            buffers.append(tflite.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
        tensors.append(
            tflite.TensorT(
                name=f"tensor{len(tensors)}",
                shape=list(shape),
                type=tflite.TensorType.INT32 if whole else tflite.TensorType.FLOAT32,
                buffer=0 if array is None else len(buffers) - 1,
                quantization=tflite.QuantizationParametersT(),
            )
        )
        return len(tensors) - 1

    current = first = tensor(IMAGE.shape)
    for at, (name, number, options, constants, third, shape) in enumerate(steps):
        code = getattr(tflite.BuiltinOperator, name)
        codes.append(tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=number))
        fixed = [tensor(array.shape, array) for array in constants]
        inputs = [*fixed[:2], current, *fixed[2:]] if third else [current, *fixed]
        current = tensor(shape)
        kind = 0 if options is None else getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operators.append(
            tflite.OperatorT(opcodeIndex=at, inputs=inputs, outputs=[current], builtinOptionsType=kind, builtinOptions=options)
        )
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=[first], outputs=[current], operators=operators)
    builder = flatbuffers.Builder()
    builder.Finish(tflite.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers).Pack(builder), b"TFL3")
    return bytes(builder.Output())


def transposed(fused: bool) -> tuple[str, int, Any, list[np.ndarray], bool, tuple[int, ...]]:
    activation = tflite.ActivationFunctionType.RELU if fused else tflite.ActivationFunctionType.NONE
    options = tflite.TransposeConvOptionsT(
        padding=tflite.Padding.SAME, strideW=2, strideH=2, fusedActivationFunction=activation
    )
    return "TRANSPOSE_CONV", 4 if fused else 3, options, [np.array(DOUBLED, np.int32), KERNEL, BIAS], True, DOUBLED


def resized(name: str, height: int, width: int) -> bytes:
    make = tflite.ResizeBilinearOptionsT if name == "RESIZE_BILINEAR" else tflite.ResizeNearestNeighborOptionsT
    options = make(alignCorners=False, halfPixelCenters=True)
    return network((name, 3, options, [np.array([height, width], np.int32)], False, (1, height, width, 8)))


def answers(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """What LiteRT and what OpenVINO say."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    FILE.write_bytes(content)
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(FILE), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.array(compiled([IMAGE])[0])


# name → file, whether OpenVINO was right
CASES = {
    "transposed convolution with a bias": (network(transposed(False)), True),
    "a ReLU behind it": (network(transposed(False), ("RELU", 1, None, [], False, DOUBLED)), True),
    "a ReLU fused into it": (network(transposed(True)), False),
    "bilinear resizing 7×5 to 23×17": (resized("RESIZE_BILINEAR", 23, 17), True),
    "nearest resizing 7×5 to 14×10": (resized("RESIZE_NEAREST_NEIGHBOR", 14, 10), True),
    "nearest resizing 7×5 to 23×17": (resized("RESIZE_NEAREST_NEIGHBOR", 23, 17), False),
    "nearest resizing 7×5 to 5×4": (resized("RESIZE_NEAREST_NEIGHBOR", 5, 4), False),
}
print(*(f"{name} {version(name)}" for name in ("openvino", "ai-edge-litert", "numpy")), sep=", ")
print("expected: differences from LiteRT below 1e-3 of the largest value; seen:")
changes = []
for name, (content, was_right) in CASES.items():
    right, answer = answers(content)
    off = float(np.abs(right - answer).max() / np.abs(right).max())
    print(f"  {name}: {off:.1e}")
    if (off < 1e-3) != was_right:
        changes.append(name)
    if name == "a ReLU fused into it" and np.abs(np.maximum(answer, 0) - right).max() > 1e-3:
        changes.append(f"{name}: it is not the ReLU alone that is missing")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder/model.tflite"
