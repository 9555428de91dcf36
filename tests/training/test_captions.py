"""The whole road of a sentence about a picture: learnt behind the right words, scored without them, converted, said."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from caption_models import LABELS, TINY
from command import says
from PIL import Image

import zoo
from zoo import tasks
from zoo.data import Dataset, Sample
from zoo.data.targets import Sentence
from zoo.errors import InputError
from zoo.training import Result

SETTINGS = {"epochs": 2, "batch_size": 8, "learning_rate": 0.02, "verbose": 0, "tensorboard": False, "jit": False}
SIDE, LENGTH = 32, 3


class Sides(Dataset):
    """The task's toy pictures, dark or bright at each side."""

    name, task, target, classes, ignore, length = "sides", "captioning", Sentence, LABELS, 0, LENGTH

    def __init__(self, count: int, seed: int) -> None:
        task = tasks.get(self.task)
        spec = task.output_spec(LABELS)
        spec.options["length"] = self.length
        self._toy = task.toy_batch((SIDE, SIDE, 3), spec, count, seed)

    def __len__(self) -> int:
        return len(self._toy.images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._toy.images[index].astype(np.uint8), Sentence(self._toy.targets[index]), str(index))


def built(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    encoder = {"encoder": "resnet20", "encoder_options": {"depth": 8, "width": 0.25}, "stride": 4}
    given = {**TINY, **encoder, "input_shape": (SIDE, SIDE, 3), "attention": 6, "length": LENGTH, **options}
    return zoo.build("show_attend_tell", classes=LABELS, **given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Result]:
    model = built()
    result = zoo.train(model, Sides(240, 0), Sides(16, 1), folder=tmp_path_factory.mktemp("captions"), **SETTINGS)
    return model, result


def test_it_learns_to_say_what_is_there(run: tuple[keras.Model, Result]) -> None:
    model, result = run
    scores = zoo.evaluate(model, Sides(24, 2), progress=False).scores
    assert scores["exact_match"] > 0.9 and scores["cider"] > 0, result.rows  # chance: a quarter
    assert result.best["metric"] == "val_exact_match"


def test_the_command_line_converts_and_says(run: tuple[keras.Model, Result], tmp_path: Path, monkeypatch, capsys) -> None:
    path, picture = tmp_path / "caption.tflite", tmp_path / "sides.png"
    Image.fromarray(Sides(1, 3)[0].image).save(picture)
    status, text, error = says(monkeypatch, capsys, "convert", run[1].folder, "--out", path)
    assert status == 0 and "caption.encoder.tflite" in text, text + error
    sentence = " ".join(LABELS[number] for number in Sides(1, 3)[0].target.values if number > LABELS.index("<end>"))
    for model in (path, run[1].folder):
        status, text, error = says(monkeypatch, capsys, "predict", model, picture, "--out", tmp_path / "out")
        assert status == 0 and text.startswith(f"{picture}: {sentence}"), text + error
    assert (tmp_path / "out" / "sides_attention.png").is_file()
    status, text, error = says(monkeypatch, capsys, "write", path, "--picture", picture, "--beams", 2)
    assert status == 0 and text.strip() == sentence, text + error
    status, _, complaint = says(monkeypatch, capsys, "write", path, "-p", "dark")
    assert status == 2 and "writes about a picture" in complaint


def test_other_words_or_another_length_are_an_error() -> None:
    data = Sides(8, 0)
    with pytest.raises(InputError, match=f"build it with length={LENGTH}"):
        zoo.train(built(length=5), data, **SETTINGS)
    data.classes = (*LABELS[:-2], LABELS[-1], LABELS[-2])
    with pytest.raises(InputError, match="says 'blue' where sides has 'spot'"):
        zoo.train(built(), data, **SETTINGS)
