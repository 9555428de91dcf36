#!/usr/bin/env bash
# TensorFlow Lite's converter drops ReLU and clip behind a matrix product of two variable matrices
#
# Tool:     TensorFlow 2.21.0 (tf.lite.TFLiteConverter). Date: 2026-11-28.
# Expected: the file computes relu(x @ w), which is 0 where x @ w is -4.
# Seen:     for 2-D x and w that are both inputs, the file holds one BATCH_MATMUL and answers -4;
#           clip_by_value(x @ w, -1, 1) answers -4 too. Nothing is said. With a bias between the product and the ReLU,
#           or with a batch axis (3-D), the file is right.
# Matters:  heads that correlate two flattened maps, or masks' prototypes with coefficients, multiply what is no constant
#           and cut at 0; so does a dense layer without a bias whose weights are unpacked inside the graph. Keep a batch
#           axis, or add a bias, and compare the file's answers with the network's where they are below 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    tensorflow==2.21.0 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import os
import sys
from collections.abc import Callable
from importlib.metadata import version

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf


def product_relu(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x @ w)


def product_clip(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(x @ w, -1.0, 1.0)


def product_bias_relu(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x @ w + 0.5)


def answers(function: Callable[..., tf.Tensor], batch: tuple[int, ...]) -> tuple[float, float, list[str]]:
    """One value of TensorFlow's answer and of the file's, where x is -1 and w is 1; and the file's operators."""
    x, w = -np.ones((*batch, 2, 4), np.float32), np.ones((*batch, 4, 3), np.float32)
    graph = tf.function(function).get_concrete_function(tf.TensorSpec(x.shape), tf.TensorSpec(w.shape))
    content = tf.lite.TFLiteConverter.from_concrete_functions([graph]).convert()
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    for row in interpreter.get_input_details():
        interpreter.set_tensor(row["index"], x if tuple(row["shape"]) == x.shape else w)
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return (
        float(function(x, w).numpy().flat[0]),
        float(answer.flat[0]),
        [row["op_name"] for row in interpreter._get_ops_details()],
    )


print(f"tensorflow {version('tensorflow')}, numpy {version('numpy')}")
changes = []
for function, batch, wrong in (
    (product_relu, (), True),
    (product_clip, (), True),
    (product_bias_relu, (), False),
    (product_relu, (5,), False),
):
    right, answer, operators = answers(function, batch)
    name = f"{function.__name__}, {len(batch) + 2}-D"
    print(f"{name}: expected {right:g}, seen {answer:g} ({', '.join(operators)})")
    if (right != answer) != wrong:
        changes.append(name)
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
