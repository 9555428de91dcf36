"""The kit for ten minutes of a GPU, rehearsed on the processor at toy size."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import kit_rehearsal
import numpy as np
import pytest
import quick_jax

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LOAD = ((64, 64), 2)
pytestmark = [
    pytest.mark.early,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="starts JAX in a process of its own"),
]


def run(*command: str | Path) -> str:
    """A Python program's output, on JAX and with nothing of TensorFlow."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", **quick_jax.FLAGS}
    command = [sys.executable, "-W", "error::UserWarning", *map(str, command)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_the_kit_trains_measures_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rehearsed = json.loads(run(kit_rehearsal.__file__, BENCHMARKS, out).strip().splitlines()[-1])
    assert rehearsed["calls"] > 1 and rehearsed["difference"] == 0, "a resumed run has the weights of a whole one"
    with (out / "run" / "log.csv").open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    with (out / "run" / "first" / "log.csv").open(newline="") as file:
        first = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < first[0], "the second stage goes on from the first"
    trained = json.loads((out / "train.json").read_text())
    assert trained["done"] and trained["program"] == "device" and 0 <= trained["val_miou"] <= 1

    said = run(BENCHMARKS / "gpu_kit.py", kit_rehearsal.RECIPE, "--out", out, "--parts", *kit_rehearsal.PARTS)
    assert said.count("done before") == len(kit_rehearsal.PARTS)
    with (out / "steps.csv").open(newline="") as file:
        rows = {(row["network"], row["program"]): float(row["images_per_second"]) for row in csv.DictReader(file)}
    assert rows.keys() == {("unet", "densezoo, JAX"), ("unet", "predicted"), ("fcn8s", "predicted")}
    assert min(rows.values()) > 0


@pytest.mark.parametrize("name", ["fcn8s"])  # throughput.py compares the U-Nets whenever it runs
def test_pytorchs_network_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from device_steps import Load, batch_of, torch_network, torch_steps
    from torch_unet import filled

    load = Load(*LOAD, tiny=True)
    keras.backend.clear_session(free_memory=False)
    ours = load.build(name)
    theirs = filled(torch_network(name, load), [keras.ops.convert_to_numpy(v) for v in ours.trainable_weights]).eval()
    images, _ = batch_of(load)
    seen = keras.ops.convert_to_numpy(ours.get_layer("normalise")(images)).transpose(0, 3, 1, 2)
    with torch.no_grad():
        answer = theirs(torch.from_numpy(np.ascontiguousarray(seen))).numpy().transpose(0, 2, 3, 1)
    expected = keras.ops.convert_to_numpy(ours(images, training=False))
    np.testing.assert_allclose(answer, expected, atol=1e-4 * np.abs(expected).max())
    row = torch_steps(name, load, 1, {"bfloat16_macs_per_second": 1e12}, compiled=False)
    assert row["program"] == "PyTorch, eager" and row["images_per_second"] > 0
