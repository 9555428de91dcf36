"""Networks that are asked: what they look at, what a device is given, and the whole road of a file."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from PIL import Image

import converters
import edge
import zoo
import zoo.data
from edge.gpu.vulkan import driver
from zoo import tasks
from zoo.data.sheets import CHOICES
from zoo.errors import InputError
from zoo.layers import SheetPart, parts_network

SPEC = "scenes_questions:count=24"
OPTIONS = {"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 8, "units": 12, "embedding": 8, "blocks": 1}
TASK = tasks.get("question_answering")


@pytest.fixture(scope="module")
def data() -> zoo.data.Dataset:
    return zoo.data.open(SPEC, "train")


@pytest.fixture(scope="module")
def model(data: zoo.data.Dataset) -> keras.Model:
    """Untrained, but with vectors so large that it says something."""
    keras.utils.set_random_seed(0)
    network = zoo.build("vqa", classes=data.classes, **OPTIONS)
    for name, factor in (("embedding", 6), ("score", 6)):
        layer = network.get_layer(name)
        layer.set_weights([factor * weight for weight in layer.get_weights()])
    return network


@pytest.fixture(scope="module")
def sheets(data: zoo.data.Dataset) -> np.ndarray:
    return np.stack([sample.image for sample in data]).astype("float32")


def test_a_device_is_given_what_the_sheet_holds(model: keras.Model, data: zoo.data.Dataset, sheets: np.ndarray) -> None:
    parts = parts_network(model)
    assert [tensor.name for tensor in parts.inputs] == ["picture", "question", "answers"]
    assert all(one is other for one, other in zip(parts.weights, model.weights, strict=True))
    given = TASK.calibration(data, len(data), (1, 1))
    answer = parts([given["picture"].astype("float32"), given["question"], given["answers"]])
    np.testing.assert_allclose(answer, model(sheets), atol=1e-5)
    assert np.asarray(answer).std() > 0.05
    with pytest.raises(InputError, match="takes no sheet"):
        parts_network(zoo.build("tiny_denoiser", width=0.25))


def test_every_part_of_a_sheet_counts_and_a_blind_one_sees_no_picture(
    model: keras.Model, data: zoo.data.Dataset, sheets: np.ndarray
) -> None:
    blind = zoo.build("vqa", classes=data.classes, blind=True, **OPTIONS)
    names = {layer.name for layer in blind.layers}
    assert not any(name.startswith("stem") for name in names)
    other = sheets[::-1]
    height = sheets.shape[1] - 1 - CHOICES
    picture, question = sheets.copy(), sheets.copy()
    picture[:, :height], question[:, height] = other[:, :height], other[:, height]
    for network, sees in ((model, True), (blind, False)):
        own = np.asarray(network(sheets))
        assert (np.abs(own - network(picture)).max() > 1e-3) == sees
        assert np.abs(own - network(question)).max() > 1e-5
    turned = sheets.copy()
    turned[:, height + 1 :] = sheets[:, :height:-1]  # answers in another order get the same scores in that order
    np.testing.assert_allclose(model(turned), np.asarray(model(sheets))[:, ::-1], atol=1e-4)


def test_what_has_no_room_is_an_error() -> None:
    with pytest.raises(InputError, match="need more room"):
        zoo.build("vqa", classes=9, input_shape=(40, 32, 3), longest=(40, 2))
    with pytest.raises(InputError, match="<padding> and words"):
        zoo.build("vqa", classes=("red", "blue"))
    with pytest.raises(InputError, match="rows"):
        SheetPart((3, 9))(keras.Input((8, 8, 3)))


@pytest.fixture(scope="module")
def paths(model: keras.Model, data: zoo.data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("questions")
    return {
        recipe: converters.device_files(model, folder / f"{recipe}.tflite", recipe, data=data)[0].path
        for recipe in ("float32", "float16", "int8")
    }


class TestFiles:
    def test_they_answer_as_the_network_does(self, model, data, sheets, paths: dict[str, Path]) -> None:
        expected = np.asarray(keras.ops.softmax(model(sheets)))
        for recipe, allowed in (("float32", 1e-5), ("float16", 2e-3), ("int8", 0.1)):
            with edge.Runner(paths[recipe]) as runner:
                shares = np.stack([runner(TASK.asked(sample.image)) for sample in data])
            assert np.abs(shares - expected).max() < allowed, recipe
        own = zoo.evaluate(model, data, progress=False).scores
        with edge.Runner(paths["float32"]) as runner:
            assert zoo.evaluate(runner, data, progress=False).scores == own
        assert own["chance"] == 1 / CHOICES and own["gap"] == pytest.approx(own["choice_accuracy"] - own["blind"])

    def test_they_are_whole_on_the_gpu(self, data, paths: dict[str, Path]) -> None:
        if driver() is None:
            pytest.skip("no Vulkan driver for the GPU accelerator")
        samples = {name: array[:2] for name, array in TASK.calibration(data, 2, (1, 1)).items()}
        for recipe in ("float16", "int8"):
            verdict = edge.gpu_check(paths[recipe], samples, precisions=("float32",))
            assert verdict.ok, verdict.report()

    def test_one_asks_in_words(self, data, paths: dict[str, Path]) -> None:
        source, index = data.source, 4
        asked, picture = source.asked(index), source.scene(index).image
        with edge.Runner(paths["float32"]) as runner:
            shares = edge.ask(runner, picture, " ".join(asked.words), asked.answers)
            np.testing.assert_allclose(shares, runner(TASK.asked(data[index].image)), atol=1e-6)
            large = edge.ask(runner, picture.repeat(2, 0).repeat(2, 1), " ".join(asked.words), asked.answers)
            assert np.abs(large - shares).max() < 0.1
            for question, answers, message in (
                ("what is the zebra ?", asked.answers, "'zebra' is none of"),
                ("what " * 13, asked.answers, "of 13 words; 'question' has room for 1 to 12"),
                ("what is up ?", ["one", "two"], "2 answers given; .* chooses among 4"),
                ("what is up ?", ["", "one", "two", "three"], "'' is of 0 words"),
            ):
                with pytest.raises(InputError, match=message):
                    edge.ask(runner, picture, question, answers)

    def test_the_command_line_asks(self, model, data, paths: dict[str, Path], tmp_path: Path, monkeypatch, capsys) -> None:
        source, picture, saved = data.source, tmp_path / "scene.png", tmp_path / "asked.keras"
        asked = source.asked(3)
        Image.fromarray(source.scene(3).image).save(picture)
        model.save(saved)
        question = ("--question", " ".join(asked.words), "--answers", ",".join(asked.answers), "--out", tmp_path / "out")
        with edge.Runner(paths["float32"]) as runner:
            shares = edge.ask(runner, source.scene(3).image, " ".join(asked.words), asked.answers)
        expected = f"{picture}: {asked.answers[int(np.argmax(shares))]}: {100 * shares.max():.1f} %"
        for file in (paths["float32"], saved):
            status, text, error = says(monkeypatch, capsys, "predict", file, picture, *question)
            assert status == 0 and text.splitlines()[0] == expected, text + error
        rows = (tmp_path / "out" / "scene_choices.csv").read_text().splitlines()
        assert [row.split(",")[0] for row in rows[1:]] == [f'"{answer}"' for answer in asked.answers]
        for arguments, complaint in (
            ((), "is asked in words: give --question"),
            (("--question", "what is up ?"), "--question and --answers go together"),
            (("--question", "what is the zebra ?", *question[2:4]), "'zebra' is none of"),
            (("--question", "what is up ?", "--answers", "one,two"), "2 answers given; .* chooses among 4"),
            ((*question[:4], "--flip"), "leave out what else was given"),
            (("--text", "what is up ?"), "is asked in words: give --question"),
        ):
            for file in (paths["float32"], saved):
                status, _, error = says(monkeypatch, capsys, "predict", file, picture, *arguments)
                assert status == 2 and re.search(complaint, error.replace("\n", " ")), error
        status, _, error = says(monkeypatch, capsys, "predict", "unet_lite.ccp:int8", picture, *question)
        assert status == 2 and "is asked nothing in words; leave out --question" in error
