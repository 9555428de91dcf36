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
import keras
import numpy as np
import pytest
from backend_toy import SIZE, TOY, keep, losses
from tiny_models import KINDS, answer, pictures, tiny
from training_toys import network

# JAX compiles op by op, half a minute for some networks: there those with layers of our own.
ASKED = {"jax": ("segnet", "resnet50_deformable", "pocket_seg"), "torch": tuple(KINDS)}

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the others are held against TensorFlow")


@pytest.fixture(scope="module", params=ASKED)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, dict[str, Any], str]:
    """A backend, the folder of its answers, what it learnt, and what it printed meanwhile."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    for name in ASKED[request.param]:
        model = tiny(name, SIZE)
        keep(model, folder / f"{name}.npz")
        np.save(folder / f"{name}.expected.npy", answer(model, pictures(model, 1)))
    keep(network(dropout=0.0), folder / f"{TOY}.npz")
    command = [sys.executable, "-W", "error::UserWarning", backend_toy.__file__, str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": request.param, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stderr[-2000:]
    *said, found = process.stdout.strip().splitlines()
    return request.param, folder, json.loads(found), "\n".join(said)


def test_every_kind_of_network_gives_the_same_answer(other):
    backend, folder, *_ = other
    for name in ASKED[backend]:
        expected = np.load(folder / f"{name}.expected.npy")
        difference = np.abs(np.load(folder / f"{name}.npy") - expected).max()
        assert difference < 1e-4 * expected.std(), (name, difference)


def test_it_learns_the_same_and_says_how_fast(other):
    _, folder, found, said = other
    np.testing.assert_allclose(found["losses"], losses(folder / f"{TOY}.npz"), rtol=1e-4)
    assert "images/s of 16×16 in training" in said and "% of what a float32 matrix product reaches here" in said


def test_interrupted_twice_it_ends_the_same(other):
    *_, found, _ = other
    assert found["parts"] == found["whole"]
