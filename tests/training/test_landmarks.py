"""The whole road of joints: a network learns puppets, becomes files that find the same, and draws what it has found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from zoo.data import CachedDataset, Dataset, Sample
from zoo.data.datasets.scenes_landmarks import LandmarkScenes
from zoo.errors import InputError
from zoo.evaluation.predictor import TestTimeAugmentation

RECIPES = ("float32", "int8")
PCK = 0.9  # of the puppets that were learnt, within a fifth of their height


class WithNobody(Dataset):
    """Puppets, and one picture of which no joint is known."""

    target = LandmarkScenes.target

    def __init__(self, source: Dataset) -> None:
        self.source, self.name, self.task, self.classes = source, source.name, source.task, source.classes
        self.palette = source.palette

    def __len__(self) -> int:
        return len(self.source) + 1

    def __getitem__(self, index: int) -> Sample:
        sample = self.source[index % len(self.source)]
        unknown = replace(sample.target, seen=np.zeros(len(self.classes), np.int32))
        return sample if index < len(self.source) else Sample(sample.image, unknown, "nobody")


@dataclass(frozen=True)
class Road:
    """A network that has learnt some puppets, and its files."""

    model: keras.Model
    puppets: Dataset
    files: dict[str, Path]

    def images(self, count: int) -> np.ndarray:
        return np.stack([self.puppets[index].image for index in range(count)]).astype("float32")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    folder, puppets = tmp_path_factory.mktemp("joints"), CachedDataset(WithNobody(LandmarkScenes(7, size=64)))
    with entered() as encoder:
        keras.utils.set_random_seed(0)
        options = {"encoder": encoder, "channels": (32, 32)}
        model = zoo.build("pose_heatmaps_lite", classes=puppets.classes, input_shape=(64, 64, 3), **options)
        zoo.train(model, puppets, epochs=90, batch_size=8, learning_rate=1e-2, augment=None, tensorboard=False, verbose=0)
    images, files = np.stack([sample.image for sample in puppets]).astype("float32"), {}
    for recipe in RECIPES:
        measured = images if recipe == "int8" else None
        files[recipe] = converters.to_tflite(model, folder / f"{recipe}.tflite", recipe, calibration=measured).path
    yield Road(model, puppets, files)


def test_it_finds_what_it_has_learnt(road: Road) -> None:
    result = zoo.evaluate(road.model, road.puppets, progress=False)
    assert result.headline.name == "pck" and result.headline.value >= PCK, result.scores
    assert [row["class"] for row in result.rows()] == list(road.puppets.classes)
    both = zoo.evaluate(road.model, road.puppets, progress=False, tta=TestTimeAugmentation(flip=True))
    assert both.headline.value > 0.3, "a mirrored puppet's left is its right, which this small network has not seen"


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_file_finds_the_same_on_cpu_and_gpu(road: Road, recipe: str) -> None:
    path = road.files[recipe]
    assert read_card(path).spec == zoo.output_spec(road.model)
    result = converters.parity(road.model, path, road.images(7))
    measures = result.outputs[0].measures
    assert result.passed and measures["matched_joints"] >= 0.95 and measures["peak_shift"] < 0.25, str(result)
    wrong = converters.parity(road.model, lambda image: np.roll(road.model(image).numpy(), 2, axis=1), road.images(7))
    assert not wrong.passed and wrong.outputs[0].measures["peak_shift"] > 1
    with edge.Runner(path) as runner:
        assert zoo.evaluate(runner, road.puppets, progress=False).headline.value >= PCK
    if driver() is not None:
        verdict = edge.gpu_check(path, [road.puppets[index].image for index in range(4)])
        assert verdict.ok, verdict.report()


def test_the_command_line_draws_and_lists(road: Road, tmp_path: Path, monkeypatch, capsys) -> None:
    photo, puppet = tmp_path / "photo.png", road.puppets[0]
    Image.fromarray(puppet.image).save(photo)
    status, text, _ = says(monkeypatch, capsys, "predict", road.files["int8"], photo, "--out", tmp_path / "out")
    assert status == 0 and "of 13 joints" in text
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["photo_joints.csv", "photo_overlay.png"]
    drawn = np.asarray(Image.open(tmp_path / "out" / "photo_overlay.png").convert("RGB"))
    assert drawn.shape == puppet.image.shape and (drawn != puppet.image).any(axis=-1).mean() > 0.02


def test_a_network_of_other_joints_is_refused(road: Road) -> None:
    model = zoo.build("pose_regression", classes=("nose", "tail"), encoder_options={"width": 0.125}, hidden=(8,))
    with pytest.raises(InputError, match=r"finds 2 joints and .* has 13; build it with classes=13"):
        zoo.train(model, road.puppets, epochs=1, tensorboard=False, verbose=0)
    with pytest.raises(InputError, match=r"6 steps, each to twice the sides, lead from the s32 of mobilenet_v2 beyond"):
        zoo.build("pose_heatmaps_lite", channels=(8,) * 6, encoder_options={"width": 0.1})
    with pytest.raises(InputError, match=r"class_weights.*all joints weigh the same"):
        zoo.tasks.get("landmarks").loss(zoo.output_spec(model), class_weights=(1, 1))


def test_coordinates_are_learnt_too(road: Road) -> None:
    with entered() as encoder:
        keras.utils.set_random_seed(0)
        options = {"encoder": encoder, "hidden": (64,), "dropout": 0.0, "output": "argmax"}
        model = zoo.build("pose_regression", classes=road.puppets.classes, input_shape=(67, 67, 3), **options)
        train = {"size": (67, 67), "epochs": 40, "batch_size": 8, "learning_rate": 1e-2, "augment": None}
        zoo.train(model, road.puppets, **train, tensorboard=False, verbose=0)
    result = zoo.evaluate(model, road.puppets, progress=False)
    assert result.headline.value >= PCK, result.scores
