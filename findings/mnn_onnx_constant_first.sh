#!/usr/bin/env bash
# MNN adds a constant of shape 1×1×1×1 to a convolution's map wrongly where the constant is the first operand
#
# Tool:     MNN 3.6.1, its converter (-f ONNX) and its runtime on the CPU in float32. Date: 2026-11-28.
# Expected: what ONNX Runtime answers: an addition has no order.
# Seen:     no error. Add, Mul and Sub of (constant, map) with a constant of shape 1×1×1×1 behind a Conv of 12 channels are off by the
#           size of the answer itself; (map, constant) is right, and so is a constant of shape 1 or 1×12×1×1, in either place.
# Matters:  exporters write either order: tf2onnx puts the constant of local response normalisation first, and AlexNet's scores change.
#           Put constants second where the operator allows it, and compare with ONNX Runtime before believing a score.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import itertools
import sys
from importlib.metadata import version
from pathlib import Path

import _tools  # MNN's converter, without the start of its command line, which calls pip
import MNN.expr
import MNN.nn
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

RANDOM = np.random.default_rng(0)
CHANNELS, SHAPE = 12, [1, 12, 8, 8]
KERNEL = RANDOM.normal(size=(CHANNELS, CHANNELS, 1, 1)).astype(np.float32)
IMAGE = RANDOM.normal(size=SHAPE).astype(np.float32)
FOLDER = Path(sys.argv[1])


def model(operator: str, shape: tuple[int, ...], first: bool) -> Path:
    """Conv, then the operator on its map and a constant."""
    constant = np.full(shape, 2, np.float32)
    operands = ["constant", "map"] if first else ["map", "constant"]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["map"], kernel_shape=[1, 1]),
        helper.make_node(operator, operands, ["answer"]),
    ]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, SHAPE) for name in ("image", "answer")]
    constants = [numpy_helper.from_array(KERNEL, "kernel"), numpy_helper.from_array(constant, "constant")]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    onnx.save(made, FOLDER / "model.onnx")
    return FOLDER / "model.onnx"


def their_answer(path: Path) -> np.ndarray:
    converted = str(FOLDER / "model.mnn")
    _tools.mnnconvert(["convert", "-f", "ONNX", "--modelFile", str(path), "--MNNModel", converted, "--bizCode", "x"])
    net = MNN.nn.load_module_from_file(converted, ["image"], ["answer"])
    image = MNN.expr.const(IMAGE.copy(), SHAPE, MNN.expr.NCHW, MNN.expr.float)
    return np.array(MNN.expr.convert(net.forward([image])[0], MNN.expr.NCHW).read()).reshape(SHAPE)


lines, changes = [], []
for operator, shape, first in itertools.product(("Add", "Mul", "Sub"), ((1,), (1, 1, 1, 1), (1, CHANNELS, 1, 1)), (False, True)):
    path = model(operator, shape, first)
    right = onnxruntime.InferenceSession(path).run(None, {"image": IMAGE})[0]
    off = float(np.abs(their_answer(path) - right).max() / np.abs(right).max())
    where = "first" if first else "second"
    lines.append(f"  {operator}, constant of shape {'×'.join(map(str, shape))} {where}: {off:.1e}")
    if (off > 1e-3) != (first and shape == (1, 1, 1, 1)):
        changes.append(lines[-1].strip())
print(*(f"{name} {version(name)}" for name in ("MNN", "onnx", "onnxruntime", "numpy")), sep=", ")
print("expected: differences from ONNX Runtime below 1e-3 of the largest value; seen:")
print(*lines, sep="\n")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder" 2>&1 |
    grep -v -E '^(The device supports|Start to|Converted Success|inputTensors|outputTensors|main, |The model has|\[|Convert Model|$)'
