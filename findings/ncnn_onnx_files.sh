#!/usr/bin/env bash
# ncnn's converter pnnx reads .onnx files and answers wrongly: a mean over one axis, resizing without half-pixel centres
#
# Tool:     pnnx 20261020 and ncnn 1.0.20261020, in float32. Date: 2026-11-28.
# Expected: what ONNX Runtime answers, or an error.
# Seen:     exit status 0, no error, and
#           - ReduceMean over a single axis becomes a Reduction over none: the map goes through as it is; over two axes it is right;
#           - bilinear resizing that is "asymmetric" becomes the same Interp layer as "half_pixel": the map is half a pixel off.
#             Nearest resizing with half-pixel centres becomes asymmetric. Bilinear with half-pixel centres or aligned corners is right.
#           Spelling decides as well: with nearest_mode="round_prefer_floor", the default, written out, bilinear resizing is handed on as
#           a layer "Resize", which ncnn does not have and refuses, and a Pad without its mode as a "Pad".
# Matters:  pooling branches of segmenters are means over one axis after another; "asymmetric" is what TensorFlow 1's resizing and
#           everything converted from it have. Take means over two axes at once, and compare with ONNX Runtime.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
    ncnn==1.0.20261020 pnnx==20261020

cat >"$folder/program.py" <<'END'
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import ncnn
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

CHANNELS, SIDE = 4, 8
IMAGE = np.random.default_rng(0).normal(size=(1, CHANNELS, SIDE, SIDE)).astype(np.float32)
KERNEL = np.random.default_rng(1).normal(size=(CHANNELS, CHANNELS, 1, 1)).astype(np.float32)
FOLDER = Path(sys.argv[1])
PNNX = Path(find_spec("pnnx").origin).with_name("pnnx")


def network(kind: str, constant: list[int], shape: list[int], **attributes: str) -> Path:
    """A convolution, then the operator with its constant, which makes a map of this shape."""
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["map"], kernel_shape=[1, 1]),
        helper.make_node(kind, ["map", *([""] * 2 if kind == "Resize" else []), "constant"], ["answer"], **attributes),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, each)
        for name, each in (("image", list(IMAGE.shape)), ("answer", shape))
    ]
    values = [numpy_helper.from_array(np.array(constant, np.int64), "constant"), numpy_helper.from_array(KERNEL, "kernel")]
    made = helper.make_model(
        helper.make_graph(nodes, "graph", ends[:1], ends[1:], values), opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    )
    onnx.checker.check_model(made)
    onnx.save(made, FOLDER / "model.onnx")
    return FOLDER / "model.onnx"


def verdict(path: Path) -> str:
    """Of ncnn beside ONNX Runtime: "right", "wrong" or "refused"."""
    right = onnxruntime.InferenceSession(path).run(None, {"image": IMAGE})[0]
    subprocess.run([PNNX, path, "fp16=0"], cwd=FOLDER, check=True, capture_output=True)
    net = ncnn.Net()
    if net.load_param(str(FOLDER / "model.ncnn.param")) or net.load_model(str(FOLDER / "model.ncnn.bin")):
        return "refused"
    with net.create_extractor() as run:
        run.input("in0", ncnn.Mat(IMAGE[0]).clone())
        answer = np.array(run.extract("out0")[1])
    return "right" if answer.size == right.size and np.abs(answer.ravel() - right.ravel()).max() < 1e-3 else "wrong"


def resized(mode: str, places: str, size: int, **attributes: str) -> Path:
    shape = [1, CHANNELS, size, size]
    return network("Resize", shape, shape, mode=mode, coordinate_transformation_mode=places, **attributes)


def padded(**attributes: str) -> Path:
    return network("Pad", [0, 0, 1, 1] * 2, [1, CHANNELS, SIDE + 2, SIDE + 2], **attributes)


def mean(*axes: int) -> Path:
    return network("ReduceMean", list(axes), [1 if at in axes else side for at, side in enumerate(IMAGE.shape)])


# name → what makes the file, whether ncnn was right
CASES = {
    "mean over height and width": (lambda: mean(2, 3), "right"),
    "mean over height": (lambda: mean(2), "wrong"),
    "mean over channels": (lambda: mean(1), "wrong"),
    "bilinear, half_pixel, doubled": (lambda: resized("linear", "half_pixel", 16), "right"),
    "bilinear, half_pixel, to 13": (lambda: resized("linear", "half_pixel", 13), "right"),
    "bilinear, align_corners, to 13": (lambda: resized("linear", "align_corners", 13), "right"),
    "bilinear, asymmetric, doubled": (lambda: resized("linear", "asymmetric", 16), "wrong"),
    "bilinear, asymmetric, to 13": (lambda: resized("linear", "asymmetric", 13), "wrong"),
    "nearest, asymmetric, to 13": (lambda: resized("nearest", "asymmetric", 13, nearest_mode="floor"), "right"),
    "nearest, half_pixel, doubled": (lambda: resized("nearest", "half_pixel", 16, nearest_mode="floor"), "wrong"),
    "bilinear with its default nearest_mode": (
        lambda: resized("linear", "half_pixel", 16, nearest_mode="round_prefer_floor"), "refused"
    ),
    "padding": (lambda: padded(mode="constant"), "right"),
    "padding without its default mode": (padded, "refused"),
}
lines, changes = [], []
for name, (make, noted) in CASES.items():
    seen = verdict(make())
    lines.append(f"  {name}: {seen}")
    if seen != noted:
        changes.append(name)
print(*(f"{name} {version(name)}" for name in ("pnnx", "ncnn", "onnx", "onnxruntime", "numpy")), sep=", ")
print("expected: right, as ONNX Runtime, or refused; seen:")
print(*lines, sep="\n")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder" 2> >(grep -v "not exists or registered" >&2)
