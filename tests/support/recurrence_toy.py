"""Recurrent cells written out in NumPy, and what the layers of this process's backend make of the same weights."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

import zoo.layers
from zoo.layers.recurrence import CELLS

UNITS, CHANNELS = 6, 4
TIGHT = 2e-6
Weights = list[np.ndarray]
States = tuple[np.ndarray, np.ndarray]  # h and c; of cells that have no c, it stays as it is


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def rnn(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: Weights) -> States:
    kernel, recurrent, bias = weights
    return np.tanh(x @ kernel + h @ recurrent + bias), c


def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: Weights) -> States:
    """i, f and o by the logistic function and g by tanh; Keras keeps them as i, f, g, o."""
    kernel, recurrent, bias = weights
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: Weights) -> States:
    """Update z and reset r, the latter behind the product with the state."""
    kernel, recurrent, bias = weights
    (xz, xr, xn), (hz, hr, hn) = np.split(x @ kernel + bias[0], 3, -1), np.split(h @ recurrent + bias[1], 3, -1)
    z, new = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
    return z * h + (1 - z) * new, c


PLAIN = {"rnn": rnn, "lstm": lstm, "gru": gru}


def layer(cell: str, carried: int = 0) -> keras.layers.Layer:
    """A small recurrent layer, built."""
    result = zoo.layers.Recurrence(cell, UNITS, carried, name=f"toy_{cell}_{carried}")
    result.build((None, None, None, CHANNELS))
    return result


def write_questions(folder: Path) -> None:
    """Weights and a map for each cell, in files."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for cell in CELLS:
        maps = random.normal(size=(2, 1, 9, CHANNELS)).astype("float32")
        shapes = [weight.shape for weight in layer(cell).weights]
        weights = {f"weight_{place}": random.normal(0, 0.5, shape).astype("float32") for place, shape in enumerate(shapes)}
        np.savez(folder / f"{cell}.npz", maps=maps, **weights)


def write_answers(folder: Path) -> None:
    """What this backend's layers say: of all steps together, of one after the other, and of two batches in training."""
    for cell in CELLS:
        maps, weights = _question(folder, cell)
        recurrence = layer(cell)
        recurrence.set_weights(weights)
        np.save(folder / f"{cell}.npy", keras.ops.convert_to_numpy(recurrence(maps, training=False)))
        np.save(folder / f"{cell}.steps.npy", _steps(recurrence, maps))
        carrying = layer(cell, carried=len(maps))
        carrying.sequence.set_weights(weights)
        parts = [keras.ops.convert_to_numpy(carrying(part, training=True)) for part in (maps[:, :, :4], maps[:, :, 4:])]
        np.save(folder / f"{cell}.carried.npy", np.concatenate(parts, axis=2))


def check_answers(folder: Path) -> None:
    """Holds them to NumPy's."""
    for cell in CELLS:
        maps, weights = _question(folder, cell)
        h = c = np.zeros((len(maps), UNITS))
        expected = []
        for place in range(maps.shape[2]):
            h, c = PLAIN[cell](maps[:, 0, place], h, c, weights)
            expected.append(h)
        for name in (f"{cell}.npy", f"{cell}.steps.npy", f"{cell}.carried.npy"):
            np.testing.assert_allclose(np.load(folder / name), np.stack(expected, axis=1)[:, None], atol=TIGHT, err_msg=name)


def _question(folder: Path, cell: str) -> tuple[np.ndarray, Weights]:
    with np.load(folder / f"{cell}.npz") as arrays:
        return arrays["maps"], [arrays[f"weight_{place}"] for place in range(3)]


def _steps(recurrence: keras.layers.Layer, maps: np.ndarray) -> np.ndarray:
    states = [np.zeros((len(maps), UNITS), np.float32) for _ in recurrence.state_names]
    results = []
    for place in range(maps.shape[2]):
        result, states = recurrence.step(keras.ops.convert_to_tensor(maps[:, 0, place]), states)
        results.append(keras.ops.convert_to_numpy(result))
    return np.stack(results, axis=1)[:, None]
