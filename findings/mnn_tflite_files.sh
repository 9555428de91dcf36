#!/usr/bin/env bash
# MNN reads .tflite files and answers wrongly: transposed convolutions, nearest resizing, padding, depth multipliers
#
# Tool:     MNN 3.6.1, its converter (-f TFLITE) and its runtime on the CPU in float32. Date: 2026-11-28.
# Expected: what LiteRT answers for the same file, or an error.
# Seen:     no error, and
#           - TRANSPOSE_CONV: the bias is left out; with output channels that are no multiple of 4 all of it is wrong;
#           - RESIZE_NEAREST_NEIGHBOR with half-pixel centres, which TensorFlow 2 writes, takes other pixels, at a plain doubling too;
#           - MIRROR_PAD: the border is another one;
#           - DEPTHWISE_CONV_2D with a depth multiplier of 3: nothing of it is right; with 1 it is;
#           - converted with --keepInputFormat, whether 0 or 1, PAD before MAX_POOL_2D pads columns and channels in place of rows
#             and columns; without that option it is right.
#           CONV_2D (dilated and padded ones too) and bilinear resizing agree to 1e-5, so that a classifier finds nothing wrong.
# Matters:  decoders are made of these: U-Net's and FCN's transposed convolutions, nearest resizing; the padded pooling is the entry
#           of ResNets. Compare with LiteRT before believing a mask.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    MNN==3.6.1 ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _tools  # MNN's converter, without the start of its command line, which calls pip
import flatbuffers
import MNN.expr
import MNN.nn
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.normal(size=(1, 8, 8, 8)).astype(np.float32)
PADS = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
FOLDER = Path(tempfile.mkdtemp())

# In front of every network: what the operator asked about is given then has MNN's own layout, as inside a real network.
OPTIONS = tflite.Conv2DOptionsT(padding=SAME, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
FIRST = ("CONV_2D", OPTIONS, [np.eye(8, dtype=np.float32).reshape(8, 1, 1, 8), np.zeros(8, np.float32)], (1, 8, 8, 8), False)

Step = tuple[str, Any, list[np.ndarray], tuple[int, ...], bool]  # operator, options, constants, shape, constants come first


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def network(*steps: Step) -> bytes:
    """A float .tflite file of operators in a row."""
    tensors, buffers, codes, operators = [], [tflite.BufferT()], [], []

    def tensor(name: str, shape: tuple[int, ...], array: np.ndarray | None = None) -> int:
        kind = tflite.TensorType.INT32 if array is not None and array.dtype == np.int32 else tflite.TensorType.FLOAT32
        if array is not None:
            buffers.append(tflite.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
        place = 0 if array is None else len(buffers) - 1
        empty = tflite.QuantizationParametersT()  # as TensorFlow's converter writes it
        tensors.append(tflite.TensorT(name=name, shape=list(shape), type=kind, buffer=place, quantization=empty))
        return len(tensors) - 1

    current = first = tensor("image", IMAGE.shape)
    for at, (name, options, constants, shape, before) in enumerate([FIRST, *steps]):
        code = getattr(tflite.BuiltinOperator, name)
        fixed = [tensor(f"constant{at}_{place}", array.shape, array) for place, array in enumerate(constants)]
        inputs = [*fixed[:2], current, *fixed[2:]] if before else [current, *fixed]
        current = tensor(f"map{at}", shape)
        codes.append(tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=3 if before and fixed[2:] else 1))
        kind = 0 if options is None else getattr(tflite.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operators.append(
            tflite.OperatorT(
                opcodeIndex=at, inputs=inputs, outputs=[current], builtinOptionsType=kind, builtinOptions=options
            )
        )
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=[first], outputs=[current], operators=operators)
    builder = flatbuffers.Builder()
    builder.Finish(tflite.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers).Pack(builder), b"TFL3")
    return bytes(builder.Output())


def transposed(channels: int, bias: np.ndarray | None) -> bytes:
    shape = (1, 16, 16, channels)
    options = tflite.TransposeConvOptionsT(padding=SAME, strideW=2, strideH=2)
    constants = [np.array(shape, np.int32), normal(channels, 4, 4, 8), *([] if bias is None else [bias])]
    return network(("TRANSPOSE_CONV", options, constants, shape, True))


def resized(name: str, options: Any) -> bytes:
    return network((name, options, [np.array([16, 16], np.int32)], (1, 16, 16, 8), False))


def depthwise(multiplier: int) -> bytes:
    options = tflite.DepthwiseConv2DOptionsT(
        padding=SAME, strideW=1, strideH=1, depthMultiplier=multiplier, dilationWFactor=1, dilationHFactor=1
    )
    channels = 8 * multiplier
    return network(
        ("DEPTHWISE_CONV_2D", options, [normal(1, 3, 3, channels), normal(channels)], (1, 8, 8, channels), False)
    )


def padded(name: str, options: Any, constants: list[np.ndarray], side: int) -> bytes:
    pad = ("PAD", tflite.PadOptionsT(), [PADS], (1, 10, 10, 8), False)
    return network(pad, (name, options, constants, (1, side, side, 8), False))


def convolution(padding: int, dilation: int, channels: int = 8) -> tuple[Any, list[np.ndarray]]:
    options = tflite.Conv2DOptionsT(
        padding=padding, strideW=1, strideH=1, dilationWFactor=dilation, dilationHFactor=dilation
    )
    return options, [normal(channels, 3, 3, 8), normal(channels)]


def right_answer(content: bytes) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def their_answer(content: bytes, output: str, *options: str) -> np.ndarray:
    (FOLDER / "in.tflite").write_bytes(content)
    paths = ["--modelFile", str(FOLDER / "in.tflite"), "--MNNModel", str(FOLDER / "out.mnn")]
    _tools.mnnconvert(["convert", "-f", "TFLITE", *paths, "--bizCode", "x", *options])
    net = MNN.nn.load_module_from_file(str(FOLDER / "out.mnn"), ["image"], [output])
    image = MNN.expr.const(IMAGE.copy(), list(IMAGE.shape), MNN.expr.NHWC, MNN.expr.float)
    return np.array(MNN.expr.convert(net.forward([image])[0], MNN.expr.NHWC).read())


def difference(right: np.ndarray, answer: np.ndarray) -> float:
    """The largest one over the largest value; infinite for another number of values."""
    if answer.size != right.size:
        return float("inf")
    return float(np.abs(right - answer.reshape(right.shape)).max() / np.abs(right).max())


BIAS = np.arange(1, 9, dtype=np.float32)
POOL = tflite.Pool2DOptionsT(padding=VALID, strideW=2, strideH=2, filterWidth=3, filterHeight=3)
NEAREST = tflite.ResizeNearestNeighborOptionsT(alignCorners=False, halfPixelCenters=True)
BILINEAR = tflite.ResizeBilinearOptionsT(alignCorners=False, halfPixelCenters=True)
same, dilated, valid, five = convolution(SAME, 1), convolution(SAME, 2), convolution(VALID, 1), convolution(SAME, 1, 5)
POOLED = padded("MAX_POOL_2D", POOL, [], 4)
# name → file, its output's name, whether MNN was right
CASES = {
    "convolution": (network(("CONV_2D", *same, (1, 8, 8, 8), False)), "map1", True),
    "convolution to 5 channels": (network(("CONV_2D", *five, (1, 8, 8, 5), False)), "map1", True),
    "dilated convolution": (network(("CONV_2D", *dilated, (1, 8, 8, 8), False)), "map1", True),
    "padded convolution": (padded("CONV_2D", *valid, 8), "map2", True),
    "bilinear resizing": (resized("RESIZE_BILINEAR", BILINEAR), "map1", True),
    "depthwise convolution": (depthwise(1), "map1", True),
    "transposed convolution to 8 channels": (transposed(8, None), "map1", True),
    "the same with a bias": (transposed(8, BIAS), "map1", False),
    "transposed convolution to 5 channels": (transposed(5, None), "map1", False),
    "nearest resizing": (resized("RESIZE_NEAREST_NEIGHBOR", NEAREST), "map1", False),
    "padded pooling": (POOLED, "map2", True),
    "mirrored padding": (
        network(("MIRROR_PAD", tflite.MirrorPadOptionsT(mode=tflite.MirrorPadMode.REFLECT), [PADS], (1, 10, 10, 8), False)),
        "map1",
        False,
    ),
    "depth multiplier of 3": (depthwise(3), "map1", False),
}
lines, changes = [], []
for name, (content, output, was_right) in CASES.items():
    right, answer = right_answer(content), their_answer(content, output)
    off = difference(right, answer)
    lines.append(f"  {name}: {off:.1e}; shapes {right.shape} and {answer.shape}")
    if (off < 1e-3) != was_right:
        changes.append(name)
    if name == "the same with a bias" and difference(right, answer + BIAS) > 1e-3:
        changes.append(f"{name}: it is not only missing")
for value in "01":
    answer = their_answer(POOLED, "map2", "--keepInputFormat", value)
    lines.append(f"  padded pooling, converted with --keepInputFormat {value}: shape {answer.shape}")
    if answer.shape != (1, 3, 4, 10):
        changes.append(f"--keepInputFormat {value}")
print(*(f"{name} {version(name)}" for name in ("MNN", "ai-edge-litert", "numpy")), sep=", ")
print("expected: differences from LiteRT below 1e-3 of the largest value; seen:")
print(*lines, sep="\n")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" 2>&1 | grep -v -E '^(The device supports|Start to|Converted Success|inputTensors|outputTensors|main, |The model has|\[|Convert Model|$)'
