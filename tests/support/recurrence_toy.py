"""What the recurrent cells of this process's backend answer: `recurrence_toy.py FOLDER`, whose NAME.npz hold weights and text.

The answer of all steps is left as NAME.npy, and that of one step after the other as NAME.steps.npy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

import zoo.layers
from zoo.layers.recurrence import CELLS

UNITS, CHANNELS = 6, 4


def layer(cell: str) -> keras.layers.Layer:
    """A small recurrent layer, built."""
    result = zoo.layers.Recurrence(cell, UNITS, name=f"toy_{cell}")
    result.build((None, None, None, CHANNELS))
    return result


def steps(recurrence: keras.layers.Layer, maps: np.ndarray) -> np.ndarray:
    """The answer for a map of one row, one position after the other."""
    states = [np.zeros((len(maps), UNITS), np.float32) for _ in recurrence.state_names]
    results = []
    for place in range(maps.shape[2]):
        result, states = recurrence.step(keras.ops.convert_to_tensor(maps[:, 0, place]), states)
        results.append(keras.ops.convert_to_numpy(result))
    return np.stack(results, axis=1)[:, None]


def main(folder: Path) -> None:
    """Answers for each cell."""
    for cell in CELLS:
        with np.load(folder / f"{cell}.npz") as given:
            recurrence = layer(cell)
            recurrence.set_weights([given[f"weight_{place}"] for place in range(3)])
            np.save(folder / f"{cell}.npy", keras.ops.convert_to_numpy(recurrence(given["maps"], training=False)))
            np.save(folder / f"{cell}.steps.npy", steps(recurrence, given["maps"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
