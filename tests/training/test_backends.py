"""JAX and PyTorch beside TensorFlow: the same weights give the same answers and learn the same, and runs resume exactly."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import backend_toy
import decoder_toy
import keras
import numpy as np
import pytest
import quick_jax
import recurrence_toy
from backend_toy import CELLS, DECODERS, SIZE, TOY, keep, losses
from tiny_models import KINDS, answer_at_near_ties, pictures, tiny
from training_toys import network

# JAX compiles op by op, half a minute for some networks: there those with layers of our own.
ASKED = {"jax": ("segnet", "resnet50_deformable", "pocket_seg"), "torch": tuple(KINDS)}

pytestmark = [
    pytest.mark.early,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the others are held against TensorFlow"),
]


def asked(backend: str, networks: dict[str, keras.Model], folder: Path) -> tuple[dict[str, Any], str]:
    """What a process with that backend learnt, and what it printed meanwhile; what the networks answer there is left there."""
    for name, model in networks.items():
        keep(model, folder / f"{name}.npz")
    keep(network(dropout=0.0), folder / f"{TOY}.npz")
    recurrence_toy.write_questions(folder / CELLS)
    decoder_toy.write_questions(folder / DECODERS)
    command = [sys.executable, "-W", "error::UserWarning", backend_toy.__file__, str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **quick_jax.FLAGS}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stderr[-2000:]
    *said, found = process.stdout.strip().splitlines()
    return json.loads(found), "\n".join(said)


def expected(model: keras.Model, folder: Path, name: str) -> np.ndarray:
    """TensorFlow's answer, with the other backend's positions of maxima where they tie but for rounding."""
    recorded = folder / f"{name}.positions"
    return answer_at_near_ties(model, pictures(model, 1), np.load(recorded) if recorded.exists() else {})


@pytest.mark.parametrize("backend", ASKED)
def test_it_answers_learns_and_resumes_as_on_tensorflow(backend: str, tmp_path: Path):  # one test: one process for all of it
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    networks = {name: tiny(name, SIZE) for name in ASKED[backend]}
    found, said = asked(backend, networks, tmp_path)
    for name, model in networks.items():
        answer = expected(model, tmp_path, name)
        difference = np.abs(np.load(tmp_path / f"{name}.npy") - answer).max()
        assert difference < 1e-4 * answer.std(), (name, difference)
    recurrence_toy.check_answers(tmp_path / CELLS)
    decoder_toy.check_answers(tmp_path / DECODERS)
    np.testing.assert_allclose(found["losses"], losses(tmp_path / f"{TOY}.npz"), rtol=1e-4)
    assert "images/s of 16×16 in training" in said and "% of what a float32 matrix product reaches here" in said
    assert found["parts"] == found["whole"]
    assert found["gradients"] < 1e-12  # 1e-6 is the goal; more than this is not float64's rounding
