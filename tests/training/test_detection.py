"""The whole road of boxes: a detector learns scenes, becomes files that find the same, and answers in any process alike."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from PIL import Image
from shallow_encoder import entered

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from edge.tflite_file import read_card
from zoo.data.datasets.scenes_boxes import BoxScenes
from zoo.layers import ModelOutput
from zoo.outputs.boxes import box_output

pytestmark = [pytest.mark.early, pytest.mark.usefixtures("workers")]
GRID, CELL = (15, 20), 8  # of the network of dots: cells, and pixels a side


@dataclass(frozen=True)
class Road:
    """A network that has learnt some scenes, and its files."""

    model: keras.Model
    scenes: BoxScenes
    files: dict[str, Path]

    def images(self, count: int) -> np.ndarray:
        return np.stack([self.scenes[index].image for index in range(count)]).astype("float32")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    folder, scenes = tmp_path_factory.mktemp("boxes"), BoxScenes(16, size=64)
    with entered() as encoder:
        keras.utils.set_random_seed(0)
        options = {"encoder": encoder, "context": 32, "channels": (32, 48), "tower": 1}
        model = zoo.build("pocket_detect", classes=scenes.classes, input_shape=(64, 64, 3), **options)
        zoo.train(model, scenes, epochs=60, batch_size=8, learning_rate=1e-2, tensorboard=False, verbose=0)
    images, files = np.stack([sample.image for sample in scenes]).astype("float32"), {}
    for recipe in ("float32", "float16", "int8"):
        measured = images if recipe == "int8" else None
        files[recipe] = converters.to_tflite(model, folder / f"{recipe}.tflite", recipe, calibration=measured).path
    yield Road(model, scenes, files)


def test_it_finds_what_it_has_learnt(road: Road) -> None:
    result = zoo.evaluate(road.model, road.scenes, progress=False)
    assert result.headline.name == "ap50" and result.headline.value >= 0.9, result.scores
    assert [row["class"] for row in result.rows()] == list(road.scenes.classes)


@pytest.mark.parametrize("recipe", ["float32", "float16", "int8"])
def test_a_file_finds_the_same_on_cpu_and_gpu(road: Road, recipe: str) -> None:
    path = road.files[recipe]
    assert read_card(path).spec == zoo.output_spec(road.model)
    result = converters.parity(road.model, path, road.images(8))
    assert result.passed and "matched_boxes" in result.outputs[0].measures, str(result)
    wrong = converters.parity(road.model, lambda image: road.model(image).numpy()[:, ::-1], road.images(8))
    assert not wrong.passed
    with edge.Runner(path) as runner:
        assert zoo.evaluate(runner, road.scenes, progress=False).headline.value >= 0.9
    if driver() is not None:
        verdict = edge.gpu_check(path, [road.scenes[index].image for index in range(4)])
        assert verdict.ok, verdict.report()


def test_the_command_line_draws_and_lists(road: Road, tmp_path: Path, monkeypatch, capsys) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(road.scenes[0].image).save(photo)
    status, text, _ = says(monkeypatch, capsys, "predict", road.files["int8"], photo, "--out", tmp_path / "out")
    names = {road.scenes.classes[label] for label in road.scenes[0].target.labels}
    assert status == 0 and any(name in text for name in names)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["photo_boxes.csv", "photo_overlay.png"]


# ---- A network of dots: every bright cell is an object ----------------------------------------------------------------


def dots(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture with so many bright cells, and which those are, row by row."""
    cells = np.sort(np.random.default_rng(seed).permutation(GRID[0] * GRID[1])[:count])
    grid = np.zeros(GRID, np.uint8)
    grid.reshape(-1)[cells] = 250
    return np.repeat(grid.repeat(CELL, 0).repeat(CELL, 1)[..., None], 3, axis=-1), cells


@pytest.fixture(scope="module")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = keras.Input((GRID[0] * CELL, GRID[1] * CELL, 3), name="image")
    rows = keras.layers.Conv2D(5, 1, name="rows")(keras.layers.AveragePooling2D(CELL, name="cells")(image))
    model = keras.Model(image, ModelOutput("detection", box_output(("dot",)), name="answer")(rows))
    kernel = np.zeros((1, 1, 3, 5), np.float32)
    kernel[..., 4] = 1 / 48
    model.get_layer("rows").set_weights([kernel, np.array([*np.log([0.45] * 4), -8], np.float32)])
    return converters.to_tflite(model, tmp_path_factory.mktemp("dots") / "dots.tflite").path


COUNTS = np.linspace(0, 300, 100).round().astype(int).tolist()


def test_a_hundred_pictures_of_none_to_300_things_in_order(dotted: Path) -> None:
    """Dots are all as sure, so that they come in the order of the network's rows."""
    digest = hashlib.sha256()
    with edge.Runner(dotted) as runner:
        for seed, count in enumerate(COUNTS):
            picture, cells = dots(count, seed)
            answer = runner(picture)
            middles = (np.stack([cells % GRID[1], cells // GRID[1]], axis=1) + 0.5) * CELL
            assert answer.shape == (count, 6)
            np.testing.assert_allclose((answer[:, :2] + answer[:, 2:4]) / 2, middles, atol=1e-3)
            digest.update(answer.tobytes())
    script = dotted.with_name("answers.py")
    script.write_text(ANSWERS)
    command = [sys.executable, script, dotted, *map(str, COUNTS)]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate(timeout=120)[0].strip() for process in others} == {digest.hexdigest()}


ANSWERS = f"""
import hashlib, sys
import numpy as np
import edge

run, digest = edge.Runner(sys.argv[1]), hashlib.sha256()
for seed, count in enumerate(map(int, sys.argv[2:])):
    grid = np.zeros({GRID}, np.uint8)
    grid.reshape(-1)[np.random.default_rng(seed).permutation(grid.size)[:count]] = 250
    digest.update(run(np.repeat(grid.repeat({CELL}, 0).repeat({CELL}, 1)[..., None], 3, axis=-1)).tobytes())
print(digest.hexdigest())
"""
