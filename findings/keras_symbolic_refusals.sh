#!/usr/bin/env bash
# Keras refuses in a functional model what it computes on arrays: hard_silu, mish, sparsemax, and convolutions in groups
#
# Tool:     Keras 3.15.1, here on JAX 0.10.2. Date: 2026-11-28.
# Expected: keras.activations.NAME(x) and keras.ops.conv(x, kernel) take a symbolic tensor where they take an array, as
#           relu, silu, gelu, hard_sigmoid and a dozen others do.
# Seen:     hard_silu (hard_swish), mish and sparsemax raise ValueError, "A KerasTensor cannot be used as input to a JAX
#           function"; keras.ops.conv with a kernel for groups (3×3×2×8 on four channels) computes on arrays and raises on
#           a symbolic tensor that "the number of input channels must match".
# Matters:  MobileNetV3 and most mobile segmenters are built of hard swish, YOLO's relatives of mish, ResNeXt's of groups.
#           Take the layers (Activation("hard_silu"), Conv2D(groups=2)) in functional models; functions only inside call().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

REFUSALS = ("hard_silu", "hard_swish", "mish", "sparsemax")
ACCEPTED = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu"),
    *("sigmoid", "hard_sigmoid", "hard_tanh", "tanh", "softplus", "softsign", "softmax", "squareplus"),
)


def error(function: Callable[[Any], Any], value: Any) -> str:
    """What the function raises, in one line; empty where it answers."""
    try:
        function(value)
    except ValueError as failure:
        return " ".join(str(failure).split())
    return ""


image = keras.Input((8, 8, 4))
array = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype(np.float32)
kernel = np.ones((3, 3, 2, 8), np.float32)


def in_groups(value: Any) -> Any:
    return keras.ops.conv(value, kernel, padding="same", data_format="channels_last")


functions = {name: getattr(keras.activations, name) for name in (*ACCEPTED, *REFUSALS)} | {
    "ops.conv in 2 groups": in_groups
}
print(*(f"{name} {version(name)}" for name in ("keras", "jax", "numpy")), sep=", ")
print("expected: whatever is computed on an array is taken on a symbolic tensor")
changes = []
for name, function in functions.items():
    works, refusal = not error(function, array), error(function, image)
    if refusal:
        print(f"seen:     {name}: array {'computed' if works else 'refused'}, symbolic: {refusal[:90]}")
    if not works or bool(refusal) == (name in ACCEPTED):
        changes.append(name)
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
