#!/usr/bin/env bash
# Keras' masked softmax, converted to int8, attends to everything alike that is not masked
#
# Tool:     TensorFlow 2.21.0 with Keras 3.15.1, TFLite's converter with full integer quantization. Date: 2026-11-28.
# Expected: shares within a step or two of eight bits of the float model's, as of the same softmax without a mask.
# Seen:     no error and no warning. Keras masks by adding -1e9; the sum that the softmax reads is calibrated with it, so that one of
#           its 255 steps is four million wide: every score that counts falls on the same step, and all get the same share. What is
#           masked gets 0, as it should, so that the answer looks sane.
# Matters:  attention over padded sentences, causal attention, and every decoder that masks places: the int8 file takes the plain mean
#           where the network chose. Mask with a small number (-20 is under a step of the softmax's 1/256), or keep attention in float.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    tensorflow==2.21.0 keras==3.15.1 ai-edge-litert==2.3.0 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import contextlib
import io
import sys
from importlib.metadata import version

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

PLACES, COUNTED = 8, 5
RANDOM = np.random.default_rng(0)


def scores() -> np.ndarray:
    return RANDOM.normal(size=(1, PLACES)).astype(np.float32) * 2


def shares(masked: bool) -> tuple[np.ndarray, np.ndarray]:
    """Of a float model and of its int8 file, for the same scores."""
    ends = {"scores": keras.Input((PLACES,), batch_size=1, name="scores")}
    if masked:
        ends["mask"] = keras.Input((PLACES,), batch_size=1, name="mask", dtype="bool")
    model = keras.Model(ends, keras.layers.Softmax()(ends["scores"], mask=ends.get("mask")))

    def sample(count: int) -> dict[str, np.ndarray]:
        return {"scores": scores()} | ({"mask": np.arange(PLACES)[None] < count} if masked else {})

    function = tf.function(lambda **feeds: model(feeds)).get_concrete_function(
        **{name: tf.TensorSpec(end.shape, end.dtype, name=name) for name, end in ends.items()}
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        list(sample(int(RANDOM.integers(2, PLACES + 1))).values()) for _ in range(64)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()):
        content = converter.convert()
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    feed = sample(COUNTED)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feed["mask" if detail["dtype"] is np.bool_ else "scores"])
    interpreter.invoke()
    return model(feed).numpy()[0], interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


print(*(f"{name} {version(name)}" for name in ("tensorflow", "keras", "ai-edge-litert", "numpy")), sep=", ")
print("expected: shares within 0.02 of the float model's; seen:")
changes = []
for title, masked in (("no mask", False), ("the last three masked", True)):
    right, answer = shares(masked)
    off = float(np.abs(right - answer).max())
    print(f"  {title}: float {np.round(right, 3)}, int8 {np.round(answer, 3)}, {off:.3f} apart")
    if (off > 0.02) != masked:
        changes.append(title)
    if masked and (np.ptp(answer[:COUNTED]) > 0.01 or answer[COUNTED:].any()):
        changes.append("the shares that count are no longer alike")
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" 2>&1 | grep -v -E '^(WARNING|INFO|[IWE]0000|To enable|fully_quantize)|UserWarning|warnings.warn'
