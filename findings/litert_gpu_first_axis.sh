#!/usr/bin/env bash
# LiteRT's GPU accelerator takes the first axis for the batch's: a softmax of a vector and rows written into a matrix are wrong
#
# Tool:     LiteRT's GPU accelerator (WebGPU), ai-edge-litert 2.3.0, over the software Vulkan of Debian's chromium. Date: 2026-11-28.
# Expected: SOFTMAX of 8 numbers, DYNAMIC_UPDATE_SLICE of two rows of nine, and a picture plus a constant batch of three pictures
#           answer what the CPU answers, or are refused.
# Seen:     each compiles for the GPU alone without a word and answers something else; with an axis of 1 in front the first two
#           are right.
# Matters:  states of sequence models are matrices that steps write rows into, and graphs that other frameworks export hold
#           vectors. Give them an axis of 1 in front, and compare numbers: that a file compiles proves nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.compiled_model import CompiledModel, GpuOptions, Options
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.interpreter import Interpreter

FOLDER, RANDOM = Path(sys.argv[1]), np.random.default_rng(0)
TYPES = {"float32": tflite.TensorType.FLOAT32, "int32": tflite.TensorType.INT32}


def network(operator, version, inputs, constants, answer, options=None, kind=0):
    """A file of one operator: its inputs as arrays, the constants behind them, and the answer's shape."""
    tensors, buffers = [], [tflite.BufferT()]
    for place, array in enumerate([*inputs, *constants]):
        if place >= len(inputs):
            buffers.append(tflite.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
        buffer = len(buffers) - 1 if place >= len(inputs) else 0
        shape, dtype = list(array.shape), TYPES[str(array.dtype)]
        tensors.append(tflite.TensorT(name=f"in{place}", shape=shape, type=dtype, buffer=buffer))
    tensors.append(tflite.TensorT(name="out", shape=list(answer), type=TYPES["float32"], buffer=0))
    last = len(tensors) - 1
    entry = tflite.OperatorT(
        opcodeIndex=0, inputs=list(range(last)), outputs=[last], builtinOptions=options, builtinOptionsType=kind
    )
    code = tflite.OperatorCodeT(builtinCode=operator, deprecatedBuiltinCode=min(operator, 127), version=version)
    graph = tflite.SubGraphT(
        name="main", tensors=tensors, inputs=list(range(len(inputs))), outputs=[last], operators=[entry]
    )
    maps = [tflite.TensorMapT(name=f"in{place}", tensorIndex=place) for place in range(len(inputs))]
    signature = tflite.SignatureDefT(
        inputs=maps, outputs=[tflite.TensorMapT(name="out", tensorIndex=last)], signatureKey="serving_default"
    )
    model = tflite.ModelT(
        version=3, operatorCodes=[code], subgraphs=[graph], buffers=buffers, signatureDefs=[signature]
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def softmax(*shape):
    options = tflite.SoftmaxOptionsT(beta=1.0)
    x = [normal(*shape)]
    return x, network(tflite.BuiltinOperator.SOFTMAX, 1, x, [], shape, options, tflite.BuiltinOptions.SoftmaxOptions)


def written(*front):
    x = [normal(*front, 9, 6), normal(*front, 2, 6), np.array([0] * len(front) + [3, 0], np.int32)]
    return x, network(tflite.BuiltinOperator.DYNAMIC_UPDATE_SLICE, 1, x, [], (*front, 9, 6))


def added():
    x = [normal(1, 5, 7, 6)]
    options = tflite.AddOptionsT()
    kind = tflite.BuiltinOptions.AddOptions
    return x, network(tflite.BuiltinOperator.ADD, 1, x, [normal(3, 5, 7, 6)], (3, 5, 7, 6), options, kind)


def on_cpu(data, feed):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), feed, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def on_gpu(name, data, feed, shape):
    path = FOLDER / f"{name}.tflite"
    path.write_bytes(data)
    options = Options(hardware_accelerators=HardwareAccelerator.GPU, gpu_options=GpuOptions(enforce_f32=True))
    model = CompiledModel.from_file(str(path), options=options)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    for buffer, array in zip(inputs, feed, strict=True):
        buffer.write(array)
    model.run_by_index(0, inputs, outputs)
    return outputs[0].read(int(np.prod(shape)), np.float32).reshape(shape)


CASES = {  # name → the graph, and whether the GPU is right
    "softmax of (8,)": (softmax(8), False),
    "softmax of (1, 8)": (softmax(1, 8), True),
    "rows into (9, 6)": (written(), False),
    "rows into (1, 9, 6)": (written(1), True),
    "(1, 5, 7, 6) plus a constant (3, 5, 7, 6)": (added(), False),
}
changed = []
print(f"{'graph':42} {'expected':>9} {'seen, off by':>13}")
for place, (name, ((feed, data), right)) in enumerate(CASES.items()):
    expected = on_cpu(data, feed)
    off = float(np.abs(on_gpu(str(place), data, feed, expected.shape) - expected).max() / np.abs(expected).max())
    print(f"{name:42} {0:9} {off:13.2g}")
    if (off < 1e-3) != right:
        changed.append(name)
if changed:
    sys.exit(f"changed: {', '.join(changed)}")
END
chromium=$(dirname "$(ls /usr/lib/chromium/vk_swiftshader_icd.json)")
export VK_ICD_FILENAMES="$chromium/vk_swiftshader_icd.json" LD_LIBRARY_PATH="$chromium"
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder" 2>"$folder/log" || { grep -v "^\(INFO\|WARNING\|I0\|W0\)" "$folder/log" | tail -5; exit 1; }
