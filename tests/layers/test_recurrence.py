"""Recurrent layers: held to Keras's own and to plain recurrences in NumPy, on every backend; states that are carried on."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import recurrence_toy
from recurrence_toy import CHANNELS, UNITS

import zoo
import zoo.layers
from zoo.errors import InputError
from zoo.layers.recurrence import CELLS

TIGHT = 2e-6


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def rnn(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    kernel, recurrent, bias = weights
    return np.tanh(x @ kernel + h @ recurrent + bias), c


def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """i, f, o by the logistic function and g by tanh, as the lecture has them; Keras keeps them as i, f, g, o."""
    kernel, recurrent, bias = weights
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    kernel, recurrent, bias = weights
    (xz, xr, xn), (hz, hr, hn) = np.split(x @ kernel + bias[0], 3, -1), np.split(h @ recurrent + bias[1], 3, -1)
    z, new = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
    return z * h + (1 - z) * new, c


PLAIN = {"rnn": rnn, "lstm": lstm, "gru": gru}


def plain(cell: str, maps: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    h = c = np.zeros((len(maps), UNITS))
    results = []
    for place in range(maps.shape[2]):
        h, c = PLAIN[cell](maps[:, 0, place], h, c, weights)
        results.append(h)
    return np.stack(results, axis=1)[:, None]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and a map for each cell, in files."""
    folder, random = tmp_path_factory.mktemp("cells"), np.random.default_rng(0)
    for cell in CELLS:
        maps = random.normal(size=(2, 1, 9, CHANNELS)).astype("float32")
        shapes = [weight.shape for weight in recurrence_toy.layer(cell).weights]
        weights = {f"weight_{place}": random.normal(0, 0.5, shape).astype("float32") for place, shape in enumerate(shapes)}
        np.savez(folder / f"{cell}.npz", maps=maps, **weights)
    return folder


@pytest.mark.parametrize("backend", ["here", "jax", "torch"])
def test_cells_are_the_plain_recurrences_on_every_backend(given: Path, backend: str) -> None:
    if backend == "here":
        recurrence_toy.main(given)
    elif importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    else:
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, recurrence_toy.__file__, str(given)]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert process.returncode == 0, process.stderr[-2000:]
    for cell in CELLS:
        with np.load(given / f"{cell}.npz") as arrays:
            expected = plain(cell, arrays["maps"], [arrays[f"weight_{place}"] for place in range(3)])
        np.testing.assert_allclose(np.load(given / f"{cell}.npy"), expected, atol=TIGHT)
        np.testing.assert_allclose(np.load(given / f"{cell}.steps.npy"), expected, atol=TIGHT)


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_is_what_keras_own_layer_makes_of_it(cell: str) -> None:
    ours = recurrence_toy.layer(cell)
    theirs = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    theirs = theirs(UNITS, return_sequences=True)
    maps = np.random.default_rng(1).normal(size=(2, 3, 5, CHANNELS)).astype("float32")
    theirs.build((None, None, CHANNELS))
    theirs.set_weights(ours.get_weights())
    result = keras.ops.convert_to_numpy(ours(maps))
    for row in range(3):
        np.testing.assert_allclose(result[:, row], keras.ops.convert_to_numpy(theirs(maps[:, row])), atol=TIGHT)


def test_the_forget_gate_begins_with_a_bias_of_one() -> None:
    bias = recurrence_toy.layer("lstm").get_weights()[2].reshape(4, UNITS)
    np.testing.assert_array_equal(bias, np.array([0, 1, 0, 0])[:, None] * np.ones((4, UNITS)))


class TestCarriedStates:
    def test_two_batches_are_one_long_one_in_training_and_two_in_answers(self) -> None:
        random = np.random.default_rng(2)
        maps = random.normal(size=(3, 1, 10, CHANNELS)).astype("float32")
        for cell in CELLS:
            whole = recurrence_toy.layer(cell)
            carrying = zoo.layers.Recurrence(cell, UNITS, carried=3, name=f"carrying_{cell}")
            carrying.build((None, None, None, CHANNELS))
            carrying.sequence.set_weights(whole.sequence.get_weights())
            expected = keras.ops.convert_to_numpy(whole(maps))
            parts = [keras.ops.convert_to_numpy(carrying(part, training=True)) for part in (maps[:, :, :4], maps[:, :, 4:])]
            np.testing.assert_allclose(np.concatenate(parts, axis=2), expected, atol=TIGHT)
            again = keras.ops.convert_to_numpy(carrying(maps[:, :, 4:], training=False))
            assert np.abs(again - expected[:, :, 4:]).max() > 1e-3  # an answer begins with zeros

    def test_another_number_of_rows_is_an_error_that_says_what_to_do(self) -> None:
        layer = zoo.layers.Recurrence("rnn", UNITS, carried=3)
        with pytest.raises(InputError, match="batch_size=3"):
            layer(np.zeros((2, 1, 4, CHANNELS), "float32"), training=True)

    def test_shipped_weights_leave_them_out(self, tmp_path: Path) -> None:
        from zoo.pretrained.weights_io import read_arrays, write_arrays

        carrying, plain_one = (zoo.build("char_rnn", classes=4, units=3, carried=carried) for carried in (2, 0))
        write_arrays(carrying, tmp_path / "weights.npz")
        read_arrays(plain_one, tmp_path / "weights.npz")
        assert len(plain_one.weights) == len(carrying.weights) - 2


def test_an_unknown_cell_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'lstn'.*lstm"):
        zoo.layers.Recurrence("lstn", 4)
