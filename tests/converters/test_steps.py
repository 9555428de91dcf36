"""Files of one step: over hundreds of steps they say what the network of all steps says, on the CPU and whole on the GPU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
import zoo.layers
from edge.gpu.vulkan import driver
from zoo.errors import InputError
from zoo.outputs.decoding import GREEDY, Sampling

LABELS = tuple("abcdefg ")
STEPS = 200


def network(cell: str, depth: int = 1) -> keras.Model:
    """Untrained, but with vectors and scores so large that it says something."""
    keras.utils.set_random_seed(0)
    model = zoo.build("char_rnn", classes=LABELS, cell=cell, units=24, embedding=8, depth=depth)
    for name, factor in (("embedding", 20), ("scores", 4)):
        layer = model.get_layer(name)
        layer.set_weights([factor * weight for weight in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def text() -> np.ndarray:
    return np.random.default_rng(0).integers(0, len(LABELS), (1, 1, STEPS, 1)).astype("float32")


@pytest.fixture(scope="module", params=[("rnn", 2), ("lstm", 2), ("gru", 1)], ids=lambda param: param[0])
def step(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    model = network(*request.param)
    path = tmp_path_factory.mktemp("step") / "step.tflite"
    converters.to_tflite(zoo.layers.step_network(model), path)
    return model, path


def test_two_hundred_steps_say_what_the_whole_network_says(step: tuple[keras.Model, Path], text: np.ndarray) -> None:
    model, path = step
    kind, spec = zoo.outputs.get("tokens"), zoo.output_spec(model)
    expected = kind.decode(keras.ops.convert_to_numpy(model(text, training=False))[0], spec, (1, STEPS))
    with edge.Runner(path) as runner:
        assert [state.channels for state in runner.card.states] == [24] * (len(runner.card.inputs) - 1)
        result = runner(text[0].astype(np.uint8))
    assert result.shape == (STEPS, len(LABELS)) and expected.std() > 0.3
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_the_file_is_whole_on_the_gpu(step: tuple[keras.Model, Path]) -> None:
    if driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator")
    verdict = edge.gpu_check(step[1])
    assert verdict.ok, verdict.report()


class TestIntegers:
    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, dict[str, Path]]:
        model, folder = network("lstm"), tmp_path_factory.mktemp("int8")
        texts = np.random.default_rng(1).integers(0, len(LABELS), (4, 1, 100, 1)).astype("float32")
        paths = {recipe: folder / f"{recipe}.tflite" for recipe in ("int8", "float16", "dynamic")}
        for recipe, path in paths.items():
            calibration = texts if recipe == "int8" else None
            converters.to_tflite(zoo.layers.step_network(model), path, recipe, calibration=calibration)
        return model, paths

    def test_they_follow_the_network_for_hundreds_of_steps(self, files: tuple, text: np.ndarray) -> None:
        model, paths = files
        kind, spec = zoo.outputs.get("tokens"), zoo.output_spec(model)
        expected = kind.decode(keras.ops.convert_to_numpy(model(text, training=False))[0], spec, (1, STEPS))
        for recipe, allowed in (("int8", 0.15), ("float16", 0.01), ("dynamic", 0.05)):
            with edge.Runner(paths[recipe]) as runner:
                difference = runner(text[0].astype(np.uint8)) - expected
            assert np.sqrt((difference**2).mean()) < allowed * expected.std(), recipe

    def test_int8_is_whole_on_the_gpu(self, files: tuple) -> None:
        if driver() is None:
            pytest.skip("no Vulkan driver for the GPU accelerator")
        verdict = edge.gpu_check(files[1]["int8"])
        assert verdict.whole and verdict.ok, verdict.report()


class TestWriting:
    def test_a_text_is_written_on_as_the_seed_says(self, step: tuple[keras.Model, Path]) -> None:
        with edge.Runner(step[1]) as runner:
            one, again, other = (edge.write_on(runner, "bad cab", 30, seed=seed) for seed in (1, 1, 2))
            greedy = edge.write_on(runner, "bad cab", 30, GREEDY)
            assert edge.write_on(runner, "bad cab", 30, Sampling(top_k=1), seed=5) == greedy
        assert one == again != other and len(one) == 30 and set(one) <= set(LABELS)

    def test_what_cannot_be_read_is_an_error(self, step: tuple[keras.Model, Path], tmp_path: Path) -> None:
        with edge.Runner(step[1]) as runner:
            for wrong, message in (
                (lambda: edge.write_on(runner, "xyz", 3), "'x' is none of the 8 characters"),
                (lambda: edge.write_on(runner, "", 3), "prompt"),
                (lambda: runner.step(8), "knows the tokens 0 to 7"),
                (lambda: runner(np.zeros((2, 3, 1), np.uint8)), "reads 1×n×1"),
            ):
                with pytest.raises(InputError, match=message):
                    wrong()

    def test_a_file_of_pictures_has_no_step(self, tmp_path: Path) -> None:
        image = keras.Input((4, 4, 3), name="image")
        path = converters.to_tflite(keras.Model(image, keras.layers.Conv2D(2, 1)(image)), tmp_path / "picture.tflite").path
        with edge.Runner(path) as runner, pytest.raises(InputError, match="no states"):
            runner.step(0)


def test_a_file_of_all_steps_reads_texts_of_its_length_and_stretches_no_other(tmp_path: Path, text: np.ndarray) -> None:
    model = network("lstm")
    path = converters.to_tflite(model, tmp_path / "whole.tflite", input_size=(1, 12)).path
    short = text[0, :, :12].astype(np.uint8)
    with edge.Runner(path) as runner:
        expected = zoo.outputs.get("tokens").decode(model(text[:, :, :12]).numpy()[0], zoo.output_spec(model), (1, 12))
        np.testing.assert_allclose(runner(short), expected, atol=1e-4)
        with pytest.raises(InputError, match="cannot be stretched"):
            runner(text[0].astype(np.uint8))


def test_only_a_chain_over_recurrent_layers_has_a_step() -> None:
    with pytest.raises(InputError, match="has no step"):
        zoo.layers.step_network(zoo.build("tiny_denoiser", width=0.25))
