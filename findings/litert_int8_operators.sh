#!/usr/bin/env bash
# Some operators that LiteRT's XNNPACK takes in float32 it leaves out in int8, the plain ReLU among them
#
# Tool:     LiteRT's CPU runtime, ai-edge-litert 2.3.0, XNNPACK by default. Date: 2026-11-28.
# Expected: what the delegate takes in float32 it takes in int8, or at least the simplest of it: a ReLU on 8 bits is a
#           maximum, cheaper than the LEAKY_RELU, TANH and LOGISTIC that are taken.
# Seen:     RELU, RELU6, AVERAGE_POOL_2D, HARD_SWISH and MAXIMUM as operators of their own are taken in float32 only.
#           RESIZE_NEAREST_NEIGHBOR is taken in neither, RESIZE_BILINEAR in both.
# Matters:  int8 is chosen for speed, and each such operator is an island that runs on the built-in kernels and cuts the
#           network into parts. Fuse activations into the convolution before them where the graph allows it, take bilinear
#           resizing where it does as well as nearest, and do not guess int8's time from float32's. Only operators of their
#           own are meant: a ReLU fused into a convolution is no operator.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

FLOAT, BYTE = tflite.TensorType.FLOAT32, tflite.TensorType.INT8
POOL = tflite.Pool2DOptionsT(padding=tflite.Padding.VALID, strideW=2, strideH=2, filterWidth=2, filterHeight=2)
SIZE = np.array([16, 16], np.int32)
WHOLE, HALF, DOUBLE = (1, 8, 8, 4), (1, 4, 4, 4), (1, 16, 16, 4)
# operator: version, options, output's shape, output's (scale, zero), constant; what the delegate was seen to take
OPERATORS: dict[str, tuple[tuple[Any, ...], str]] = {
    "LEAKY_RELU": ((2, tflite.LeakyReluOptionsT(alpha=0.1), WHOLE, (0.05, 0), None), "both"),
    "TANH": ((2, None, WHOLE, (1 / 128, 0), None), "both"),
    "LOGISTIC": ((2, None, WHOLE, (1 / 256, -128), None), "both"),
    "MAX_POOL_2D": ((2, POOL, HALF, (0.05, 0), None), "both"),
    "RESIZE_BILINEAR": ((3, tflite.ResizeBilinearOptionsT(halfPixelCenters=True), DOUBLE, (0.05, 0), SIZE), "both"),
    "RELU": ((2, None, WHOLE, (0.05, 0), None), "float32"),
    "RELU6": ((2, None, WHOLE, (0.05, 0), None), "float32"),
    "AVERAGE_POOL_2D": ((2, POOL, HALF, (0.05, 0), None), "float32"),
    "HARD_SWISH": ((1, tflite.HardSwishOptionsT(), WHOLE, (0.05, 0), None), "float32"),
    "MAXIMUM": ((2, tflite.MaximumMinimumOptionsT(), WHOLE, (0.05, 0), np.zeros(4, np.float32)), "float32"),
    "RESIZE_NEAREST_NEIGHBOR": (
        (3, tflite.ResizeNearestNeighborOptionsT(halfPixelCenters=True), DOUBLE, (0.05, 0), SIZE),
        "neither",
    ),
}


def network(name: str, row: tuple[Any, ...], kind: int) -> bytes:
    """A .tflite file of one operator on a map of 8×8×4."""
    release, options, shape, ending, constant = row
    tensors = [tflite.TensorT(name="image", shape=list(WHOLE), type=kind, buffer=0)]
    scales, buffers = [(0.05, 0)], [tflite.BufferT()]
    if constant is not None:
        values = constant.astype(np.int8) if kind == BYTE and constant.dtype == np.float32 else constant
        dtype = {"int32": tflite.TensorType.INT32, "int8": BYTE, "float32": FLOAT}[values.dtype.name]
        tensors.append(tflite.TensorT(name="constant", shape=list(values.shape), type=dtype, buffer=1))
        scales.append((0.05, 0))
        buffers.append(tflite.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
    tensors.append(tflite.TensorT(name="answer", shape=list(shape), type=kind, buffer=0))
    scales.append(ending)
    for tensor, (scale, zero) in zip(tensors, scales, strict=True):
        if tensor.type == BYTE:
            tensor.quantization = tflite.QuantizationParametersT(scale=[scale], zeroPoint=[zero])
    table = "NONE" if options is None else type(options).__name__.removesuffix("T")
    last = len(tensors) - 1
    operator = tflite.OperatorT(
        opcodeIndex=0,
        inputs=list(range(last)),
        outputs=[last],
        builtinOptionsType=getattr(tflite.BuiltinOptions, table),
        builtinOptions=options,
    )
    code = getattr(tflite.BuiltinOperator, name)
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=release)],
        subgraphs=[tflite.SubGraphT(name="main", tensors=tensors, inputs=[0], outputs=[last], operators=[operator])],
        buffers=buffers,
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def in_delegate(content: bytes) -> bool:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return any(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())


print(*(f"{name} {version(name)}" for name in ("ai-edge-litert", "numpy")), sep=", ")
print(f"{'operator':24} expected  seen")
changes = []
for name, (row, record) in OPERATORS.items():
    pair = in_delegate(network(name, row, FLOAT)), in_delegate(network(name, row, BYTE))
    words = {(True, True): "both", (True, False): "float32", (False, True): "int8", (False, False): "neither"}[pair]
    print(f"{name:24} both      {words}")
    if words != record:
        changes.append(name)
if changes:
    sys.exit(f"changed: the delegate takes another choice of {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
