#!/usr/bin/env bash
# OpenCV's dnn reads .tflite files and answers wrongly: dilated convolutions, softmax over channels, average pooling
#
# Tool:     OpenCV 5.0.0 (opencv-python-headless 5.0.0.93), cv2.dnn.readNetFromTFLite. Date: 2026-11-28.
# Expected: what LiteRT answers for the same file, transposed to N×C×H×W, or an error.
# Seen:     no error, and
#           - CONV_2D with dilation d and SAME padding: the map lies d - 1 pixels off, up and to the left;
#           - SOFTMAX on N×H×W×C: taken over the width instead of over the channels (sums over channels are not 1);
#           - AVERAGE_POOL_2D with SAME padding and stride 1: the border's mean counts the padding's zeros.
#           Undilated and VALID convolutions, MAX_POOL_2D and resizing agree to 1e-4, so a first look finds nothing wrong.
# Matters:  these are DeepLab's and its relatives' blocks. A mask a few pixels off looks plausible and costs points of IoU
#           at every border. Give OpenCV an ONNX file, and compare with LiteRT before believing a score.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    opencv-python-headless==5.0.0.93 ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version
from typing import Any

import cv2
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

SAME = tflite.Padding.SAME
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.normal(size=(1, 16, 16, 4)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(4, 3, 3, 4)).astype(np.float32)


def network(name: str, options: Any, *constants: np.ndarray) -> bytes:
    """A float .tflite file of one operator from 16×16×4 to 16×16×4."""
    shapes = [list(IMAGE.shape), *(list(array.shape) for array in constants), list(IMAGE.shape)]
    last = len(shapes) - 1
    code = getattr(tflite.BuiltinOperator, name)
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1)],
        subgraphs=[
            tflite.SubGraphT(
                name="main",
                tensors=[
                    tflite.TensorT(
                        name=f"tensor{at}",
                        shape=shape,
                        buffer=at if 0 < at < last else 0,
                        quantization=tflite.QuantizationParametersT(),  # empty, as TensorFlow's converter writes it
                    )
                    for at, shape in enumerate(shapes)
                ],
                inputs=[0],
                outputs=[last],
                operators=[
                    tflite.OperatorT(
                        opcodeIndex=0,
                        inputs=list(range(last)),
                        outputs=[last],
                        builtinOptionsType=getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T")),
                        builtinOptions=options,
                    )
                ],
            )
        ],
        buffers=[tflite.BufferT()]
        + [tflite.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)) for array in constants],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def convolution(dilation: int) -> bytes:
    options = tflite.Conv2DOptionsT(
        padding=SAME, strideW=1, strideH=1, dilationWFactor=dilation, dilationHFactor=dilation
    )
    return network("CONV_2D", options, WEIGHTS, np.zeros(4, np.float32))


def pool(name: str) -> bytes:
    return network(name, tflite.Pool2DOptionsT(padding=SAME, strideW=1, strideH=1, filterWidth=3, filterHeight=3))


def answers(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """What LiteRT and what OpenCV say, both as N×C×H×W."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    right = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).transpose(0, 3, 1, 2)
    theirs = cv2.dnn.readNetFromTFLite(np.frombuffer(content, np.uint8))
    theirs.setInput(np.ascontiguousarray(IMAGE.transpose(0, 3, 1, 2)))
    return right, theirs.forward()


def difference(right: np.ndarray, answer: np.ndarray) -> float:
    return float(np.abs(right - answer).max())


print(*(f"{name} {version(name)}" for name in ("opencv-python-headless", "ai-edge-litert", "numpy")), sep=", ")
print("expected: differences from LiteRT below 1e-3; seen:")
checks = {}
for name, content in (("undilated convolution", convolution(1)), ("maximum pooling", pool("MAX_POOL_2D"))):
    checks[name] = difference(*answers(content)) < 1e-3
    print(f"  {name}: {difference(*answers(content)):.1e}")
for dilation in (2, 4):
    right, answer = answers(convolution(dilation))
    off = dilation - 1
    after_shift = difference(right[:, :, 6:12, 6:12], answer[:, :, 6 - off : 12 - off, 6 - off : 12 - off])
    print(
        f"  convolution of dilation {dilation}: {difference(right, answer):.1f}; moved by {off} pixels: {after_shift:.1e}"
    )
    checks[f"dilation {dilation}"] = difference(right, answer) > 1 and after_shift < 1e-3
right, answer = answers(network("SOFTMAX", tflite.SoftmaxOptionsT(beta=1.0)))
sums = [answer.sum(axis) for axis in (1, 3)]
print(
    f"  softmax: {difference(right, answer):.2f}; sums over channels {sums[0].min():.2f} to {sums[0].max():.2f},",
    end=" ",
)
print(f"over the width {sums[1].min():.2f} to {sums[1].max():.2f}")
checks["softmax"] = difference(right, answer) > 0.1 and bool(np.allclose(sums[1], 1, atol=1e-4))
right, answer = answers(pool("AVERAGE_POOL_2D"))
inner = difference(right[:, :, 1:-1, 1:-1], answer[:, :, 1:-1, 1:-1])
corner = float(answer[0, 0, 0, 0] / right[0, 0, 0, 0])
print(f"  average pooling: {difference(right, answer):.2f}, inside {inner:.1e};", end=" ")
print(f"the corner is {corner:.3f} of what is right (4/9)")
checks["average pooling"] = inner < 1e-3 and abs(corner - 4 / 9) < 1e-3
changes = [name for name, same in checks.items() if not same]
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
