#!/usr/bin/env bash
# Arm's converter of .tflite files to TOSA rounds where CAST cuts off, and resizes by other pixels
#
# Tool:     tosa-converter-for-tflite 2026.2.0, run by tosa-tools 2026.8.0's reference model. Date: 2026-11-28.
# Expected: what LiteRT answers for the same file, or an error: CAST of 1.6 to int32 is 1, of -1.6 is -1.
# Seen:     no error, and
#           - CAST of float32 to int32 becomes TOSA's cast, which rounds: 1.6 becomes 2;
#           - RESIZE_NEAREST_NEIGHBOR without half-pixel centres takes other pixels, at a plain doubling too. With half-pixel centres
#             it is right.
# Matters:  indices that a network computes (warping by a flow, embeddings of numbers) are cast: the neighbour is gathered, and the
#           picture is shifted by half a pixel. Write FLOOR before CAST where numbers are not negative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    tosa-converter-for-tflite==2026.2.0 tosa-tools==2026.8.0 ai-edge-litert==2.3.0 numpy==2.1.3

cat >"$folder/program.py" <<'END'
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tosa_converter_for_tflite
import tosa_reference_model
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

IMAGE = np.random.default_rng(0).normal(0, 3, size=(1, 9, 7, 2)).astype(np.float32)
FOLDER = Path(sys.argv[1])
TYPES = {"float32": tflite.TensorType.FLOAT32, "int32": tflite.TensorType.INT32}


def network(steps: list[tuple[str, Any, tuple[int, ...], str]], *constants: np.ndarray) -> bytes:
    """Operators in a row, each with its options, its output's shape and type; the last of them reads the constants too."""
    tensors = [tflite.TensorT(name="image", shape=list(IMAGE.shape), type=TYPES["float32"])]
    tensors += [
        tflite.TensorT(name=f"map{at}", shape=list(shape), type=TYPES[dtype]) for at, (*_, shape, dtype) in enumerate(steps)
    ]
    buffers, operators, codes = [tflite.BufferT()], [], []
    for at, (name, options, *_) in enumerate(steps):
        code = getattr(tflite.BuiltinOperator, name)
        codes.append(tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=3 if constants else 1))
        kind = 0 if options is None else getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operators.append(
            tflite.OperatorT(opcodeIndex=at, inputs=[at], outputs=[at + 1], builtinOptionsType=kind, builtinOptions=options)
        )
    for value in constants:
        buffers.append(tflite.BufferT(data=np.frombuffer(value.tobytes(), np.uint8)))
        operators[-1].inputs.append(len(tensors))
        tensors.append(
            tflite.TensorT(name="constant", shape=list(value.shape), type=TYPES[value.dtype.name], buffer=len(buffers) - 1)
        )
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=[0], outputs=[len(steps)], operators=operators)
    builder = flatbuffers.Builder()
    builder.Finish(tflite.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers).Pack(builder), b"TFL3")
    return bytes(builder.Output())


def cast(*before: str) -> bytes:
    steps = [(name, None, IMAGE.shape, "float32") for name in before]
    return network([*steps, ("CAST", tflite.CastOptionsT(), IMAGE.shape, "int32")])


def resized(half_pixel: bool, height: int, width: int) -> bytes:
    options = tflite.ResizeNearestNeighborOptionsT(alignCorners=False, halfPixelCenters=half_pixel)
    size = np.array([height, width], np.int32)
    return network([("RESIZE_NEAREST_NEIGHBOR", options, (1, height, width, 2), "float32")], size)


def answers(content: bytes, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What LiteRT and what TOSA's reference model say."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    file, converted, written = (FOLDER / name for name in ("model.tflite", "model.mlirbc", "model.tosa"))
    file.write_bytes(content)
    tosa_converter_for_tflite.tflite_flatbuffer_to_tosa_mlir(str(file), str(converted))
    program = Path(sys.executable).with_name("tosa-opt")
    options = ["--tosa-serialize", f"--tosa-flatbuffer-filename={written}", "-o", os.devnull]
    subprocess.run([program, converted, *options], check=True)
    results, _ = tosa_reference_model.run(written.read_bytes(), [image])
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), results[0]


POSITIVE = np.abs(IMAGE)
# name → file, image, whether TOSA was right
CASES = {
    "CAST": (cast(), IMAGE, False),
    "FLOOR and CAST": (cast("FLOOR"), POSITIVE, True),
    "nearest resizing 9×7 to 18×14": (resized(False, 18, 14), IMAGE, False),
    "nearest resizing 9×7 to 23×17": (resized(False, 23, 17), IMAGE, False),
    "nearest resizing 9×7 to 23×17, half-pixel": (resized(True, 23, 17), IMAGE, True),
}
names = ("tosa-converter-for-tflite", "tosa-tools", "ai-edge-litert", "numpy")
print(*(f"{name} {version(name)}" for name in names), sep=", ")
print("expected: LiteRT's numbers; seen:")
changes = []
for name, (content, image, was_right) in CASES.items():
    right, answer = answers(content, image)
    share = float((right != answer).mean())
    print(f"  {name}: {share:.0%} of the numbers are others")
    if (share == 0) != was_right:
        changes.append(name)
    if name == "CAST" and not np.array_equal(answer, np.rint(image)):
        changes.append("CAST: it does not round")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder"
