"""Each architecture becomes files that say the same: float32 exactly, int8 without islands, and mobile ones on the GPU too.

Untrained networks are chaotic in int8 (a step of one quantum is as large as the differences between their classes), so
int8's numbers are proved on trained networks in test_parity.py; here stands that its graph is integer throughout.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import ARCHITECTURES, pictures, tiny

import converters
import edge
from edge.vulkan import driver
from zoo.registry import architecture

MOBILE = [name for name in ARCHITECTURES if architecture(name).mobile]


def convert(name: str, recipe: str, folder: Path) -> tuple[keras.Model, Path, np.ndarray]:
    keras.backend.clear_session()
    model = tiny(name)
    path = folder / f"{recipe}.tflite"
    calibration = pictures(model, 8) if recipe == "int8" else None
    converters.to_tflite(model, path, recipe=recipe, calibration=calibration)
    return model, path, pictures(model)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_float32_agrees(name: str, tmp_path) -> None:
    model, path, images = convert(name, "float32", tmp_path)
    with edge.Runner(path) as runner:
        answer, expected = runner.run(images), np.asarray(model(images, training=False))
        np.testing.assert_allclose(answer, expected, atol=1e-4 * expected.std())
        assert runner.card.task == architecture(name).task


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_int8_runs_and_mobile_is_integer_throughout(name: str, tmp_path) -> None:
    _, path, images = convert(name, "int8", tmp_path)
    with edge.Runner(path) as runner:
        assert np.isfinite(runner.run(images)).all()
    islands = converters.float_islands(path)
    assert not (architecture(name).mobile and islands), islands


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
@pytest.mark.parametrize("recipe", ["float32", "int8"])
@pytest.mark.parametrize("name", MOBILE)
def test_mobile_is_whole_on_the_gpu(name: str, recipe: str, tmp_path) -> None:
    _, path, images = convert(name, recipe, tmp_path)
    verdict = edge.gpu_check(path, list(images))
    assert verdict.whole, verdict.report()
    if recipe == "float32":  # int8 files are computed in float there, so an untrained one's numbers differ
        assert verdict.ok, verdict.report()
