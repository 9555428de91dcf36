"""Asking a network mirrored, at several scales and tile by tile."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console
from tiny_models import tiny
from training_toys import LABELS, Blocks, network

import zoo
import zoo.data
from zoo.analysis.receptive_field import receptive_field
from zoo.cli import main
from zoo.cli.arguments import open_predictor
from zoo.errors import InputError
from zoo.evaluation.predictor import Predictor, Procedure, TestTimeAugmentation, Tiling, tiled
from zoo.layers import ModelOutput
from zoo.outputs.class_scores import class_output


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Coarse noise and fine, uint8 RGB."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(0, 200, (-(-height // 16), -(-width // 16), 3)), np.ones((16, 16, 1)))
    return (coarse[:height, :width] + rng.integers(0, 55, (height, width, 3))).astype(np.uint8)


def small_field(size: tuple | None = None) -> keras.Model:
    """Pooled to stride 4 and back, with a receptive field of some 30 pixels."""
    keras.utils.set_random_seed(1)
    image = keras.Input((*(size or (None, None)), 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    for _ in range(2):
        x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", bias_initializer="ones")(x)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = zoo.layers.ResizeLike()([x, image])
    x = keras.layers.Conv2D(3, 1, kernel_initializer="he_normal")(x)
    return keras.Model(image, ModelOutput("segmentation", class_output(LABELS))(x))


def ask(
    model: keras.Model, *pictures: np.ndarray, size: tuple[int, int] | None = None, tiling: Tiling | None = None, **views
) -> np.ndarray:
    return Predictor(model, size, TestTimeAugmentation(**views), tiling).predict(pictures)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponent = np.exp(logits - logits.max(-1, keepdims=True))
    return exponent / exponent.sum(-1, keepdims=True)


@pytest.mark.parametrize("size", [(160, 224), (148, 200), (100, 300), (64, 88)])
def test_tiles_give_the_whole_answer_where_the_overlap_covers_the_field(size: tuple[int, int]) -> None:
    model = small_field()
    field = max(receptive_field(model, size))
    shot = picture(*size)
    whole, parts = ask(model, shot), ask(model, shot, tiling=Tiling((96, 96), 64))
    assert 2 * field <= 64
    np.testing.assert_allclose(parts, whole, atol=1e-4 * whole.std())


def test_with_less_overlap_the_inside_of_tiles_is_right_and_seams_are_blended() -> None:
    model, shot = small_field(), picture(128, 352)
    whole = ask(model, shot)
    error = {overlap: np.abs(ask(model, shot, tiling=Tiling((128, 96), overlap)) - whole).max((0, 1, 3)) for overlap in (0, 32)}
    assert error[0].max() > 0.1 * whole.std(), "without overlap tiles do not know their surroundings"
    assert error[32].max() < 0.5 * error[0].max()
    for start in range(0, 257, 64):  # the middle of each tile is beyond the reach of its border
        assert error[32][start + 40 : start + 56].max() < 1e-4 * whole.std()


def test_seams_fade_from_one_tile_to_the_next() -> None:
    """Tiles that answer their own number: along a row the answer goes up in steps of the fade and never jumps."""
    number = iter(range(100))

    def count(images: np.ndarray) -> np.ndarray:
        return np.full((*images.shape[:3], 1), next(number), np.float32)

    row = tiled(count, np.zeros((1, 128, 320, 3)), (128, 128), 64)[0, 10, :, 0]
    assert row[0] == 0 and row[-1] == 3
    steps = np.diff(row)
    assert steps.min() >= 0 and steps.max() == pytest.approx(1 / 32)
    assert (row[64:80] == 0).all() and (row[112:128] == 1).all(), "the outer quarter of an overlap is the neighbour's"


@pytest.mark.parametrize("pixels", [64, 65, 96, 127, 128, 200, 321])
@pytest.mark.parametrize("exact", [False, True])
def test_tiles_cover_every_pixel_once(pixels: int, exact: bool) -> None:
    seen = []

    def ones(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape[2])
        return np.ones((*images.shape[:3], 1), np.float32)

    total = tiled(ones, np.zeros((2, 64, pixels, 3)), (64, 64), 32, exact)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert set(seen) == {64} if exact else min(seen) >= 64 and max(seen) < 96


def test_a_network_of_fixed_size_sees_large_pictures_in_its_tiles() -> None:
    fixed, free = small_field((96, 96)), small_field()
    free.set_weights(fixed.get_weights())
    shot = picture(160, 224)  # both sides a multiple of 32 beyond the tile, so that its tiles lie on the grid as well
    parts = ask(fixed, shot, tiling=Tiling((96, 96), 64))
    np.testing.assert_allclose(parts, ask(free, shot), atol=1e-4 * parts.std())


def test_averaging_is_over_probabilities_of_views_brought_back() -> None:
    model, shots = network(), [picture(32, 48, seed) for seed in (0, 1)]
    views = [softmax(ask(model, *shots)), softmax(ask(model, *(shot[:, ::-1] for shot in shots)))[:, :, ::-1]]
    double = ask(model, *shots, size=(64, 96))
    double = keras.ops.convert_to_numpy(keras.ops.image.resize(double, (32, 48), interpolation="bilinear"))
    flipped = ask(model, *shots, flip=True)
    np.testing.assert_allclose(flipped, np.mean(views, axis=0), atol=1e-6)
    np.testing.assert_allclose(flipped.sum(-1), 1, atol=1e-5)
    assert np.abs(flipped - views[0]).max() > 1e-3
    scaled = ask(model, *shots, scales=(1, 2))
    np.testing.assert_allclose(scaled, (views[0] + softmax(double)) / 2, atol=1e-6)


@pytest.mark.parametrize("output", ["probabilities", "class_map", None])
def test_whatever_the_head_the_average_is_of_probabilities(output: str | None) -> None:
    shot, told = picture(32, 48), {"flip": True, "scales": (0.5, 1)}
    np.testing.assert_allclose(ask(network(output), shot, **told), ask(network(), shot, **told), atol=1e-6)


def test_tiles_and_averaging_go_together() -> None:
    model, shot = small_field(), picture(96, 160)
    told = {"flip": True, "scales": (1, 1.5)}
    parts, whole = ask(model, shot, **told, tiling=Tiling((96, 96), 64)), ask(model, shot, **told)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_classifiers_are_averaged_too() -> None:
    model, shot = tiny("mobilenet_v2"), picture(97, 131)
    views = [softmax(ask(model, view)) for view in (shot, shot[:, ::-1])]
    np.testing.assert_allclose(ask(model, shot, flip=True), np.mean(views, axis=0), atol=1e-6)


def test_a_symmetric_picture_gets_a_symmetric_answer() -> None:
    shot = picture(32, 24)
    shot = np.concatenate([shot, shot[:, ::-1]], axis=1)
    averaged, plain = ask(network(), shot, flip=True), softmax(ask(network(), shot))
    np.testing.assert_allclose(averaged, averaged[:, :, ::-1], atol=1e-6)
    assert np.abs(plain - plain[:, :, ::-1]).max() > 1e-2


def test_evaluation_says_how_it_asked(tmp_path) -> None:
    data, model = Blocks(4), network()
    plain = zoo.evaluate(model, data, progress=False)
    same = zoo.evaluate(model, data, tta=TestTimeAugmentation(), progress=False)
    np.testing.assert_array_equal(same.metrics[0].matrix.counts, plain.metrics[0].matrix.counts)
    asked = zoo.evaluate(model, data, tta=TestTimeAugmentation(flip=True, scales=(0.75, 1)), boundary=1.5, progress=False)
    assert (asked.metrics[0].matrix.counts != plain.metrics[0].matrix.counts).any()
    assert asked.metrics[0].matrix.pixels == plain.metrics[0].matrix.pixels
    told = json.loads(asked.to_json(tmp_path / "scores.json").read_text())
    assert told["procedure"] == "scales 0.75, 1; mirrored too"
    assert told["scores"]["boundary_f_score"] == asked.metrics[1].boundary.mean_f_score
    assert told["boundary_tolerance"] == 1.5
    assert told["classes"][1]["boundary_f_score"] == asked.metrics[1].boundary.f_score[1]
    assert "boundary_f_score" not in plain.scores and str(plain.procedure) == "single scale"
    console = Console(record=True, width=110)
    console.print(asked.table())
    text = console.export_text()
    assert "scales 0.75, 1; mirrored too" in text and "boundary F" in text


def test_a_procedure_of_0_1_asks_as_it_did() -> None:
    data, model = Blocks(4), network()
    with pytest.warns(DeprecationWarning, match=r"Procedure is now TestTimeAugmentation and Tiling.*0\.3"):
        procedure = Procedure(flip=True, scales=(0.75, 1), tile=(64, 64), overlap=32)
    old = zoo.evaluate(model, data, procedure=procedure, progress=False)
    how = {"tta": TestTimeAugmentation(flip=True, scales=(0.75, 1)), "tiling": Tiling((64, 64), 32)}
    assert old.scores == zoo.evaluate(model, data, **how, progress=False).scores
    assert old.procedure == "scales 0.75, 1; mirrored too; tiles of 64×64 overlapping by 32"


def test_contours_are_scored_on_each_image() -> None:
    found = zoo.evaluate(network(), Blocks(4), boundary=1.5, progress=False)
    by_hand = zoo.metrics.confusion_matrix.BoundaryScores(LABELS, 255, 1.5)
    for sample in map(Blocks(4).__getitem__, range(4)):
        by_hand.update(sample.target, ask(network(), sample.image)[0].argmax(-1))
    np.testing.assert_allclose(found.metrics[1].boundary.f_score, by_hand.f_score, atol=1e-12)


def test_the_command_line_asks_as_it_is_told(tmp_path, monkeypatch, capsys) -> None:
    model = zoo.build("unet", 6, (None, None, 3), width=1 / 64)
    model.save(tmp_path / "unet.keras")
    arguments = "evaluate unet.keras --data scenes:count=3,size=96 --flip --scales 0.75,1 --tiles 64 --overlap 32 --boundary"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["zoo", *arguments.split(), "--out", "scores.json"])
    with pytest.raises(SystemExit):
        main()
    told = json.loads((tmp_path / "scores.json").read_text())
    assert told["procedure"] == "scales 0.75, 1; mirrored too; tiles of 64×64 overlapping by 32"
    how = {"tta": TestTimeAugmentation(flip=True, scales=(0.75, 1)), "tiling": Tiling((64, 64), 32)}
    data = zoo.data.open("scenes:count=3,size=96", "test")
    expected = zoo.evaluate(model, data, **how, boundary=0.0075, progress=False).scores
    assert told["scores"] == pytest.approx(expected, nan_ok=True)
    predictor, _ = open_predictor(Path("unet.keras"), **how)
    scores = Predictor(model, None, **how).predict([data[0].image])[0]
    np.testing.assert_array_equal(predictor(data[0].image), scores.argmax(-1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TestTimeAugmentation(scales=()), "positive factors"),
        (lambda: TestTimeAugmentation(scales=(1, 0)), "positive factors"),
        (lambda: Tiling((64, 128), 48), "at least 32 pixels larger"),
        (lambda: Tiling((64, 64), overlap=-1), "overlap=-1"),
        (lambda: Predictor(small_field((96, 96)), tta=TestTimeAugmentation(scales=(0.5,))), "built for 96×96"),
        (lambda: Predictor(small_field((96, 96)), tiling=Tiling((128, 128))), "tiles of 128×128: .*96×96"),
        (lambda: Predictor(tiny("mobilenet_v2", size=None), tiling=Tiling((128, 128))), "one answer a picture"),
        (lambda: ask(small_field((96, 96)), picture(64, 200), tiling=Tiling((96, 96), 64)), "64 pixels is smaller"),
        (lambda: zoo.evaluate(lambda image: image, Blocks(), tta=TestTimeAugmentation(flip=True)), "for Keras models"),
    ],
)
def test_what_cannot_be_asked_is_refused(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
