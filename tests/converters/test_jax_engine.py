"""The engine by way of JAX: layers that our writer does not know, and one sentence wherever it cannot be had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import quick_jax

import converters
from converters.tflite import jax_engine
from zoo.errors import InputError

ROOT = Path(__file__).parents[2]


def test_a_layer_that_our_writer_does_not_know(tmp_path: Path) -> None:
    pytest.importorskip("litert_converter", reason="engine 'jax' needs litert-converter, which .ci/run installs")
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", **quick_jax.FLAGS}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, str(ROOT / "tests" / "support" / "jax_engine_toy.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "layer 'gauss' (Erf)" in found["direct"] and "engine='jax'" in found["direct"]
    assert "does not write recipe 'int8'" in found["int8"]
    assert found["operators"]["RESIZE_BILINEAR"] == 1 and found["operators"]["CONV_2D"] == 3
    assert found["same bytes"] and list(found["parity"]) == ["edges", "scores"]
    assert max(found["parity"].values()) < 1e-5


def test_where_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    if keras.backend.backend() != "jax":
        with pytest.raises(InputError, match="needs Keras on JAX"):
            converters.to_tflite(model, tmp_path / "a.tflite", engine="jax")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax_engine, "_PACKAGE", "nobody_has_this")
    with pytest.raises(InputError, match="needs litert-converter, which is not installed"):
        converters.to_tflite(model, tmp_path / "a.tflite", engine="jax")
    with pytest.raises(InputError, match="does not write recipe 'float16' of this model; leave engine out, or say 'direct'"):
        converters.to_tflite(model, tmp_path / "a.tflite", "float16", engine="jax")
    assert not list(tmp_path.iterdir())
