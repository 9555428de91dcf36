#!/usr/bin/env bash
# ncnn's converter pnnx reads an ONNX Resize by its size alone: other ways to place pixels are taken for half-pixel centres
#
# Tool:     pnnx 20261020 and ncnn 1.0.20261020, in float32. Date: 2026-11-28.
# Expected: what ONNX Runtime answers, or an error: a Resize says how it places pixels (coordinate_transformation_mode), and
#           "asymmetric" and "half_pixel" are two answers.
# Seen:     exit status 0 and no error. Bilinear resizing that is "asymmetric" becomes the same Interp layer as "half_pixel", and the
#           map is half a pixel off; nearest resizing with half-pixel centres becomes asymmetric. Bilinear with half-pixel centres or
#           aligned corners is right. Spelling decides as well: with nearest_mode="round_prefer_floor", the default, written
#           out, the bilinear one is handed on as a layer "Resize" which ncnn does not have, and a Pad without its mode as a "Pad".
# Matters:  "asymmetric" is what TensorFlow 1's resizing and everything converted from it have; a mask half a pixel of the small map
#           off is 4 or 8 pixels off in the picture. Compare with ONNX Runtime; leave nearest_mode out of bilinear resizing.
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
FOLDER = Path(sys.argv[1])
PNNX = Path(find_spec("pnnx").origin).with_name("pnnx")


def network(kind: str, size: int, **attributes: str) -> Path:
    """Relu, then the operator, which makes a map of size × size."""
    whole = [1, CHANNELS, size, size]
    border = (size - SIDE) // 2
    constants = {
        "Resize": [np.array(whole, np.int64)],
        "Pad": [np.array([0, 0, border, border] * 2, np.int64)],
    }[kind]
    names = [f"constant{at}" for at in range(len(constants))]
    nodes = [
        helper.make_node("Relu", ["image"], ["map"]),
        helper.make_node(kind, ["map", *([""] * 2 if kind == "Resize" else []), *names], ["answer"], **attributes),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", list(IMAGE.shape)), ("answer", whole))
    ]
    values = [numpy_helper.from_array(value, name) for name, value in zip(names, constants, strict=True)]
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
    return "right" if answer.shape == right[0].shape and np.abs(answer - right[0]).max() < 1e-3 else "wrong"


def resized(mode: str, places: str, size: int, **attributes: str) -> Path:
    return network("Resize", size, mode=mode, coordinate_transformation_mode=places, **attributes)


FLOOR = {"nearest_mode": "floor"}
CASES = {
    "bilinear, half_pixel, doubled": (resized, ("linear", "half_pixel", 16), {}, "right"),
    "bilinear, half_pixel, to 13": (resized, ("linear", "half_pixel", 13), {}, "right"),
    "bilinear, align_corners, to 13": (resized, ("linear", "align_corners", 13), {}, "right"),
    "bilinear, asymmetric, doubled": (resized, ("linear", "asymmetric", 16), {}, "wrong"),
    "bilinear, asymmetric, to 13": (resized, ("linear", "asymmetric", 13), {}, "wrong"),
    "nearest, asymmetric, to 13": (resized, ("nearest", "asymmetric", 13), FLOOR, "right"),
    "nearest, half_pixel, doubled": (resized, ("nearest", "half_pixel", 16), FLOOR, "wrong"),
    "bilinear with its default nearest_mode": (
        resized, ("linear", "half_pixel", 16), {"nearest_mode": "round_prefer_floor"}, "refused"
    ),
    "padding": (network, ("Pad", 10), {"mode": "constant"}, "right"),
    "padding without its default mode": (network, ("Pad", 10), {}, "refused"),
}
lines, changes = [], []
for name, (make, arguments, attributes, noted) in CASES.items():
    seen = verdict(make(*arguments, **attributes))
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
