"""The two files of a network that says sentences: they say what Keras says, whole on the GPU, in int8 too."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from caption_models import LABELS, LENGTH, OPTIONS, blobs, captioner

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from edge.sentences import encoder_path
from zoo.data import Dataset, Sample
from zoo.data.targets import Sentence
from zoo.errors import InputError

LEAST = 0.8  # of the words that int8 and float32 say alike behind the same words, of networks that nobody trained


class Said(Dataset):
    """Pictures with what a network says of them."""

    name, task, target, classes, ignore = "said", "captioning", Sentence, LABELS, 0

    def __init__(self, model: keras.Model, pictures: np.ndarray) -> None:
        self._pictures = pictures
        self._words = keras.ops.convert_to_numpy(model(pictures.astype("float32"))).argmax(axis=-1)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._pictures[index], Sentence(self._words[index]), str(index))


@pytest.fixture(scope="module", params=sorted(OPTIONS))
def model(request: pytest.FixtureRequest) -> keras.Model:
    return captioner(request.param)


@pytest.fixture(scope="module")
def paths(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, data = tmp_path_factory.mktemp("captions"), Said(model, blobs(12))
    recipes = ("float32", "int8") if model.name == "show_attend_tell" else ("float32",)
    return {
        recipe: converters.device_files(model, folder / f"{recipe}.tflite", recipe, data=data, input_size=(64, 64))[0].path
        for recipe in recipes
    }


def test_they_say_what_keras_says(model: keras.Model, paths: dict[str, Path]) -> None:
    data = Said(model, blobs(8, seed=5))
    with edge.Runner(paths["float32"]) as runner:
        assert zoo.evaluate(runner, data, progress=False).scores["exact_match"] == 1
        pictures = blobs(8, seed=5).astype("float32")
        verdict = converters.parity(model, lambda picture: runner.said(picture[0])[None], pictures)
        assert verdict.passed, verdict
        assert edge.say(runner, blobs(1)[0], beams=4).text and runner.meaning == zoo.output_spec(model)
    if "int8" not in paths:
        return
    with edge.Runner(paths["int8"]) as runner:
        verdict = converters.parity(model, lambda picture: runner.said(picture[0])[None], pictures, recipe="int8")
        assert verdict.outputs[0].measures["agreement"] >= LEAST, verdict


def test_both_are_whole_on_the_gpu(paths: dict[str, Path]) -> None:
    if driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator")
    for recipe, path in paths.items():
        verdicts = edge.gpu_check(path, precisions=["float32"]), edge.gpu_check(
            encoder_path(path), list(blobs(2)), precisions=["float32"]
        )
        for verdict in verdicts:
            assert verdict.ok, f"{recipe}: {verdict.report()}"


def test_where_it_looked_is_drawn_word_by_word(model: keras.Model, paths: dict[str, Path]) -> None:
    picture = blobs(1)[0]
    with edge.Runner(paths["float32"]) as runner:
        sheets, saying = runner.sheets(picture), edge.say(runner, picture)
    if model.name == "show_and_tell":
        assert sheets == {} and saying.looks is None
        return
    assert saying.looks.shape == (len(saying.words), 8, 8) and len(saying.words) <= LENGTH
    np.testing.assert_allclose(saying.looks.sum(axis=(1, 2)), 1, atol=1e-4)
    sheet = sheets["attention"]
    assert sheet.dtype == np.uint8 and sheet.shape[1] >= min(6, len(saying.words)) * 64


def test_what_is_missing_or_anothers_is_an_error(model: keras.Model, paths: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(paths["float32"].read_bytes())
    with edge.Runner(alone) as runner, pytest.raises(InputError, match=r"goes on from what alone\.encoder\.tflite makes"):
        runner(blobs(1)[0])
    encoder_path(alone).write_bytes(paths["float32"].read_bytes())
    with edge.Runner(alone) as runner, pytest.raises(InputError, match="take the encoder that was converted with it"):
        runner(blobs(1)[0])
    with edge.Runner(paths["float32"]) as runner, pytest.raises(InputError, match="writes about a picture"):
        edge.write_on(runner, "a", 3)
    with edge.Runner(encoder_path(paths["float32"])) as runner, pytest.raises(InputError, match="says no sentences"):
        edge.say(runner, blobs(1)[0])
