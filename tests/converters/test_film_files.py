"""The two files of a network that watches films: over hundreds of frames they say what Keras says, whole on the GPU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from caption_models import blobs
from command import says
from film_models import SIDE, Films, film, watcher
from PIL import Image

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from edge.sentences import encoder_path
from zoo.data.datasets.scenes_events import EVENTS, FRAMES
from zoo.errors import InputError

STEPS = 200


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return watcher()


@pytest.fixture(scope="module")
def paths(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        recipe: converters.device_files(model, folder / f"{recipe}.tflite", recipe, data=Films())[0].path
        for recipe in ("float32", "int8")
    }


@pytest.fixture(scope="module")
def expected(model: keras.Model) -> np.ndarray:
    """What Keras says of hundreds of frames at once."""
    long = watcher(STEPS)
    long.set_weights(model.get_weights())
    scores = keras.ops.convert_to_numpy(long(film(STEPS, seed=9)[None].astype("float32"), training=False))
    return zoo.outputs.kind(zoo.output_spec(long)).decode(scores[0], zoo.output_spec(long), (SIDE, SIDE))


def test_hundreds_of_frames_are_told_as_keras_tells_them(paths: dict[str, Path], expected: np.ndarray) -> None:
    frames = np.split(film(STEPS, seed=9), STEPS, axis=-1)
    assert expected.std() > 0.15 and len(set(expected.argmax(-1).tolist())) > 2
    for recipe, allowed in (("float32", 1e-4), ("int8", 0.1)):
        with edge.Runner(paths[recipe]) as runner:
            assert [state.feedback for state in runner.card.states] == ["lstm_h_next", "lstm_c_next"]
            shares = runner(frames)
            assert shares.shape == (STEPS, len(EVENTS)) and runner.frames == 0
            assert np.sqrt(np.square(shares - expected).mean()) < allowed, recipe
            if recipe == "float32":
                np.testing.assert_allclose(shares, expected, atol=allowed)


def test_a_film_is_watched_as_it_comes_in_whatever_size(model: keras.Model, paths: dict[str, Path]) -> None:
    frames = [frame.repeat(2, 0).repeat(2, 1) for frame in np.split(film(FRAMES, seed=11), FRAMES, axis=-1)]
    with edge.Runner(paths["float32"]) as runner:
        whole, states = runner(frames), None
        for frame, shares, watched in zip(frames, whole, edge.watch(runner, iter(frames)), strict=True):
            alone, states = runner.step(frame, states)
            np.testing.assert_array_equal(alone, shares)
            np.testing.assert_array_equal(watched, shares)
        forgetful = np.stack([runner.step(frame)[0] for frame in frames])
        np.testing.assert_array_equal(runner(np.concatenate(frames, axis=-1)), whole)
        verdict = converters.parity(model, lambda sample: runner.said(sample[0])[None], [film(FRAMES, 12), film(FRAMES, 13)])
    assert verdict.passed, verdict
    assert np.abs(forgetful[1:] - whole[1:]).max() > 0.02  # it remembers


def test_both_are_whole_on_the_gpu(paths: dict[str, Path]) -> None:
    if driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator")
    for recipe, path in paths.items():
        for file, samples in ((path, None), (encoder_path(path), list(blobs(2, SIDE)))):
            verdict = edge.gpu_check(file, samples, precisions=["float32"])
            assert verdict.ok, f"{recipe}: {verdict.report()}"


def test_what_is_missing_or_another_is_an_error(paths: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(paths["float32"].read_bytes())
    with edge.Runner(alone) as runner, pytest.raises(InputError, match=r"goes on from what alone\.encoder\.tflite makes"):
        runner(list(blobs(2, SIDE)))
    with edge.Runner(encoder_path(paths["float32"])) as runner, pytest.raises(InputError, match="watches no films"):
        next(edge.watch(runner, blobs(1, SIDE)))
    with edge.Runner(paths["float32"]) as runner, pytest.raises(InputError, match="no frames given"):
        runner([])
    with pytest.raises(InputError, match="watches no film"):
        zoo.layers.frame_network(zoo.build("tiny_denoiser", width=0.25))


def test_the_command_line_converts_and_watches(model: keras.Model, tmp_path: Path, monkeypatch, capsys) -> None:
    run, path = tmp_path / "film.keras", tmp_path / "film.tflite"
    model.save(run)
    status, text, error = says(
        monkeypatch, capsys, "convert", run, "-q", "int8", "-c", f"scenes_events:count=8,size={SIDE}", "--out", path
    )
    assert status == 0 and "film.encoder.tflite" in text and "parity of int8" in text, text + error
    pictures = []
    for index, picture in enumerate(blobs(3, SIDE)):
        pictures.append(tmp_path / f"{index}.png")
        Image.fromarray(picture).save(pictures[-1])
    status, text, error = says(monkeypatch, capsys, "predict", path, *pictures, "--out", tmp_path / "out")
    assert status == 0 and text.startswith(f"{pictures[0]}: 1"), text + error
    assert len((tmp_path / "out" / "0_frames.csv").read_text().splitlines()) == 1 + len(pictures)
