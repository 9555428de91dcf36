"""Networks of sequences end as they would have, bit for bit, when their run is killed and goes on: states and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from interruption import Killed, dies

import zoo
from zoo import registry, tasks
from zoo.analysis.tiny_models import tiny_model, toy_batch
from zoo.data import Dataset, Sample
from zoo.training import callback, trainer

# One of each way in which they learn: with states that are carried on, behind the right words, and of a whole sequence.
SEQUENCES = ("char_rnn", "seq2seq", "text_classifier")
BATCH, RUN = 4, {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "verbose": 0, "tensorboard": False, "workers": 1}


class Toys(Dataset):
    """A batch of a network's toy pictures."""

    name = "toys"

    def __init__(self, model: keras.Model) -> None:
        meaning = zoo.layers.model_output(model)
        self._toy, self._target, self.task = toy_batch(model, BATCH), tasks.get(meaning.task).target, meaning.task
        self.classes, self.channels = meaning.labels, model.input_shape[-1]

    def __len__(self) -> int:
        return BATCH

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._toy.images[index].astype(np.uint8), self._target(self._toy.targets[index]), str(index))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """TensorFlow runs step by step, since tracing takes longer than these steps; and nothing is drawn."""
    import tensorflow as tf

    monkeypatch.setattr(trainer, "draw_curves", lambda *_: None)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("name", SEQUENCES)
def test_killed_in_its_second_epoch_it_ends_bit_equal(name: str, tmp_path: Path, monkeypatch) -> None:
    carries = {"carried": 2 * BATCH} if "carried" in registry.get(name).parameters else {}  # a toy text has two rows
    model = tiny_model(name, (32, 32), **carries)
    data, begun = Toys(model), [keras.ops.convert_to_numpy(variable) for variable in model.variables]

    def run(folder: Path) -> list[np.ndarray]:
        for variable, value in zip(model.variables, begun, strict=True):
            variable.assign(value)
        zoo.train(model, data, folder=folder, **RUN)
        return [keras.ops.convert_to_numpy(variable) for variable in model.variables]

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        dies(patch, callback.RunCallback, "on_train_batch_end", 2)
        with pytest.raises(Killed):
            run(tmp_path / "parts")
    for got, expected in zip(run(tmp_path / "parts"), whole, strict=True):
        np.testing.assert_array_equal(got, expected)
    states = [state for layer in model.layers for state in getattr(layer, "passing_weights", ())]
    assert bool(states) == bool(carries) and all(keras.ops.convert_to_numpy(state).any() for state in states)
