#!/usr/bin/env bash
# An activation inside of an operator is left out by LiteRT's CPU runtime: TANH of all, any of a CONCATENATION
#
# Tool:     LiteRT's CPU runtime, ai-edge-litert 2.3.0, with XNNPACK (the default) and without. Date: 2026-11-28.
# Expected: the schema gives operators a fused_activation_function: NONE, RELU, RELU_N1_TO_1, RELU6, TANH or SIGN_BIT. What
#           a runtime cannot compute it refuses, as FULLY_CONNECTED with TANH is refused by both.
# Seen:     of ADD, MUL, CONV_2D and MAX_POOL_2D, TANH is left out by both: ADD answers x + y. Of a CONCATENATION, RELU is
#           left out by XNNPACK; the built-in kernels refuse that file, so the same file runs or does not by the delegate.
# Matters:  who writes .tflite files, or fuses operators in them, gets a file that loads, runs and answers without the
#           activation. Keep TANH an operator of its own, and an activation behind a CONCATENATION too.
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

MAP = [1, 4, 4, 2]
RANDOM = np.random.default_rng(0)
INPUTS = [RANDOM.normal(size=MAP).astype(np.float32) for _ in range(2)]
KERNEL = np.eye(2, dtype=np.float32)  # of a point or a row: what goes in comes out
ACTIVATIONS = {
    "RELU": (tflite.ActivationFunctionType.RELU, lambda x: np.maximum(x, 0)),
    "RELU6": (tflite.ActivationFunctionType.RELU6, lambda x: np.clip(x, 0, 6)),
    "TANH": (tflite.ActivationFunctionType.TANH, np.tanh),
}
POINT = {"strideH": 1, "strideW": 1, "padding": tflite.Padding.VALID}
# Operator → its options' table, fields, a constant among its inputs or none, the shapes of its inputs, its plain answer.
OPERATORS = {
    "ADD": ("AddOptions", {}, None, [MAP, MAP], lambda x, y: x + y),
    "MUL": ("MulOptions", {}, None, [MAP, MAP], lambda x, y: x * y),
    "CONV_2D": ("Conv2DOptions", POINT, KERNEL.reshape(2, 1, 1, 2), [MAP], lambda x: x),
    "MAX_POOL_2D": ("Pool2DOptions", {**POINT, "filterHeight": 1, "filterWidth": 1}, None, [MAP], lambda x: x),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {}, KERNEL, [[16, 2]], lambda x: x),
    "CONCATENATION": ("ConcatenationOptions", {"axis": 3}, None, [MAP, MAP], lambda x, y: np.concatenate((x, y), 3)),
}


def network(name: str, activation: int) -> tuple[bytes, list[np.ndarray], np.ndarray]:
    """A .tflite file of one operator, its inputs, and its answer without an activation."""
    table, fields, constant, shapes, plain = OPERATORS[name]
    feeds = [values.reshape(shape) for values, shape in zip(INPUTS, shapes, strict=False)]
    answer = plain(*feeds)
    options = getattr(tflite, f"{table}T")()
    vars(options).update(fields, fusedActivationFunction=activation)
    if name == "CONV_2D":
        options.dilationHFactor = options.dilationWFactor = 1
    tensors = [tflite.TensorT(name=f"x{at}", shape=list(x.shape), buffer=0) for at, x in enumerate(feeds)]
    ends, buffers = list(range(len(feeds))), [tflite.BufferT()]
    for values in () if constant is None else (constant, np.zeros(2, np.float32)):
        buffers.append(tflite.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        tensors.append(tflite.TensorT(name=f"c{len(buffers)}", shape=list(values.shape), buffer=len(buffers) - 1))
    tensors.append(tflite.TensorT(name="answer", shape=list(answer.shape), buffer=0))
    code = getattr(tflite.BuiltinOperator, name)
    operator = tflite.OperatorT(
        opcodeIndex=0,
        inputs=list(range(len(tensors) - 1)),
        outputs=[len(tensors) - 1],
        builtinOptionsType=getattr(tflite.BuiltinOptions, table),
        builtinOptions=options,
    )
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=ends, outputs=[len(tensors) - 1], operators=[operator])
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1)],
        subgraphs=[graph],
        buffers=buffers,
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), feeds, answer


def seen(name: str, activation: str, resolver: OpResolverType) -> str:
    """What becomes of an activation: "right", "left out" or "refused"."""
    number, function = ACTIVATIONS[activation]
    content, feeds, plain = network(name, number)
    try:
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
        interpreter.allocate_tensors()
    except RuntimeError:
        return "refused"
    for detail, values in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    for word, expected in (("right", function(plain)), ("left out", plain)):
        if np.allclose(answer, expected, atol=1e-5):
            return word
    return "wrong"


print(*(f"{name} {version(name)}" for name in ("ai-edge-litert", "numpy")), sep=", ")
RESOLVERS = {"XNNPACK": OpResolverType.AUTO, "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
as_noted = True
for name in OPERATORS:
    for activation in ACTIVATIONS:
        results = {kernels: seen(name, activation, resolver) for kernels, resolver in RESOLVERS.items()}
        print(f"{name} with {activation}: expected right or refused; seen", *(f"{k}: {v}" for k, v in results.items()), sep="  ")
        noted = ("right", "right")
        if activation == "TANH":
            noted = ("refused", "refused") if name == "FULLY_CONNECTED" else ("left out", "left out")
        if name == "CONCATENATION":
            noted = ("left out", "refused")
        as_noted = as_noted and tuple(results.values()) == noted
if not as_noted:
    sys.exit("changed: another set of activations is computed, left out or refused")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
