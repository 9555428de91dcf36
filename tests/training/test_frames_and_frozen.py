"""A class of every frame, learnt from what came before; and layers that learn nothing."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
import zoo.data
from zoo import tasks
from zoo.analysis.tiny_models import fit_toy, tiny_model, toy_batch
from zoo.errors import InputError
from zoo.outputs import kind


def frame_accuracy(model: keras.Model, films: np.ndarray, labels: np.ndarray) -> float:
    return float((np.asarray(model(films)).argmax(-1)[:, 0] == labels).mean())


@pytest.fixture(scope="module")
def learnt() -> keras.Model:
    """Films grow brighter or darker from frame to frame: no frame alone tells."""
    model = tiny_model("frame_labels", input_shape=(32, 32, 18))
    fit_toy(model, toy_batch(model, 96), 100)
    return model


class TestFrames:
    def test_it_remembers_what_it_saw(self, learnt: keras.Model) -> None:
        test = toy_batch(learnt, 64, seed=5)
        right = frame_accuracy(learnt, test.images, test.targets)
        most = max(np.mean(test.targets == label) for label in range(5))
        assert right > most + 0.15
        order = np.random.default_rng(0).permutation(6)
        frames = np.stack(np.split(test.images, 6, axis=-1), axis=1)[:, order]
        shuffled = np.concatenate(list(np.moveaxis(frames, 1, 0)), axis=-1)
        assert frame_accuracy(learnt, shuffled, test.targets[:, order]) < right - 0.1  # the same frames, another story

    def test_its_file_says_the_same_of_a_film(self, learnt: keras.Model, tmp_path: Path) -> None:
        films = toy_batch(learnt, 16, seed=6).images
        for recipe, allowed in (("float32", 1e-4), ("int8", 0.15)):
            measured = films if recipe == "int8" else None
            path = converters.to_tflite(learnt, tmp_path / "film.tflite", recipe, calibration=measured).path
            with edge.Runner(path) as runner:
                spec = runner.card.spec
                shares = np.stack([runner(np.split(film.astype(np.uint8), 6, axis=-1)) for film in films])
            expected = kind(spec).decode(np.asarray(learnt(films)), spec, (32, 32)).reshape(shares.shape)
            assert np.abs(shares - expected).max() < allowed, recipe

    def test_films_of_scenes_are_learnt_and_scored(self) -> None:
        data = zoo.data.open("scenes_events:count=12,size=32", "train")
        keras.utils.set_random_seed(0)
        options = {"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 4, "units": 16}
        model = zoo.build("frame_labels", classes=data.classes, input_shape=(32, 32, 18), **options)
        result = zoo.train(model, data, epochs=3, batch_size=6, learning_rate=5e-3, verbose=0, tensorboard=False)
        assert result.rows[-1]["loss"] < result.rows[0]["loss"] < 2 * np.log(5)
        scores = zoo.evaluate(model, data, progress=False)
        assert scores.task is tasks.get("frame_labels") and list(scores.scores) == ["frame_accuracy", "mean_accuracy"]
        answers = [np.asarray(model(sample.image[None].astype("float32")))[0, 0].argmax(-1) for sample in data]
        right = np.mean([np.asarray(sample.target) == answer for sample, answer in zip(data, answers, strict=True)])
        assert scores.headline.value == pytest.approx(right)


class TestFrozen:
    def test_frozen_layers_stay_as_they_are(self) -> None:
        data = zoo.data.open("scenes_questions:count=8", "train")
        keras.utils.set_random_seed(0)
        model = tiny_model("vqa", classes=data.classes)
        before = {variable.path: keras.ops.convert_to_numpy(variable) for variable in model.variables}
        settings = {"epochs": 1, "batch_size": 4, "verbose": 0, "tensorboard": False}
        zoo.train(model, data, frozen="stem*,stage*", **settings)
        assert all(layer.trainable for layer in model.layers)
        for variable in model.variables:
            held = variable.path.startswith(("stem", "stage"))
            same = np.array_equal(before[variable.path], keras.ops.convert_to_numpy(variable))
            assert same or not held, variable.path
        assert not np.array_equal(before["meet/kernel"], model.get_layer("meet").get_weights()[0])
        with pytest.raises(InputError, match="'trunk' matches no layer with weights"):
            zoo.train(model, data, frozen="stem*,trunk", **settings)
