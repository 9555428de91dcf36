"""The whole road of answers that are no classes: train, evaluate, convert, compare, check, run, draw, show; no edit elsewhere.

A toy kind with a toy task, network and data, which nothing in the packages knows; a denoiser, saliency, and optical flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from app_visit import NEEDS, Open
from command import says
from PIL import Image
from relief_toy import NETWORK, SIZE, Hills, entered

import converters
import edge
import zoo
import zoo.data
from edge.gpu.remote import PRECISIONS
from edge.gpu.vulkan import driver
from edge.hosting.site import DIST
from edge.tflite_file import read_card
from zoo import outputs
from zoo.data import Dataset
from zoo.training import Result

pytest_plugins = ["app_fixtures"]
pytestmark = pytest.mark.early


@dataclass(frozen=True)
class Road:
    """One way to walk: a trained network, its data, and its files."""

    model: keras.Model
    result: Result
    before: float
    test: Dataset
    files: dict[str, Path]

    def images(self, count: int) -> np.ndarray:
        return np.stack([self.test[index].image for index in range(count)]).astype("float32")


def opened(spec: str, size: int) -> tuple[Dataset, Dataset]:
    return tuple(zoo.data.open(f"{spec}:count=64,size={size}", split) for split in ("train", "test"))


WALKS = {
    "heights": (entered, NETWORK, {}, lambda: (Hills(), Hills(12, seed=1)), {"epochs": 8, "learning_rate": 0.02}),
    "denoising": (nullcontext, "tiny_denoiser", {"width": 0.5}, lambda: opened("scenes_denoising", 32), {"epochs": 6}),
    "saliency": (
        nullcontext,
        "saliency_lite",
        {"encoder_options": {"width": 0.1}, "decoder_channels": (16, 8)},
        lambda: opened("scenes_saliency", 64),
        {"epochs": 6, "learning_rate": 5e-3},
    ),
    "enlarging": (nullcontext, "pocket_sr_small", {"width": 8}, lambda: opened("scenes_superres", 32), {"epochs": 3}),
    "film": (nullcontext, "video_sr", {"width": 8}, lambda: opened("scenes_film", 32), {"epochs": 2}),
    "flow": (nullcontext, "tiny_flow", {"width": 0.5}, lambda: opened("scenes_flow", 64), {"epochs": 4}),
}


@pytest.fixture(scope="module", params=WALKS)
def road(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    context, name, options, data, settings = WALKS[request.param]
    folder = tmp_path_factory.mktemp("walk")
    with context():
        train, test = data()
        keras.utils.set_random_seed(0)
        model = zoo.build(name, **options)
        before = zoo.evaluate(model, test, progress=False).headline.value
        result = zoo.train(
            model, train, test, folder=folder / "run", batch_size=8, tensorboard=False, verbose=0, **settings
        )
        height, width = train[0].image.shape[:2]
        images = np.stack([train[index].image for index in range(32)]).astype("float32")
        files = {}
        for recipe in ("float32", "int8"):
            measured = images if recipe == "int8" else None
            path = folder / f"{recipe}.tflite"
            files[recipe] = converters.to_tflite(model, path, recipe, (height, width), calibration=measured).path
        yield Road(model, result, before, test, files)


def test_it_learns_and_is_scored_in_its_own_units(road: Road) -> None:
    found = zoo.evaluate(road.model, road.test, progress=False)
    assert found.headline.value == road.result.best["score"] and found.headline.better_than(road.before)
    assert found.headline.unit and found.headline.text.endswith(found.headline.unit)
    again = zoo.load(road.result.folder / "model.keras")
    assert zoo.output_spec(again) == zoo.output_spec(road.model)


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_the_file_says_the_same_on_cpu_and_gpu(road: Road, recipe: str, precisions: tuple[str, ...]) -> None:
    path, spec = road.files[recipe], zoo.output_spec(road.model)
    card = read_card(path)
    assert (card.spec.kind, card.spec.unit, card.spec.range) == (spec.kind, spec.unit, spec.range)
    found = converters.parity(road.model, path, road.images(4))
    assert found.passed, str(found)
    wrong = converters.parity(road.model, lambda image: road.model(image).numpy()[:, ::-1], road.images(4))
    assert not wrong.passed
    if driver() is not None:
        tried = precisions if recipe == "float32" else PRECISIONS[1:]  # every graph in both, another file as a phone runs it
        verdict = edge.gpu_check(path, list(road.images(2)), precisions=tried)
        assert verdict.ok, verdict.report()


def test_the_runner_scores_like_the_network_and_draws(road: Road, tmp_path: Path) -> None:
    with edge.Runner(road.files["float32"]) as runner:
        keras_score, file_score = (zoo.evaluate(each, road.test, progress=False).headline for each in (road.model, runner))
        assert file_score.value == pytest.approx(keras_score.value, rel=1e-2)
        picture = road.test[0].image
        answer, spec = runner(picture), runner.card.spec
    kind = outputs.kind(spec)
    drawn = kind.draw(picture[..., :3], answer, spec)
    sides = ((spec.scale or 1) * side for side in picture.shape[:2])
    assert drawn.shape == (*sides, 3) and drawn.dtype == np.uint8 and drawn.std() > 1
    assert kind.describe(answer, spec) and kind.write(answer, spec, tmp_path / "answer").stat().st_size > 0


def test_the_command_line_predicts_and_times(road: Road, tmp_path: Path, monkeypatch, capsys) -> None:
    image = road.test[0].image
    photos = []
    for frame in range(image.shape[-1] // 3):
        photos.append(tmp_path / f"photo{frame}.png")
        Image.fromarray(image[..., 3 * frame : 3 * frame + 3]).save(photos[-1])
    status, text, _ = says(monkeypatch, capsys, "predict", road.files["int8"], *photos, "--out", tmp_path / "out")
    assert status == 0 and "photo0" in text
    assert len(list((tmp_path / "out").glob("photo0_overlay.png"))) == 1 and len(list((tmp_path / "out").iterdir())) == 2
    status, text, _ = says(monkeypatch, capsys, "benchmark", road.files["int8"], "-t", 1)
    assert status == 0 and road.files["int8"].name in text


def test_a_file_of_a_toy_kind_is_as_large_as_its_toy_says(tmp_path: Path) -> None:
    with entered() as name:
        model = zoo.build(name)
        path = converters.to_tflite(model, tmp_path / "relief.tflite", input_size=SIZE).path
    card = read_card(path)  # the file outlives what it was made by
    assert (card.task, card.spec.kind, card.spec.unit, card.labels) == ("relief", "heights", "m", ())



@pytest.mark.parametrize("recipe", ["float32", "int8"])
class TestInBrowser:
    pytestmark = NEEDS

    def test_the_page_shows_what_the_runner_answers(self, road: Road, recipe: str, visit: Open, tmp_path: Path) -> None:
        path = road.files[recipe]
        spec = read_card(path).spec
        if not (DIST.parent / "src" / "outputs" / f"{spec.kind}.ts").is_file():
            pytest.skip("a kind that the app was not built with: tests/app/test_new_kind.py builds it one")
        image = road.test[0].image
        frames = [tmp_path / f"frame{index}.png" for index in range(image.shape[-1] // 3)]
        for index, frame in enumerate(frames):
            Image.fromarray(image[..., 3 * index : 3 * index + 3]).save(frame)
        opened = visit().ready().bring(path)
        opened.open(*frames)
        with edge.Runner(path) as runner:
            expected = runner(image)
        saved = opened.saved("#save-mask")
        if saved.suffix == ".flo":
            shown = np.frombuffer(saved.read_bytes()[12:], "<f4").reshape(expected.shape)
            np.testing.assert_allclose(shown, expected, atol=0.02 * np.abs(expected).max())
        else:
            written = outputs.kind(spec).write(expected, spec, tmp_path / "expected")
            pair = [np.asarray(Image.open(each).convert("RGB")).astype(int) for each in (saved, written)]
            assert np.abs(np.subtract(*pair)).max() <= 2
