#!/usr/bin/env bash
# TensorFlow Lite Micro computes an int8 RELU6 of its own with its input's scale, whatever its output's is
#
# Tool:     tflite-micro 0.dev20261023182759, its Python interpreter with the reference kernels. Date: 2026-11-28.
# Expected: what LiteRT answers for the same file, to a step: an int8 RELU6 takes numbers of one scale and gives them in another,
#           as TensorFlow's own quantizer writes it (its output ends at 6, its input seldom does).
# Seen:     no error; integers are cut at 0 and 6 of the input's scale and handed on as they are. With the input's scale twice the
#           output's, what should be 0 to 6 reads as 3 to 6. RELU and LEAKY_RELU of the same scales are right, and so is RELU6 where
#           both scales are one.
# Matters:  a RELU6 fused into a convolution is no operator and is right; it stands by itself where its input has a second reader
#           (a skip connection) or behind an ADD of MobileNet-like blocks. Write RELU6 so that both scales are one, or do without.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    tflite-micro==0.dev20261023182759 ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter
from tflite_micro.python.tflite_micro import runtime

IMAGE = np.arange(-128, 128, dtype=np.int8).reshape(1, 8, 8, 4)


def network(name: str, options: Any, scale: float, zero: int) -> bytes:
    """One operator from int8 with scale 0.047 and zero point 0 to int8 with these."""
    code = getattr(tflite.BuiltinOperator, name)
    kind = 0 if options is None else getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T"))
    tensors = [
        tflite.TensorT(
            name=end,
            shape=list(IMAGE.shape),
            type=tflite.TensorType.INT8,
            quantization=tflite.QuantizationParametersT(scale=[step], zeroPoint=[middle]),
        )
        for end, step, middle in (("image", 0.047, 0), ("map", scale, zero))
    ]
    graph = tflite.SubGraphT(
        name="main",
        tensors=tensors,
        inputs=[0],
        outputs=[1],
        operators=[tflite.OperatorT(opcodeIndex=0, inputs=[0], outputs=[1], builtinOptionsType=kind, builtinOptions=options)],
    )
    codes = [tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=2)]
    builder = flatbuffers.Builder()
    builder.Finish(
        tflite.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=[tflite.BufferT()]).Pack(builder), b"TFL3"
    )
    return bytes(builder.Output())


def answers(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """What LiteRT and what the micro interpreter say, as integers."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    micro = runtime.Interpreter.from_bytes(content, arena_size=100_000)
    micro.set_input(IMAGE, 0)
    micro.invoke()
    right = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return right.astype(int).ravel(), np.array(micro.get_output(0)).astype(int).ravel()


HALF = (0.0235, -128)  # 0 to 6 in 255 steps, as a quantizer chooses it behind a RELU6
# operator → file, whether the micro interpreter was right
CASES = {
    "RELU, other scales": (network("RELU", None, *HALF), True),
    "LEAKY_RELU, other scales": (network("LEAKY_RELU", tflite.LeakyReluOptionsT(alpha=0.1), 0.03, -20), True),
    "RELU6, one scale": (network("RELU6", None, 0.047, 0), True),
    "RELU6, other scales": (network("RELU6", None, *HALF), False),
}
print(*(f"{name} {version(name)}" for name in ("tflite-micro", "ai-edge-litert", "numpy")), sep=", ")
print("expected: integers within 1 of LiteRT's; seen:")
changes = []
for name, (content, was_right) in CASES.items():
    right, answer = answers(content)
    print(f"  {name}: up to {np.abs(right - answer).max()} apart; of the largest input {right[-1]} and {answer[-1]}")
    if (np.abs(right - answer).max() <= 1) != was_right:
        changes.append(name)
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
