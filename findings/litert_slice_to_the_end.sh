#!/usr/bin/env bash
# SLICE with size -1 ("to the end") is left out by LiteRT's XNNPACK and cuts the network in two
#
# Tool:     LiteRT's CPU runtime, ai-edge-litert 2.3.0, XNNPACK by default. Date: 2026-11-28.
# Expected: a SLICE whose sizes are [-1, -1, -1, 2] runs as the one whose sizes are [1, 64, 64, 2]: shapes are fixed, both
#           say the same, the answers are equal.
# Seen:     with sizes written out the whole network is one part of the delegate. With -1, XNNPACK leaves the operator to
#           the built-in kernels, and the network becomes two parts with an island between, in float32 and in int8.
# Matters:  croppings, splits of channels and decoders that cut a map come out of converters with -1 wherever a size was
#           open. Nothing says so: the answers are right and the network is slower. Write sizes out once they are known.
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
from ai_edge_litert.interpreter import Interpreter

SIDE = 64


def network(sizes: list[int], kind: int) -> bytes:
    """A .tflite file: LOGISTIC, SLICE to the first two of four channels, TANH."""
    whole, part = [1, SIDE, SIDE, 4], [1, SIDE, SIDE, 2]
    scales = [(0.05, 0), (1 / 256, -128), (1 / 256, -128), (1 / 128, 0)]  # those that 8-bit kernels prescribe
    tensors = [
        tflite.TensorT(name=name, shape=shape, type=kind, buffer=0)
        for name, shape in (("image", whole), ("scores", whole), ("cut", part), ("answer", part))
    ]
    if kind == tflite.TensorType.INT8:
        for tensor, (scale, zero) in zip(tensors, scales, strict=True):
            tensor.quantization = tflite.QuantizationParametersT(scale=[scale], zeroPoint=[zero])
    integer = tflite.TensorType.INT32
    tensors += [
        tflite.TensorT(name=name, shape=[4], type=integer, buffer=at) for at, name in ((1, "begin"), (2, "size"))
    ]
    steps = [
        (tflite.BuiltinOperator.LOGISTIC, [0], [1], 0, None),
        (tflite.BuiltinOperator.SLICE, [1, 4, 5], [2], tflite.BuiltinOptions.SliceOptions, tflite.SliceOptionsT()),
        (tflite.BuiltinOperator.TANH, [2], [3], 0, None),
    ]
    model = tflite.ModelT(
        version=3,
        operatorCodes=[
            tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=2) for code, *_ in steps
        ],
        subgraphs=[
            tflite.SubGraphT(
                name="main",
                tensors=tensors,
                inputs=[0],
                outputs=[3],
                operators=[
                    tflite.OperatorT(
                        opcodeIndex=at, inputs=ins, outputs=outs, builtinOptionsType=table, builtinOptions=options
                    )
                    for at, (_, ins, outs, table, options) in enumerate(steps)
                ],
            )
        ],
        buffers=[tflite.BufferT()]
        + [
            tflite.BufferT(data=np.frombuffer(np.array(values, np.int32).tobytes(), np.uint8))
            for values in ([0, 0, 0, 0], sizes)
        ],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def parts(content: bytes) -> tuple[int, np.ndarray]:
    """The parts that the delegate took, and the network's answer."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    count = sum(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())
    (start,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    image = np.random.default_rng(0).normal(0, 40, start["shape"]).clip(-100, 100).astype(start["dtype"])
    interpreter.set_tensor(start["index"], image)
    interpreter.invoke()
    return count, interpreter.get_tensor(end["index"])


print(*(f"{name} {version(name)}" for name in ("ai-edge-litert", "numpy")), sep=", ")
as_noted = True
for kind in (tflite.TensorType.FLOAT32, tflite.TensorType.INT8):
    plain, answer = parts(network([1, SIDE, SIDE, 2], kind))
    ends, same = parts(network([-1, -1, -1, 2], kind))
    equal = np.array_equal(answer, same)
    print(
        f"{answer.dtype}: expected {plain} delegated part with either; seen {plain} with sizes written out, {ends} with -1"
    )
    print(f"  answers equal: {equal}")
    as_noted = as_noted and (plain, ends, equal) == (1, 2, True)
if not as_noted:
    sys.exit("changed: -1 no longer cuts the network in two, or the answers are no longer equal")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
