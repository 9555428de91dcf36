"""A kind of answer that nobody here knows walks from its network to a drawn picture, with no edit anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from converter_models import pictures
from PIL import Image
from relief_toy import entered

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from edge.tflite_file import read_card
from zoo import outputs

SIZE = (32, 48)


@pytest.fixture(scope="module")
def model() -> Iterator[keras.Model]:
    keras.utils.set_random_seed(0)
    with entered() as name:
        yield zoo.build(name)


@pytest.fixture(scope="module", params=["float32", "int8"])
def file(request, model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("walk") / f"{request.param}.tflite"
    calibration = pictures(16, SIZE) if request.param == "int8" else None
    return converters.to_tflite(model, path, request.param, SIZE, calibration=calibration).path


def test_the_file_says_what_its_numbers_are(file: Path) -> None:
    card = read_card(file)
    assert (card.task, card.spec.kind, card.spec.unit, card.spec.range) == ("relief", "heights", "m", (0.0, 100.0))
    assert card.labels == ()


def test_parity_and_the_gate_measure_in_the_kinds_own_words(model: keras.Model, file: Path) -> None:
    """All heights are above 0: an answer without classes proves what it proves by its numbers."""
    found = converters.parity(model, file, pictures(4, SIZE, seed=3))
    assert found.passed and "metres" in found.outputs[0].measures and found.agreement is None, str(found)
    wrong = converters.parity(model, lambda image: model(image).numpy()[:, ::-1], pictures(4, SIZE, seed=3))
    assert not wrong.passed and "of its spread" in wrong.reason
    if driver() is not None:
        verdict = edge.gpu_check(file, list(pictures(2, SIZE, seed=3)))
        assert verdict.ok and "metres" in verdict.report(), verdict.report()


def test_the_runner_decodes_draws_and_writes(model: keras.Model, file: Path, tmp_path: Path) -> None:
    picture = pictures(1, (64, 96), seed=5)[0]
    runner = edge.Runner(file)
    answer, spec = runner(picture), runner.card.spec
    assert answer.shape == (64, 96) and answer.min() > 0
    kind = outputs.kind(spec)
    assert kind.draw(picture, answer, spec).shape == (64, 96, 3) and kind.describe(answer, spec).endswith("m")
    assert np.loadtxt(kind.write(answer, spec, tmp_path / "a")).shape == (64, 96)


def test_the_command_line_predicts_and_times(file: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    Image.fromarray(pictures(1, (64, 96), seed=5)[0]).save(tmp_path / "photo.png")
    status, text, _ = says(monkeypatch, capsys, "predict", file, tmp_path / "photo.png", "--out", tmp_path / "out")
    assert status == 0 and "from " in text and " m" in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"photo_overlay.png", "photo_heights.txt"}
    status, text, _ = says(monkeypatch, capsys, "benchmark", file, "-t", 1)
    assert status == 0 and file.name in text
