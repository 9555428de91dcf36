"""Recurrent layers: held to Keras's own and to plain recurrences in NumPy, on every backend; states that are carried on."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import recurrence_toy
from recurrence_toy import CHANNELS, TIGHT, UNITS

import zoo
import zoo.layers
from zoo.errors import InputError
from zoo.layers.recurrence import CELLS
from zoo.pretrained.weights_io import read_arrays, write_arrays


def test_cells_are_the_plain_recurrences(tmp_path: Path) -> None:
    """On this backend; tests/training/test_backends.py asks the others."""
    recurrence_toy.write_questions(tmp_path / "cells")
    recurrence_toy.write_answers(tmp_path / "cells")
    recurrence_toy.check_answers(tmp_path / "cells")


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
    def test_an_answer_begins_with_zeros_whatever_was_carried(self) -> None:
        maps = np.random.default_rng(2).normal(size=(3, 1, 4, CHANNELS)).astype("float32")
        for cell in CELLS:
            layer = recurrence_toy.layer(cell, carried=3)
            before = keras.ops.convert_to_numpy(layer(maps, training=False))
            layer(maps, training=True)
            assert all(keras.ops.convert_to_numpy(state).any() for state in layer.passing_weights)
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(maps, training=False)), before)

    def test_another_number_of_rows_is_an_error_that_says_what_to_do(self) -> None:
        layer = zoo.layers.Recurrence("rnn", UNITS, carried=3)
        with pytest.raises(InputError, match="batch_size=3"):
            layer(np.zeros((2, 1, 4, CHANNELS), "float32"), training=True)

    def test_shipped_weights_leave_them_out(self, tmp_path: Path) -> None:
        carrying, plain_one = (zoo.build("char_rnn", classes=4, units=3, carried=carried) for carried in (2, 0))
        write_arrays(carrying, tmp_path / "weights.npz")
        read_arrays(plain_one, tmp_path / "weights.npz")
        assert len(plain_one.weights) == len(carrying.weights) - 2


def test_an_unknown_cell_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'lstn'.*lstm"):
        zoo.layers.Recurrence("lstn", 4)
