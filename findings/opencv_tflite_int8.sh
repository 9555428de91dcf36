#!/usr/bin/env bash
# OpenCV's dnn reads int8 .tflite files with float inputs and forgets the input's scale
#
# Tool:     OpenCV 5.0.0 and 4.14.0 (opencv-python-headless 5.0.0.93, 4.14.0.94), cv2.dnn.readNetFromTFLite. Date: 2026-11-28.
# Expected: QUANTIZE of a float input gives round(x / scale) + zero point, as LiteRT does, or an error.
# Seen:     no error. QUANTIZE is taken for what stands behind a uint8 input: x - 128, whatever its scale and zero point are.
#           Pictures in -1 to 1 become two or three steps, and what comes out has nothing to do with the picture. Pictures in 0 to
#           255, whose scale is 1, are right, and so is a uint8 input whose bytes are given as floats.
# Matters:  float inputs are what TensorFlow's converter writes by default in full int8, and pictures in -1 to 1 or 0 to 1 what
#           most networks take. Normalize inside the graph, write uint8 inputs for OpenCV, or give it an ONNX file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/program.py" <<'END'
import os

os.environ["OPENCV_LOG_LEVEL"] = "ERROR"
import sys
from importlib.metadata import version

import cv2
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

SHAPE = (1, 4, 4, 3)
KINDS = {"float32": tflite.TensorType.FLOAT32, "int8": tflite.TensorType.INT8, "uint8": tflite.TensorType.UINT8}


def network(kind: str, scale: float, zero: int) -> bytes:
    """A picture of this type → int8 of this scale and zero point, a maximum over windows of 2×2, float32."""
    half = (1, 2, 2, 3)
    tensors = [
        tflite.TensorT(
            name=name,
            shape=list(shape),
            type=KINDS[dtype],
            quantization=tflite.QuantizationParametersT()
            if dtype == "float32"
            else tflite.QuantizationParametersT(scale=[scale], zeroPoint=[zero + 128 * (dtype == "uint8")]),
        )
        for name, shape, dtype in (
            ("picture", SHAPE, kind), ("steps", SHAPE, "int8"), ("largest", half, "int8"), ("answer", half, "float32")
        )
    ]
    window = tflite.Pool2DOptionsT(strideW=2, strideH=2, filterWidth=2, filterHeight=2, padding=tflite.Padding.VALID)
    rows = (("QUANTIZE", tflite.QuantizeOptionsT()), ("MAX_POOL_2D", window), ("DEQUANTIZE", tflite.DequantizeOptionsT()))
    codes = [getattr(tflite.BuiltinOperator, name) for name, _ in rows]
    operators = [
        tflite.OperatorT(
            opcodeIndex=at,
            inputs=[at],
            outputs=[at + 1],
            builtinOptionsType=getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T")),
            builtinOptions=options,
        )
        for at, (_, options) in enumerate(rows)
    ]
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=[0], outputs=[3], operators=operators)
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=2) for code in codes],
        subgraphs=[graph],
        buffers=[tflite.BufferT()],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def answers(content: bytes, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What LiteRT and what OpenCV say, both as N×H×W×C."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    right = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    theirs = cv2.dnn.readNetFromTFLite(np.frombuffer(content, np.uint8))
    theirs.setInput(np.ascontiguousarray(picture.astype(np.float32).transpose(0, 3, 1, 2)))
    return right, theirs.forward().transpose(0, 2, 3, 1)


whole = np.random.default_rng(0).integers(0, 256, SHAPE)
# name → picture, scale, zero point, whether OpenCV was right
CASES = {
    "float32 in -1 to 1": ((whole / 127.5 - 1).astype(np.float32), 2 / 255, 0, False),
    "float32 in 0 to 1": ((whole / 255).astype(np.float32), 1 / 255, -128, False),
    "float32 in 0 to 255": (whole.astype(np.float32), 1.0, -128, True),
    "uint8": (whole.astype(np.uint8), 2 / 255, 0, True),
}
print(*(f"{name} {version(name)}" for name in ("opencv-python-headless", "ai-edge-litert", "numpy")), sep=", ")
print("expected: answers within a step of LiteRT's; seen:")
changes = []
for name, (picture, scale, zero, was_right) in CASES.items():
    right, answer = answers(network(str(picture.dtype), scale, zero), picture)
    off = float(np.abs(right - answer).max() / scale)
    print(f"  {name}: {off:.0f} steps apart; LiteRT {right.ravel()[:3].round(2)}, OpenCV {answer.ravel()[:3].round(2)}")
    if (off <= 1.01) != was_right:
        changes.append(name)
    if not was_right and np.abs(answer - ((np.rint(right) - 128).clip(-128, 127) - zero) * scale).max() > 1.01 * scale:
        changes.append(f"{name}: it is not x - 128")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
for opencv in 5.0.0.93 4.14.0.94; do
    "${PYTHON:-python3}" -m venv --clear "$folder/venv"
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        "opencv-python-headless==$opencv" ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19
    "$folder/venv/bin/python" "$folder/program.py"
done
