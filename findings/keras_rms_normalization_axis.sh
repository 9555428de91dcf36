#!/usr/bin/env bash
# keras.layers.RMSNormalization(axis=1) multiplies its scale along the last axis
#
# Tool:     Keras 3.15.1, here on JAX 0.10.2. Date: 2026-11-28.
# Expected: axis=1 normalizes N×C×H×W over the channels and multiplies each channel by its own scale, as
#           LayerNormalization(axis=1) does with gamma.
# Seen:     the scale, one number a channel, is broadcast along the last axis. Where C = W nothing is raised and the
#           *columns* are scaled; otherwise the layer builds in a functional model and raises at the first call.
#           A fresh layer's scale is 1, so that the fault shows only after training or with loaded weights.
# Matters:  networks for restoration and segmentation normalize over channels at every pixel, and channels-first ones say
#           axis=1. Square maps as wide as they have channels (64 × 64 × 64) are common in the middle of a decoder.
#           Put channels last before this layer, or divide by the root of the mean square and scale by hand.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import os
import sys
from importlib.metadata import version

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

CHANNELS = 8


def map_of(width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, CHANNELS, 6, width)).astype(np.float32)


def difference(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left - right).max())


scale = np.arange(1, CHANNELS + 1, dtype=np.float32)
by_channel, by_column = scale[:, None, None], scale

square = map_of(CHANNELS)
layer = keras.layers.RMSNormalization(axis=1)
layer.build(square.shape)
layer.scale.assign(scale)
answer = np.asarray(layer(square))
plain = square / np.sqrt((square**2).mean(1, keepdims=True) + layer.epsilon)
off = difference(answer, plain * by_channel), difference(answer, plain * by_column)

other = keras.layers.LayerNormalization(axis=1, center=False)
other.build(square.shape)
other.gamma.assign(scale)
centre = (square - square.mean(1, keepdims=True)) / np.sqrt(square.var(1, keepdims=True) + other.epsilon)
right = difference(np.asarray(other(square)), centre * by_channel)

image = keras.Input((CHANNELS, 6, 5))
model = keras.Model(image, keras.layers.RMSNormalization(axis=1)(image))
try:
    model(map_of(5))
    error = ""
except ValueError as failure:
    error = " ".join(str(failure).split())

print(*(f"{name} {version(name)}" for name in ("keras", "jax", "numpy")), sep=", ")
print(f"expected: the scale goes by channel, as LayerNormalization(axis=1) does it (difference {right:.1e})")
print(f"seen:     C = W: difference {off[0]:.1e} from a scale by channel, {off[1]:.1e} from one by column")
print(f"          C ≠ W: a model of output {model.output_shape} is built; called: {error[:140] or 'no error'}")
if not (right < 1e-4 and off[0] > 1 and off[1] < 1e-4 and error):
    sys.exit("changed: RMSNormalization(axis=1) treats its scale in another way")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
