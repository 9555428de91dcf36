"""The whole road of a text: learnt with states carried on, resumed exactly, scored, converted, compared, written on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from interruption import Killed, dies

import converters
import edge
import zoo
import zoo.data
from edge.tflite_file import read_card
from zoo import tasks
from zoo.errors import InputError
from zoo.training import Result, callback

TEXTS = 4  # side by side
SETTINGS = {"epochs": 3, "batch_size": TEXTS, "learning_rate": 0.02, "verbose": 0, "tensorboard": False}
VERSE = "the cat sat on the mat, and the dog ran to the cat.\n"


@dataclass(frozen=True)
class Road:
    """A network that has learnt, its run, and the data's spec."""

    model: keras.Model
    result: Result
    spec: str


def built(spec: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    classes = zoo.data.open(spec, "train").classes
    return zoo.build("char_lstm", classes=classes, units=24, embedding=8, dropout=0.1, carried=TEXTS)


def values(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in model.variables]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "verse.txt").write_text(VERSE * 100, encoding="utf-8")
    spec = f"text:{folder / 'verse.txt'},length=16"
    model = built(spec)
    result = zoo.train(model, *(zoo.data.open(spec, split) for split in ("train", "val")), folder=folder / "run", **SETTINGS)
    return Road(model, result, spec)


def test_it_learns_and_is_scored_in_nats_bits_and_perplexity(road: Road) -> None:
    scores = zoo.evaluate(road.model, zoo.data.open(road.spec, "val"), progress=False)
    nats = scores.headline.value
    assert nats < 1.0 < np.log(len(road.model.layers[-1].labels))  # chance
    assert nats == pytest.approx(road.result.best["score"], rel=1e-5)
    assert scores.scores["bits"] == pytest.approx(nats / np.log(2))
    assert scores.scores["perplexity"] == pytest.approx(np.exp(nats))
    assert scores.headline.text.endswith("nats")


def test_a_run_that_was_killed_ends_bit_equal_states_included(road: Road, tmp_path: Path, monkeypatch) -> None:
    """In the middle of its second epoch: states are carried on from the end of the first."""
    train, val = (zoo.data.open(road.spec, split) for split in ("train", "val"))
    with monkeypatch.context() as patch:
        dies(patch, callback.RunCallback, "on_train_batch_end", len(train) // TEXTS + 9)
        with pytest.raises(Killed):
            zoo.train(built(road.spec), train, val, folder=tmp_path, **SETTINGS)
    again = built(road.spec)
    result = zoo.train(again, train, val, folder=tmp_path, **SETTINGS)
    assert [row["loss"] for row in result.rows] == [row["loss"] for row in road.result.rows]
    for one, other in zip(values(again), values(road.model), strict=True):
        np.testing.assert_array_equal(one, other)
    states = again.get_layer("lstm1").passing_weights
    assert len(states) == 2 and all(keras.ops.convert_to_numpy(state).std() > 0.01 for state in states)


def test_another_batch_than_the_states_are_of_is_an_error(road: Road) -> None:
    with pytest.raises(InputError, match=f"batch_size={TEXTS}"):
        zoo.train(built(road.spec), zoo.data.open(road.spec, "train"), **{**SETTINGS, "batch_size": 8, "jit": False})


def test_the_command_line_converts_compares_and_writes(road: Road, tmp_path: Path, monkeypatch, capsys) -> None:
    path = tmp_path / "verse.tflite"
    arguments = ("-q", "int8", "-c", road.spec, "--out", path)
    status, text, error = says(monkeypatch, capsys, "convert", road.result.folder, *arguments)
    assert status == 0 and "passed" in text, text + error
    assert [state.feedback for state in read_card(path).states] == ["lstm1_h_next", "lstm1_c_next"]
    status, greedy, _ = says(monkeypatch, capsys, "write", path, "-p", "the cat s", "-n", 10, "--temperature", 0)
    assert status == 0 and greedy.startswith("at on the")
    status, best, _ = says(monkeypatch, capsys, "write", path, "-p", "the cat s", "-n", 10, "--beams", 3)
    assert status == 0 and best.startswith("at on the")
    status, _, complaint = says(monkeypatch, capsys, "write", road.result.folder, "-p", "x")
    assert status == 2 and "convert it first" in complaint
    for model in (path, road.result.folder):  # grey levels are no characters
        status, _, complaint = says(monkeypatch, capsys, "predict", model, "photo.png")
        assert status == 2 and "takes no pictures: zoo write" in complaint


def test_the_file_scores_like_the_network(road: Road, tmp_path: Path) -> None:
    task = tasks.get("language_model")
    data = zoo.data.open(road.spec, "val")
    path = converters.to_tflite(task.deployed(road.model), tmp_path / "step.tflite").path
    with edge.Runner(path) as runner:
        file_score, keras_score = (zoo.evaluate(each, data, progress=False).headline.value for each in (runner, road.model))
    assert file_score == pytest.approx(keras_score, rel=1e-4)
