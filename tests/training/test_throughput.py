"""Images a second and the share of the chip's peak, as a run tells them at its end."""

from __future__ import annotations

import keras
import pytest
from training_toys import RUN, Blocks, network

import zoo
from zoo.training import throughput
from zoo.training.batch_source import BatchSource
from zoo.training.config import TrainingConfig

MACS = 16 * 16 * (9 * 3 * 4 + 4 * 3)  # of the toy at its size: a 3×3 convolution from 3 to 4 channels, a 1×1 one to 3


def told_of(epochs: list[tuple[int, float]], model: keras.Model, **settings) -> str | None:
    told = TrainingConfig(epochs=8, batch_size=4, **settings)
    return throughput.throughput_summary(model, BatchSource(Blocks(), told), told, epochs)


def test_the_median_epoch_counts_and_the_first_does_not(monkeypatch):
    monkeypatch.setattr(throughput, "peak", lambda precision: 4 * 3 * MACS * 6)
    line = told_of([(0, 90.0), (1, 2.0), (2, 40.0), (3, 2.0)], network())
    assert line.startswith("6 images/s of 16×16 in training"), line  # 12 images in 2 seconds
    assert line.endswith(" 25 % of what a float32 matrix product reaches here"), line


def test_only_epochs_of_the_last_size_count(monkeypatch):
    monkeypatch.setattr(throughput, "peak", lambda precision: 1e9)
    epochs = [(0, 1.0), (1, 1.0), (2, 50.0), (3, 3.0)]
    assert told_of(epochs, network(), progressive_size={0: (8, 8), 2: (32, 32)}).startswith("4 images/s of 32×32")
    assert told_of(epochs[:3], network(), progressive_size={0: (8, 8), 2: (32, 32)}) is None
    assert told_of([], network()) is None


def test_a_layer_nobody_can_count_leaves_the_images():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    image = keras.Input((None, None, 3))
    line = told_of([(0, 9.0), (1, 4.0)], keras.Model(image, Twice()(image)))
    assert line == "3 images/s of 16×16 in training"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_peak_is_that_of_a_matrix_product(precision, monkeypatch):
    monkeypatch.setattr(throughput, "SIDES", {True: 64, False: 64})
    assert 1e6 < throughput.peak(precision) < 1e16


def test_a_run_says_it_unless_it_is_silent(capsys, monkeypatch):
    monkeypatch.setattr(throughput, "SIDES", {True: 64, False: 64})
    zoo.train(network(), Blocks(), **{**RUN, "epochs": 2, "verbose": 2})
    assert "images/s of 16×16 in training: " in capsys.readouterr().out
    zoo.train(network(), Blocks(), **{**RUN, "epochs": 2})
    assert "images/s" not in capsys.readouterr().out
