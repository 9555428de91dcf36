#!/usr/bin/env bash
# A large bias beside 16-bit activations wraps around in ai-edge-quantizer
#
# Tool:     ai-edge-quantizer 0.10.0, recipe static_wi8_ai16 (weights of 8 bits, activations of 16). Date: 2026-11-28.
# Expected: a bias of 6.0 is 2,496,845,430 steps here. The file stores biases in 64 bits, where it fits; were it held to
#           32 bits, it would end at 2,147,483,647, which is 5.16.
# Seen:     the file says -2,147,483,648, which is -5.16. The channel answers 0 behind its ReLU instead of 6. NumPy warns of
#           an "invalid value encountered in cast" on x86; nothing is raised.
# Why:      the quantizer clips in float32, where 2^31 - 1 is rounded to 2^31, and then casts to int32. What a cast out of
#           range gives is the processor's choice, so that one script can write different files on x86 and on ARM.
# Matters:  16-bit activations are what one takes where 8 bits are too coarse for depth, flow or restoration. A step of a
#           bias is step of input × step of weight; small weights (0.01) and ordinary biases (6) are enough. Look for
#           biases of -2^31 in the file, or fold less into them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    ai-edge-quantizer==0.10.0 ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe


def convolution(weights: np.ndarray, bias: np.ndarray) -> bytes:
    """A float .tflite file of one 1×1 convolution with ReLU."""
    channels = len(bias)
    rows = [
        ("image", [1, 8, 8, 3], 0),
        ("weights", list(weights.shape), 1),
        ("bias", [channels], 2),
        ("scores", [1, 8, 8, channels], 0),
    ]
    options = tflite.Conv2DOptionsT(
        padding=tflite.Padding.VALID, strideW=1, strideH=1, fusedActivationFunction=tflite.ActivationFunctionType.RELU
    )
    operator = tflite.OperatorT(
        opcodeIndex=0,
        inputs=[0, 1, 2],
        outputs=[3],
        builtinOptionsType=tflite.BuiltinOptions.Conv2DOptions,
        builtinOptions=options,
    )
    code = tflite.BuiltinOperator.CONV_2D
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1)],
        subgraphs=[
            tflite.SubGraphT(
                name="main",
                tensors=[tflite.TensorT(name=name, shape=shape, buffer=buffer) for name, shape, buffer in rows],
                inputs=[0],
                outputs=[3],
                operators=[operator],
            )
        ],
        buffers=[tflite.BufferT()]
        + [tflite.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)) for array in (weights, bias)],
        signatureDefs=[
            tflite.SignatureDefT(
                inputs=[tflite.TensorMapT(name="image", tensorIndex=0)],
                outputs=[tflite.TensorMapT(name="scores", tensorIndex=3)],
                signatureKey="serving_default",
                subgraphIndex=0,
            )
        ],
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def load(content: bytes) -> Interpreter:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return interpreter


def means(interpreter: Interpreter, image: np.ndarray) -> np.ndarray:
    """The mean answer of each channel; quantized ends are converted here."""
    (start,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    steps = [details["quantization"][0] or 1.0 for details in (start, end)]
    numbers = image / np.float32(steps[0])
    if start["dtype"] != np.float32:
        numbers = np.round(numbers)
    interpreter.set_tensor(start["index"], numbers.astype(start["dtype"]))
    interpreter.invoke()
    return (interpreter.get_tensor(end["index"]) * steps[1]).mean((0, 1, 2))


image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
image.flat[0] = 1.0
bias = np.array([0.5, 5.0, 6.0], np.float32)
content = convolution(np.full((3, 1, 1, 3), 0.01, np.float32), bias)

work = quantizer.Quantizer(bytearray(content), recipe.static_wi8_ai16())
statistics = work.calibrate({"serving_default": [{"image": image}]})
network = load(bytes(work.quantize(statistics).quantized_model))
(row,) = (row for row in network.get_tensor_details() if row["name"] == "bias")
quanta = network.get_tensor(row["index"]).ravel()
right, answer = means(load(content), image), means(network, image)

print(*(f"{name} {version(name)}" for name in ("ai-edge-quantizer", "ai-edge-litert", "numpy")), sep=", ")
steps = np.round(bias / row["quantization_parameters"]["scales"].astype(float)).astype(np.int64)
print(f"bias:     {bias}")
print(f"expected: {steps} in the file, answers {right.round(2)}")
print(f"seen:     {quanta} in the file ({row['dtype'].__name__}), answers {answer.round(2)}")
if not (quanta[2] == -(2**31) and answer[2] == 0 and np.allclose(answer[:2], right[:2], atol=0.01)):
    sys.exit("changed: the large bias no longer becomes -2^31")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
