"""`zoo.evaluate`: the scores of networks and of anything else that answers images."""

from __future__ import annotations

import csv
import json
import time

import keras
import numpy as np
import pytest
from rich.console import Console
from training_toys import LABELS, Blocks, network

import zoo
from zoo import tasks
from zoo.data import Dataset, Sample
from zoo.errors import InputError
from zoo.evaluation import evaluate
from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.metrics.instances import SCORES, ObjectScores
from zoo.outputs import kind
from zoo.outputs.class_scores import class_output
from zoo.training import distribution


class Sizes(Dataset):
    """The samples of several data sets, one after the other."""

    name, classes, palette, ignore = "sizes", LABELS, Blocks.palette, 255

    def __init__(self, *parts: Dataset) -> None:
        self._samples = [part[i] for part in parts for i in range(len(part))]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]


def by_hand(model: keras.Model, dataset: Dataset) -> ConfusionMatrix:
    matrix = ConfusionMatrix(dataset.classes, dataset.ignore)
    for i in range(len(dataset)):
        logits = model.predict(dataset[i].image[None].astype("float32"), verbose=0)
        matrix.update(dataset[i].target, logits[0].argmax(-1))
    return matrix


def truth(image: np.ndarray) -> np.ndarray:
    """The class map of a `Blocks` picture by its colours: what a runner would give."""
    red, green = image[..., 0].astype(int), image[..., 1].astype(int)
    return np.where(np.maximum(red, green) < 100, 0, np.where(red > green, 1, 2)).astype(np.uint8)


def test_a_network_is_scored_as_by_hand_whatever_the_sizes():
    data = Sizes(Blocks(3), Blocks(2, size=24), Blocks(2, seed=5))
    model = network()
    found = zoo.evaluate(model, data, batch_size=2, progress=False)
    np.testing.assert_array_equal(found.metrics[0].matrix.counts, by_hand(model, data).counts)
    assert found.images == 7
    assert found.headline.value == found.scores["miou"] == found.metrics[0].matrix.miou
    assert found.ms_per_image > 0


def test_on_a_cpu_large_pictures_go_one_by_one_and_what_is_run_again_for_its_time_is_little(monkeypatch):
    asked: list[int] = []

    def counting(self, pictures):
        asked.append(len(pictures))
        return predict(self, pictures)

    predict = evaluate.Predictor.predict
    monkeypatch.setattr(evaluate.Predictor, "predict", counting)
    monkeypatch.setattr(evaluate, "CPU_PIXELS", 3 * 16 * 16)
    model, data = network(), Sizes(Blocks(4), Blocks(3, size=32))
    for device, batches in (("cpu:0", [3, 3, 1, 1, 1, 1, 1]), ("gpu:0", [4, 4, 3, 3])):
        monkeypatch.setattr(distribution, "devices", lambda device=device: [device])
        found = zoo.evaluate(model, data, workers=1, progress=False)
        assert asked == batches
        np.testing.assert_array_equal(found.metrics[0].matrix.counts, by_hand(model, data).counts)
        asked.clear()
    monkeypatch.setattr(evaluate, "LEAST_TIMED", 1)
    assert zoo.evaluate(model, data, workers=1, progress=False).ms_per_image > 0
    assert asked == [4, 4, 3]


def test_samples_read_ahead_are_scored_each_once_and_in_order():
    class Uneven(Sizes):
        """The first takes longest to read."""

        def __getitem__(self, index: int) -> Sample:
            asked.append(index)
            time.sleep(0.02 * (index == 0))
            return super().__getitem__(index)

    asked: list[int] = []
    seen: list[Sample] = []
    data = Uneven(Blocks(3), Blocks(2, size=24), Blocks(2, seed=5))
    expected = by_hand(network(), data)
    asked.clear()
    found = zoo.evaluate(
        network(), data, batch_size=2, workers=3, progress=False, seen=lambda sample, _: seen.append(sample)
    )
    np.testing.assert_array_equal(found.metrics[0].matrix.counts, expected.counts)
    assert sorted(asked) == list(range(7)) and [s.image.tobytes() for s in seen] == [s.image.tobytes() for s in data]


@pytest.mark.parametrize("workers", [0, 2.5, True])
def test_workers_are_a_whole_number_of_threads(workers):
    with pytest.raises(InputError, match=f"workers={workers}; expected a number of threads, 1 or more"):
        zoo.evaluate(truth, Blocks(), workers=workers, progress=False)


def test_data_of_separate_objects_are_scored_by_these_too():
    data = Blocks(3)
    assert "rand_error" not in zoo.evaluate(truth, data, progress=False).scores
    data.instances = 1
    found = zoo.evaluate(network(), data, progress=False)
    expected = ObjectScores(1, data.ignore)
    for sample in data:
        expected.update(sample.target, network().predict(sample.image[None].astype("float32"), verbose=0)[0].argmax(-1))
    assert {name: found.scores[name] for name in SCORES} == pytest.approx(expected.scores)
    assert found.headline.value == found.scores["miou"]
    assert found.to_dict()["scores"]["rand_error"] == found.scores["rand_error"]


@pytest.mark.parametrize("output", ["probabilities", "class_map", None])
def test_every_head_gives_the_same_scores(output):
    expected = zoo.evaluate(network(), Blocks(), progress=False).metrics[0].matrix.counts
    found = zoo.evaluate(network(output), Blocks(), progress=False).metrics[0].matrix.counts
    np.testing.assert_array_equal(found, expected)


def test_scores_are_resized_to_the_target_and_not_the_target_to_them():
    data, model = Blocks(4, size=32), network()
    found = zoo.evaluate(model, data, size=(16, 16), progress=False)
    assert found.metrics[0].matrix.pixels == sum((data[i].target.values != 255).sum() for i in range(4))
    sample = data[0]
    from PIL import Image

    small = np.asarray(Image.fromarray(sample.image).resize((16, 16), Image.Resampling.BILINEAR), np.float32)
    logits = keras.ops.image.resize(model.predict(small[None], verbose=0), (32, 32), interpolation="bilinear")
    expected = ConfusionMatrix(LABELS, 255)
    expected.update(sample.target, keras.ops.convert_to_numpy(logits)[0].argmax(-1))
    one = zoo.evaluate(model, data, size=(16, 16), limit=1, progress=False)
    np.testing.assert_array_equal(one.metrics[0].matrix.counts, expected.counts)
    assert one.images == 1


def test_class_maps_are_resized_to_the_nearest():
    small = np.arange(6).reshape(1, 2, 3)
    spec = class_output(("a", "b", "c", "d", "e", "f"), output="class_map")
    large = kind(spec).decode(small[0], spec, (4, 6))
    np.testing.assert_array_equal(large, np.repeat(np.repeat(small[0], 2, 0), 2, 1))
    np.testing.assert_array_equal(kind(spec).decode(large, spec, (2, 3)), small[0])


def test_a_model_of_fixed_size_brings_its_own():
    found = zoo.evaluate(network(size=16), Blocks(2, size=32), progress=False)
    assert found.size == (16, 16)
    with pytest.raises(InputError, match="built for 16×16"):
        zoo.evaluate(network(size=16), Blocks(2), size=(32, 32))


def test_a_runner_is_scored_like_a_network():
    found = zoo.evaluate(truth, Blocks(), progress=False)
    assert found.headline.value > 0.6
    assert found.model == "truth"
    upside_down = zoo.evaluate(lambda image: truth(image)[::-1], Blocks(), progress=False)
    assert upside_down.headline.value < 0.5


def test_evaluating_leaves_the_model_as_it_was():
    model = network()
    model.compile(loss="mse", jit_compile=False)
    before = model.get_weights()
    zoo.evaluate(model, Blocks(2), progress=False)
    assert model.loss == "mse"
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_json_csv_and_table(tmp_path):
    data = Blocks(4)
    data.classes = (*LABELS, "never")
    found = zoo.evaluate(truth, data, progress=False)
    told = json.loads(found.to_json(tmp_path / "scores.json").read_text())
    assert told["scores"]["miou"] == found.headline.value
    assert told["classes"][3]["iou"] is None  # nan is not JSON
    with found.to_csv(tmp_path / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == list(data.classes)
    assert float(rows[1]["iou"]) == found.metrics[0].matrix.iou[1]
    console = Console(record=True, width=100)
    console.print(found.table())
    text = console.export_text()
    assert f"{100 * found.headline.value:.1f}" in text
    assert "never" in text


class Empty(Blocks):
    def __len__(self):
        return 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.evaluate(network(), Empty()), "0 samples"),
        (lambda: zoo.evaluate(network(), Blocks(), batch_size=0), "batches of 0"),
        (lambda: zoo.evaluate(network(), Blocks(), limit=0), "0 samples"),
        (lambda: zoo.evaluate(network(classes=4), Blocks()), "toy tells 4 classes apart and blocks has 3"),
        (lambda: zoo.evaluate("fcn8s", Blocks()), "'fcn8s' cannot be evaluated"),
        (lambda: zoo.evaluate(truth, Blocks(), size=(8, 8)), "for Keras models"),
        (
            lambda: zoo.evaluate(lambda image: truth(image)[:-1], Blocks()),
            "blocks 0: targets are 16×16 and predictions 15×16",
        ),
        (lambda: zoo.evaluate(lambda image: truth(image) + 7, Blocks()), "blocks 0: a prediction holds class"),
        (lambda: zoo.evaluate(lambda image: image / 255, Blocks()), "a class map H×W of integers"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_drawing_lays_classes_over_the_image():
    image = np.full((2, 2, 3), 100, np.uint8)
    prediction = np.array([[0, 1], [2, 0]])
    spec = class_output(LABELS, Blocks.palette)
    drawn = kind(spec).draw(image, prediction, spec)
    assert drawn.dtype == np.uint8
    assert drawn[0, 0].tolist() == [100, 100, 100]  # black in the palette: nothing laid over
    assert drawn[0, 1].tolist() == [178, 50, 50]
    assert drawn[1, 0].tolist() == [50, 178, 50]


def test_classification_answers_and_draws():
    spec = tasks.get("classification").output_spec(LABELS, Blocks.palette, "probabilities")
    chance = np.array([0.1, 0.7, 0.2], np.float32)
    np.testing.assert_array_equal(kind(spec).decode(chance, spec, (64, 96)), chance)
    image = np.zeros((64, 96, 3), np.uint8)
    assert kind(spec).draw(image, chance, spec).max() > 200
    assert not image.any()
