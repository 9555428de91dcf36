#!/usr/bin/env bash
# A 1×1 pool behind RELU6 and RELU is left unwritten by LiteRT's XNNPACK
#
# Tool:     LiteRT's CPU runtime, ai-edge-litert 2.3.0, XNNPACK by default. Date: 2026-11-28.
# Expected: RELU6, RELU and an average or maximum over windows of 1×1 at stride 1 answer what RELU6 answers.
# Seen:     with XNNPACK the answer is whatever lay in that memory, from nothing to 10³⁶ or not a number, and no error; the
#           built-in kernels are right. With one ReLU before the pool, or with another operator for it, XNNPACK is right, too.
# Matters:  blocks with a stride, a window or a pooling "of one" are what scaled networks and searches are made of. Leave out
#           pools of one value, and one of two ReLUs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SHAPE = [1, 6, 1, 3]
CODES = tflite.BuiltinOperator
OPTIONS = tflite.BuiltinOptions.Pool2DOptions


def network(*codes: int) -> bytes:
    """A .tflite file: operators in a row, pools of them over one value."""
    tensors = [tflite.TensorT(name=f"tensor{at}", shape=SHAPE, type=tflite.TensorType.FLOAT32, buffer=0) for at in range(9)]
    operators = [tflite.OperatorT(opcodeIndex=at, inputs=[at], outputs=[at + 1]) for at in range(len(codes))]
    for operator, code in zip(operators, codes, strict=True):
        if code in (CODES.AVERAGE_POOL_2D, CODES.MAX_POOL_2D):
            operator.builtinOptionsType = OPTIONS
            operator.builtinOptions = tflite.Pool2DOptionsT(strideW=1, strideH=1, filterWidth=1, filterHeight=1)
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1) for code in codes],
        subgraphs=[
            tflite.SubGraphT(
                name="main", tensors=tensors[: len(codes) + 1], inputs=[0], outputs=[len(codes)], operators=operators
            )
        ],
        buffers=[tflite.BufferT()],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def answers(content: bytes, kernels: OpResolverType) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two pictures, and what the network answers."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (start,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for picture in np.random.default_rng(0).normal(0, 4, (2, *SHAPE)).astype(np.float32):
        interpreter.set_tensor(start["index"], picture)
        interpreter.invoke()
        results.append((picture, interpreter.get_tensor(end["index"])))
    return results


def right(*codes: int, kernels: OpResolverType = OpResolverType.AUTO) -> bool:
    """Whether both answers are the pictures between 0 and 6, or from 0 on where there is no RELU6."""
    most = 6 if CODES.RELU6 in codes else None
    return all(np.array_equal(answer, picture.clip(0, most)) for picture, answer in answers(network(*codes), kernels))


print(*(f"{name} {version(name)}" for name in ("ai-edge-litert", "numpy")), sep=", ")
as_noted = True
for name, pool in (("AVERAGE_POOL_2D", CODES.AVERAGE_POOL_2D), ("MAX_POOL_2D", CODES.MAX_POOL_2D)):
    both = (CODES.RELU6, CODES.RELU, pool)
    plain = right(*both, kernels=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    xnnpack, single, none = right(*both), right(CODES.RELU6, pool), right(CODES.RELU6, CODES.RELU)
    print(f"RELU6, RELU, {name} of 1×1: expected right with either kernels; seen built-in {plain}, XNNPACK {xnnpack}")
    print(f"  with XNNPACK without the RELU: {single}; without the pool: {none}")
    as_noted = as_noted and (plain, xnnpack, single, none) == (True, False, True, True)
if not as_noted:
    sys.exit("changed: XNNPACK now writes what comes out of a 1×1 pool behind two ReLUs, or is wrong elsewhere")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
