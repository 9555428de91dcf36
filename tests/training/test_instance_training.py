"""Objects side by side, the whole road: a small network learns to tell touching squares apart, and its file says the same."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from PIL import Image

import converters
import edge
import zoo
from zoo import layers, outputs, tasks
from zoo.data import Dataset, InstanceMask, Sample
from zoo.errors import InputError
from zoo.evaluation.predictor import TestTimeAugmentation
from zoo.evaluation.report import Extremes
from zoo.outputs.instances import Instances
from zoo.training import Result

SIDE = 48


class Squares(Dataset):
    """Dark and bright squares, most of which touch; every fourth picture is empty."""

    task, target, classes, palette = "instance_segmentation", InstanceMask, ("dark", "bright"), ((0, 0, 255), (255, 200, 0))

    def __init__(self, count: int, seed: int) -> None:
        self.name, self._count, self._seed = f"squares/{seed}", count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng((self._seed, self.position(index)))
        image, numbers, labels = random.normal(110, 6, (SIDE, SIDE, 3)), np.zeros((SIDE, SIDE), np.int32), []
        for top in range(4, SIDE - 12, 16) if index % 4 else ():
            for left in range(2, SIDE - 12, 13):  # beside each other they touch
                label, tone = int(random.integers(0, 2)), random.uniform(-8, 8)
                labels.append(label)
                numbers[top : top + 12, left : left + 13] = len(labels)
                image[top : top + 12, left : left + 13] += (-70, 70)[label] + tone
                image[top : top + 12, left] = image[top : top + 12, left + 12] = 110  # as thin as a membrane
        return Sample(image.clip(0, 255).astype(np.uint8), InstanceMask(numbers, labels), f"{index}")


def network(classes: tuple[str, ...]) -> keras.Model:
    """Three convolutions."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    for _ in range(2):
        x = keras.layers.Conv2D(12, 5, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    spec = tasks.get("instance_segmentation").output_spec(classes)
    scores = keras.layers.Conv2D(spec.channels, 3, padding="same")(x)
    return keras.Model(image, layers.ModelOutput("instance_segmentation", spec, name="answer")(scores), name="small")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Result, Path]:
    folder = tmp_path_factory.mktemp("squares")
    train, test = Squares(48, 0), Squares(8, 1)
    keras.utils.set_random_seed(0)
    model = network(train.classes)
    settings = {"epochs": 10, "batch_size": 8, "learning_rate": 0.02, "validate_every": 5}
    result = zoo.train(model, train, test, folder=folder / "run", tensorboard=False, verbose=0, **settings)
    return model, result, converters.to_tflite(model, folder / "squares.tflite", input_size=(SIDE, SIDE)).path


def test_it_finds_every_square(learnt: tuple[keras.Model, Result, Path]) -> None:
    model, result, _ = learnt
    found = zoo.evaluate(model, Squares(8, 1), progress=False)
    assert found.scores["ap50"] > 0.9 and found.scores["dsb"] > 0.6
    assert found.headline.name == "ap50" and result.best["score"] == found.scores["ap50"]
    both = zoo.evaluate(model, Squares(8, 1), progress=False, tta=TestTimeAugmentation(flip=True))
    assert both.scores["ap50"] > 0.85
    assert [row["objects"] for row in found.rows()] == [
        sum(int((sample.target.labels == label).sum()) for sample in Squares(8, 1)) for label in (0, 1)
    ]


def test_the_file_says_the_same(learnt: tuple[keras.Model, Result, Path]) -> None:
    model, _, path = learnt
    images = np.stack([sample.image for sample in Squares(4, 2)]).astype("float32")
    report = converters.parity(model, path, images)
    assert report.passed, str(report)
    assert "matched instances 1" in str(report)
    test = Squares(8, 1)
    with edge.Runner(path) as runner:
        assert zoo.evaluate(runner, test, progress=False).scores == pytest.approx(
            zoo.evaluate(model, test, progress=False).scores, abs=0.02, nan_ok=True
        )
        answer = runner(np.zeros((90, 70, 3), np.uint8))
    assert isinstance(answer, Instances) and np.asarray(answer).shape == (90, 70)


def test_the_command_line_writes_labels_and_run_lengths(
    learnt: tuple[keras.Model, Result, Path], tmp_path: Path, monkeypatch, capsys
) -> None:
    Image.fromarray(Squares(2, 1)[1].image).save(tmp_path / "photo.png")
    status, text, _ = says(monkeypatch, capsys, "predict", learnt[2], tmp_path / "photo.png", "--out", tmp_path / "out")
    assert status == 0 and " dark" in text and " bright" in text
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["photo_instances.json", "photo_instances.png", "photo_overlay.png"]
    table = json.loads((tmp_path / "out" / "photo_instances.json").read_text())
    assert len(table["annotations"]) == np.array(Image.open(tmp_path / "out" / "photo_instances.png")).max() > 4


def test_a_report_draws_truth_and_answer() -> None:
    task, test = tasks.get("instance_segmentation"), Squares(4, 1)
    spec = task.output_spec(test.classes, test.palette)
    extremes = Extremes(test, task, spec, 2)
    for sample in test:
        extremes(sample, task.target_as_answer(sample.target, spec))
    drawn = extremes.best[0]
    assert drawn.score.value == pytest.approx(1)
    np.testing.assert_array_equal(drawn.truth, drawn.answer)
    assert (drawn.truth != drawn.image).any()


def test_what_the_task_refuses() -> None:
    task, test = tasks.get("instance_segmentation"), Squares(4, 1)
    with pytest.raises(InputError, match="has no rule; give a number a channel"):
        zoo.train(network(("a", "b")), test, epochs=1, class_weights="median")
    with pytest.raises(InputError, match="tells 3 classes apart and squares/1 has 2"):
        zoo.evaluate(network(("a", "b", "c")), test, progress=False)
    with pytest.raises(InputError, match="output"):
        task.output_spec((), None, "logits")
    assert outputs.kind(task.assumed_spec((None, 8, 8, 5))).name == "instances"
    assert task.assumed_spec((None, 8, 8, 5)).classes == 3
