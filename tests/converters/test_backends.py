"""Files that JAX and PyTorch write without TensorFlow: every network's, the same bytes, integers and training for them too.

One process a backend does all of it, for starting one and compiling for it take longer than the work.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import integers_toy
import keras
import numpy as np
import pytest
import quick_jax
import writer_bytes
from converter_models import SIZE, pictures, segmenter
from tiny_models import ARCHITECTURES
from writer_bytes import RECIPES, digests

import edge

pytestmark = [
    pytest.mark.early,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the others are held against TensorFlow"),
]

ROOT = Path(__file__).parents[2]
FEW = ("lenet5", "fast_scnn", "segnet_basic")  # in every form; every architecture in float32, on JAX alone
NETWORKS = {"jax": [*ARCHITECTURES, "--forms", *FEW], "torch": ["--forms", *FEW]}


@dataclass(frozen=True)
class Written:
    """What a backend wrote: digests by network and recipe, integer files and what trained in a folder, the losses."""

    digests: dict[str, dict[str, str]]
    folder: Path
    losses: list[float]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, keras.Model]:
    folder, model = tmp_path_factory.mktemp("own"), segmenter(size=SIZE)
    integers_toy.write(model, folder)
    return folder, model


@pytest.fixture(scope="module", params=NETWORKS)
def written(request: pytest.FixtureRequest, own: tuple[Path, keras.Model], tmp_path_factory) -> Written:
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder = tmp_path_factory.mktemp(backend)
    np.savez(folder / "weights.npz", *own[1].get_weights())
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **quick_jax.FLAGS}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    command = [sys.executable, writer_bytes.__file__, str(folder), *NETWORKS[backend]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return Written(folder=folder, **json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The digests of this backend's files."""
    return {name: digests(name, tmp_path_factory.mktemp("here")) for name in FEW}


def test_every_architecture_without_tensorflow(written: Written) -> None:
    names = ARCHITECTURES if set(ARCHITECTURES) <= written.digests.keys() else FEW
    expected = {name: len(RECIPES) if name in FEW else 1 for name in names}
    assert {name: len(set(forms.values())) for name, forms in written.digests.items()} == expected


def test_the_same_bytes_from_every_backend(written: Written, here: dict[str, dict[str, str]]) -> None:
    assert {name: written.digests[name] for name in FEW} == here


def test_the_same_bytes_from_each_run(here: dict[str, dict[str, str]], tmp_path: Path) -> None:
    assert {name: digests(name, tmp_path) for name in FEW} == here


def test_the_same_integers_from_every_backend(written: Written, own: tuple[Path, keras.Model]) -> None:
    for name in integers_toy.FORMS:
        files = [place / f"{name}.tflite" for place in (own[0], written.folder)]
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_training_with_the_files_rounding(written: Written) -> None:
    assert written.losses[-1] < 0.9 * written.losses[0]
    with edge.Runner(written.folder / "trained.tflite") as runner:
        answer, trained = runner.run(pictures(2, (16, 16))), np.load(written.folder / "trained.npy")
    assert np.sqrt(((answer - trained) ** 2).mean()) < 0.1 * trained.std()
