"""What the backend of this process answers and learns: `backend_toy.py FOLDER`, which prints one line of JSON.

FOLDER holds NAME.npz for tiny networks of the registry and toy.npz for the one that learns: weights to begin with. The
answer is left there as NAME.npy, and what a network recorded of its maxima as NAME.positions. FOLDER/cells holds what recurrent
layers are asked (`recurrence_toy`), FOLDER/decoders what those that say sentences are (`decoder_toy`).
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import decoder_toy
import keras
import numpy as np
import recurrence_toy
from quick_jax import drawn_as_zeros
from tiny_models import answer, pictures, tiny
from training_toys import RUN, Blocks, network

import zoo
import zoo.data
from converters.choices import choosing, positions, records
from converters.graph import evaluate
from zoo.experiments import convolution_gradient

SIZE = (64, 64)
TOY = "toy"
CELLS, DECODERS = "cells", "decoders"  # folders of questions to recurrent layers


def keep(model: keras.Model, path: Path) -> None:
    np.savez(path, *(keras.ops.convert_to_numpy(v) for v in model.weights))


def put(model: keras.Model, path: Path) -> keras.Model:
    with np.load(path) as kept:
        model.set_weights([kept[name] for name in kept.files])
    return model


def losses(path: Path) -> list[float]:
    """Of two epochs without anything random; the last line of the run, with its pace, is printed."""
    told = {**RUN, "epochs": 2, "ema": 0.9, "rates": {"encoder*": 0.5}, "verbose": 2}
    result = zoo.train(put(network(dropout=0.0), path), Blocks(), Blocks(4, seed=1), **told)
    return [row["loss"] for row in result.rows] + [result.best["score"]]


def ends(path: Path, folder: Path, stops: int) -> list[str | float]:
    """The weights' bytes after three epochs with dropout: of a run that was stopped so often, and had as many more threads."""
    told = {**RUN, "epochs": 3, "ema": 0.9, "augment": zoo.data.Augment(), "folder": folder, "workers": 1 + stops}
    for seconds in [1e-9] * stops + [None]:  # an epoch each time
        model = put(network(), path)
        result = zoo.train(model, Blocks(), Blocks(4, seed=1), max_seconds=seconds, **told)
    return [keras.ops.convert_to_numpy(v).tobytes().hex() for v in model.weights] + [result.best["score"]]


def gradients() -> float:
    """The largest difference of a convolution's gradient from its formula, in float64; the last thing of a process."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    rows, _ = convolution_gradient.measure(stride=2, pad=1)
    return max(row["autodiff"] for row in rows)


def main(folder: Path) -> None:
    gc.freeze()  # as in tests/conftest.py
    for path in sorted(folder.glob("*.npz")):
        if path.stem != TOY:
            with drawn_as_zeros():
                model = tiny(path.stem, SIZE)
            put(model, path)
            np.save(path.with_suffix(".npy"), answer(model, pictures(model, 1)))
            graph = choosing(model)
            if records(graph):
                with path.with_suffix(".positions").open("wb") as file:
                    np.savez(file, **positions(graph, evaluate(graph, pictures(model, 1))))
    recurrence_toy.write_answers(folder / CELLS)
    decoder_toy.write_answers(folder / DECODERS)
    toy = folder / f"{TOY}.npz"
    learnt, whole, parts = losses(toy), ends(toy, folder / "whole", 0), ends(toy, folder / "parts", 2)
    print(json.dumps({"losses": learnt, "whole": whole, "parts": parts, "gradients": gradients()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
