"""Recurrence: a cell that reads the rows of a map, each a sequence of its own, from left to right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError, unknown
from zoo.layers.field import Field, Line, Shape, united

# Cell → Keras's layer of it. The LSTM's forget gate begins with a bias of 1 (Jozefowicz et al. 2015), so that what is
# remembered at first passes on; the GRU resets its state after the product with it, as cuDNN's does.
CELLS = {
    "rnn": lambda units, **facts: keras.layers.SimpleRNN(units, activation="tanh", **facts),
    "lstm": lambda units, **facts: keras.layers.LSTM(units, unit_forget_bias=True, **facts),
    "gru": lambda units, **facts: keras.layers.GRU(units, reset_after=True, **facts),
}
_STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}  # what a cell hands to its next step, in its order


@keras.saving.register_keras_serializable(package="densezoo")
class Recurrence(keras.layers.Layer):
    """Runs a recurrent cell along the rows of a map, N×H×W×C → N×H×W×units; each row begins with states of zeros.

    Back-propagation is truncated at a row's ends. With `carried` rows to a batch, states are carried on in training: a row
    begins with the states that the row in its place of the batch before ended with, through which no gradient flows. They are
    weights that are not trained, so that a checkpoint holds them; an answer never depends on them.

    Args:
        cell: a key of `CELLS`.
        units: of the cell.
        carried: rows of a training batch, N·H, whose states are carried on; 0 for none.
    """

    quantization, carries = "rounds", 0

    def __init__(self, cell: str, units: int, carried: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise unknown("recurrent cell", cell, CELLS)
        self.kind, self.units, self.carried = cell, units, carried
        self.sequence = CELLS[cell](units, return_sequences=True, return_state=True, dtype=self.dtype_policy, name=cell)
        self.passing_weights: list[keras.Variable] = []  # which belong to a run and not to what it has learnt

    @property
    def state_names(self) -> tuple[str, ...]:
        """What a step hands to the next one: "h", and of an LSTM "c"."""
        return _STATES[self.kind]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.sequence.build((None, None, input_shape[-1]))
        if self.carried:
            shape = (self.carried, self.units)
            self.passing_weights = [
                self.add_weight(shape, "zeros", trainable=False, name=f"carried_{name}") for name in self.state_names
            ]
        self.built = True

    def call(self, maps: Any, training: bool = False) -> Any:
        sides = ops.shape(maps)
        rows = ops.reshape(maps, (-1, sides[2], maps.shape[-1]))
        begun = [ops.cast(state, self.compute_dtype) for state in self.passing_weights] if training else []
        if begun:
            self._check_rows(rows.shape[0])
        results, *states = self.sequence(rows, initial_state=begun or None, training=training)
        if begun:
            for carried, state in zip(self.passing_weights, states, strict=True):
                carried.assign(ops.cast(ops.stop_gradient(state), carried.dtype))
        return ops.reshape(results, (-1, sides[1], sides[2], self.units))

    def step(self, values: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """One position: N×C and the states N×units → N×units and the states after it."""
        result, states = self.sequence.cell(values, list(states))
        return result, list(states)

    def _check_rows(self, rows: int | None) -> None:
        if rows not in (None, self.carried):
            raise InputError(
                f"{self.name} carries the states of {self.carried} rows from batch to batch, and a batch has {rows}; "
                f"train with batch_size={self.carried}, or build the network with carried={rows}"
            )

    def compute_output_spec(self, maps: Any, training: bool = False) -> keras.KerasTensor:
        return keras.KerasTensor((*maps.shape[:3], self.units), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """The products of both kernels at every position."""
        kernels = (self.sequence.cell.kernel, self.sequence.cell.recurrent_kernel)
        return math.prod(output_shape[:-1]) * sum(math.prod(kernel.shape) for kernel in kernels)

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """All positions of the row up to its own: of the last one, which sees most, the whole row."""
        field = united(fields)
        rows, columns = field.lines
        reach = (input_shapes[0][2] - 1) * columns.step
        return Field((rows, Line(columns.low - reach, columns.high, columns.step)), field.whole)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cell": self.kind, "units": self.units, "carried": self.carried}
