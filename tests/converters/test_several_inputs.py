"""Models of several inputs on the whole road: other people's pictures beside numbers, bytes and tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from converter_models import pictures

import converters
import edge
import zoo
from converters.graph import distance
from converters.input_arrays import as_called, model_inputs
from edge.gpu.vulkan import driver
from edge.tflite_file import read_card
from zoo.errors import InputError

L = keras.layers
SIZE, COUNT = (16, 16), 12
RECIPES = {"float32": 1e-5, "float16": 0.01, "dynamic": 0.03, "int8": 0.1}  # → how far off, in units of the spread


def seen(image: Any) -> Any:
    """A picture as eight numbers."""
    x = L.Conv2D(8, 3, strides=2, activation="relu")(L.Rescaling(1 / 127.5, -1)(image))
    return L.GlobalAveragePooling2D()(x)


def numbers() -> keras.Model:
    """The picture is not the first input, and the dict's names are not in the order in which inputs were made."""
    image, place = keras.Input((*SIZE, 3), name="picture"), keras.Input((5,), name="place")
    x = L.Concatenate()([seen(image), L.Dense(8, activation="tanh")(place)])
    return keras.Model({"place": place, "picture": image}, L.Dense(4)(x), name="numbers")


def tokens() -> keras.Model:
    image, text = keras.Input((*SIZE, 3), name="zebra"), keras.Input((6,), dtype="int32", name="apple")
    vectors = L.Embedding(20, 8, embeddings_initializer=keras.initializers.RandomUniform(-1, 1))(text)
    return keras.Model([image, text], L.Dense(4)(L.Concatenate()([seen(image), L.GRU(6)(vectors)])), name="tokens")


def pair() -> keras.Model:
    """Two pictures, one of them in bytes; layers shared."""
    one, other = keras.Input((*SIZE, 3), name="one"), keras.Input((8, 8, 3), dtype="uint8", name="other")
    image = keras.Input((None, None, 3))
    shared = keras.Model(image, seen(image))
    return keras.Model([one, other], L.Dense(4)(L.Subtract()([shared(one), shared(other)])), name="pair")


def prompted() -> keras.Model:
    """A class for each pixel of a picture of any size, by a vector that says what is looked for."""
    image, prompt = keras.Input((None, None, 3), name="image"), keras.Input((1, 1, 4), name="prompt")
    x = L.Conv2D(4, 3, padding="same")(L.Rescaling(1 / 127.5, -1)(image))
    return keras.Model([image, prompt], L.Conv2D(3, 1)(L.Multiply()([x, prompt])), name="prompted")


NETWORKS: dict[str, Callable[[], keras.Model]] = {each.__name__: each for each in (numbers, tokens, pair, prompted)}


def samples(model: keras.Model) -> dict[str, np.ndarray]:
    random, arrays = np.random.default_rng(0), {}
    for one in model_inputs(model):
        sides = tuple(side or SIZE[0] for side in one.sides)
        if one.spec.layout:
            arrays[one.spec.name] = pictures(COUNT, sides[:2])
        elif one.dtype == "int32":
            arrays[one.spec.name] = random.integers(0, 20, (COUNT, *sides))
        else:
            arrays[one.spec.name] = random.normal(size=(COUNT, *sides)).astype("float32")
    return arrays


@pytest.fixture(scope="module", params=NETWORKS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, dict[str, Path]]:
    """A model and its file by each recipe."""
    keras.utils.set_random_seed(2)
    model = NETWORKS[request.param]()
    folder, paths = tmp_path_factory.mktemp(request.param), {}
    size = SIZE if request.param == "prompted" else None
    for recipe in RECIPES:
        measured = samples(model) if recipe == "int8" else None
        paths[recipe] = converters.to_tflite(model, folder / f"{recipe}.tflite", recipe, size, measured).path
    return model, paths


def answers(model: keras.Model, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Keras's own."""
    ordered = [arrays[one.spec.name].astype(one.dtype) for one in model_inputs(model)]
    return keras.ops.convert_to_numpy(model(as_called(model, ordered), training=False))


def test_every_recipe_says_what_keras_says(files: tuple[keras.Model, dict[str, Path]]) -> None:
    """By the names, in whatever order they are given; parity passes by dict and by tuple."""
    model, paths = files
    arrays = samples(model)
    expected = answers(model, arrays)
    for recipe, path in paths.items():
        with edge.Runner(path) as runner:
            assert [spec.name for spec in runner.card.inputs] == [one.spec.name for one in model_inputs(model)]
            got = runner.run(dict(reversed(arrays.items())))
            np.testing.assert_array_equal(got, runner.run(tuple(arrays[spec.name] for spec in runner.card.inputs)))
        assert distance(expected, got) < RECIPES[recipe], recipe
    few = {name: array[:3] for name, array in arrays.items()}
    assert converters.parity(model, paths["int8"], tuple(few[one.spec.name] for one in model_inputs(model))).passed
    with edge.Runner(paths["float32"]) as runner:
        assert converters.parity(model, runner.run, few).passed
    if model.name == "prompted":  # of one use of each layer, so that names tell layers apart
        assert 0 < min(row.own for row in converters.layer_errors(model, paths["int8"], arrays)) < 60


def test_the_runner_takes_pictures_of_any_size_beside_numbers(files: tuple[keras.Model, dict[str, Path]]) -> None:
    model, paths = files
    arrays = {name: array[0] for name, array in samples(model).items()}
    with edge.Runner(paths["float32"]) as runner:
        own, large = runner(arrays), dict(arrays)
        pictures_in = [spec.name for spec in runner.card.inputs if spec.layout]
        for name in pictures_in:
            large[name] = arrays[name].repeat(2, axis=0).repeat(2, axis=1)
        answer = runner(tuple(large[spec.name] for spec in runner.card.inputs))
        if own.ndim == 1:
            np.testing.assert_allclose(answer, own, atol=0.02)  # the same scene, resized
        else:
            assert (answer.shape, answer[::2, ::2].shape) == ((2 * SIZE[0], 2 * SIZE[1]), own.shape)
            assert (answer[::2, ::2] == own).mean() > 0.8
        for wrong, message in (
            (arrays[pictures_in[0]], "takes no picture alone, but "),
            ({**arrays, "more": 1}, f"inputs .*more given; .* takes {', '.join(arrays)}"),
            ({**arrays, pictures_in[0]: np.zeros((4, 4, 4), np.uint8)}, "alpha"),
        ):
            with pytest.raises(InputError, match=message):
                runner(wrong)


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")
@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_they_are_whole_and_right_on_the_gpu(files: tuple[keras.Model, dict[str, Path]], recipe: str) -> None:
    model, paths = files
    arrays = {name: array[:2] for name, array in samples(model).items()}
    verdict = edge.gpu_check(paths[recipe], arrays, precisions=("float32",))
    assert verdict.ok and verdict.samples == "2 given", verdict.report()


def test_they_are_timed_and_counted_as_others(files: tuple[keras.Model, dict[str, Path]]) -> None:
    model, paths = files
    (row,) = edge.benchmark(paths["int8"], threads=(1,), repeats=2, warmup=0)
    assert not row.error and row.median_ms > 0
    if model.name == "prompted":
        assert zoo.macs(model, input_size=SIZE) == SIZE[0] * SIZE[1] * (27 * 4 + 4 * 3)


def test_names_are_the_dicts_where_tensors_are_called_otherwise(tmp_path: Path) -> None:
    image, factor = keras.Input((*SIZE, 3), name="tensor_a"), keras.Input((3,), name="tensor_b")
    x = L.Multiply()([L.GlobalAveragePooling2D()(image), factor])
    with pytest.warns(UserWarning, match="must match the names"):
        model = keras.Model({"scene": image, "factor": factor}, x)
    path = converters.to_tflite(model, tmp_path / "a.tflite", batch=2).path
    feeds = {"scene": pictures(4, SIZE).astype("float32"), "factor": np.full((4, 3), 0.5, "float32")}
    with edge.Runner(path) as runner:
        assert [spec.name for spec in read_card(path).inputs] == ["factor", "scene"]
        np.testing.assert_allclose(runner.run(feeds), feeds["scene"].mean((1, 2)) / 2, rtol=1e-5)


def test_a_calibration_that_shows_less_than_the_inputs_span_is_not_cut_at_zero(tmp_path: Path) -> None:
    """Ranges of numbers come from all items, those that biases are corrected on too."""
    keras.utils.set_random_seed(0)
    model = numbers()
    arrays = samples(model)
    arrays["place"][COUNT - 4 :] /= 100  # the last ones span little
    path = converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=arrays).path
    with edge.Runner(path) as runner:
        assert distance(answers(model, arrays), runner.run(arrays)) < 0.1


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tokens()


class TestErrors:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda arrays: arrays["zebra"], "calibration is a ndarray; the model has 2 inputs: give a dict"),
            (lambda arrays: {"zebra": arrays["zebra"]}, "the model's inputs are zebra, apple"),
            (lambda arrays: (arrays["zebra"],), "calibration is a tuple of 1; the model has 2"),
            (lambda arrays: {**arrays, "apple": arrays["apple"][:, :4]}, r"shape \(12, 4\); expected numbers N×6"),
            (lambda arrays: {**arrays, "apple": arrays["apple"] + 0.5}, "which is no int32"),
            (lambda arrays: {**arrays, "apple": arrays["apple"] * np.nan}, "not all finite"),
            (lambda arrays: {**arrays, "zebra": arrays["zebra"] / 255}, "0–255"),
            (lambda arrays: {**arrays, "zebra": arrays["zebra"][:3]}, "3 for 'zebra', 12 for 'apple'"),
        ],
    )
    def test_a_calibration_that_does_not_fit(self, model: keras.Model, tmp_path: Path, change: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            converters.to_tflite(model, tmp_path / "a.tflite", "int8", calibration=change(samples(model)))

    def test_what_files_of_several_inputs_are_not_made_of(self, model: keras.Model, tmp_path: Path) -> None:
        path, arrays = tmp_path / "a.tflite", samples(model)
        text, vector = keras.Input((None,), name="text"), keras.Input((3,))
        image = keras.Input((*SIZE, 3), name="image")
        longest = L.GlobalMaxPooling1D()(L.Reshape((-1, 1))(text))
        of_any_length = keras.Model([image, text], L.Concatenate()([seen(image), longest]))
        for refused, message in (
            (lambda: converters.to_tflite(model, path, engine="tensorflow"), "files of one input, not of 2"),
            (lambda: converters.to_tflite(model, path, open_size=True), "only files of one leave its size open"),
            (lambda: converters.to_tflite(of_any_length, path), "takes .* for 'text'; a file takes one size"),
            (lambda: converters.to_tflite(keras.Model([vector, text], L.Dense(1)(vector)), path), "expected a picture among"),
            (lambda: converters.to_onnx(model, tmp_path / "a.onnx"), "2 inputs, and this takes models of one picture"),
            (lambda: converters.equalize(model, arrays), "2 inputs; equalize is for models of one picture"),
            (lambda: converters.auto_mixed(model, arrays), "auto_mixed is for"),
            (lambda: converters.correct_biases(model, arrays), "correct_biases is for"),
            (lambda: converters.quantize_aware(model, arrays), "quantize_aware is for"),
        ):
            with pytest.raises(InputError, match=message):
                refused()
        assert not path.exists()
