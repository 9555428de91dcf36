"""Integer files on JAX and PyTorch: the same bytes as on TensorFlow, and training with the file's rounding."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import integers_toy
import keras
import numpy as np
import pytest
import quick_jax
from converter_models import SIZE, pictures, segmenter

import edge

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the others are held against TensorFlow")


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> tuple[Path, keras.Model]:
    folder, model = tmp_path_factory.mktemp("own"), segmenter(size=SIZE)
    integers_toy.write(model, folder)
    return folder, model


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_same_bytes_and_training(backend: str, own: tuple[Path, keras.Model], tmp_path: Path) -> None:
    """One test: one process for all of it."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder, model = own
    np.savez(tmp_path / "weights.npz", *model.get_weights())
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **quick_jax.FLAGS}
    command = [sys.executable, integers_toy.__file__, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in integers_toy.FORMS:
        files = [place / f"{name}.tflite" for place in (folder, tmp_path)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    losses = json.loads(done.stdout.strip().splitlines()[-1])["losses"]
    assert losses[-1] < 0.9 * losses[0]
    with edge.Runner(tmp_path / "trained.tflite") as runner:
        answer, trained = runner.run(pictures(2, (16, 16))), np.load(tmp_path / "trained.npy")
    assert np.sqrt(((answer - trained) ** 2).mean()) < 0.1 * trained.std()
