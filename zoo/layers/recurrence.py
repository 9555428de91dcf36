"""Recurrence: a cell that reads the rows of a map, each a sequence of its own, from left to right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError, unknown
from zoo.layers.field import Field, Line, Shape, united
from zoo.layers.frames_in_row import FRAME, FramesInRow
from zoo.layers.output import ModelOutput, model_output
from zoo.outputs.spec import InputSpec, OutputSpec

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
        self.sequence.cell.name = f"{self.name}_cell"  # several stand side by side in a network of one step
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
        begun = self._carried_on() if training else []
        if begun:
            self._check_rows(rows.shape[0])
        results, *states = self.sequence(rows, initial_state=begun or None, training=training)
        if begun:
            for carried, state in zip(self.passing_weights, states, strict=True):
                carried.assign(ops.cast(ops.stop_gradient(state), carried.dtype))
        return ops.reshape(results, (-1, sides[1], sides[2], self.units))

    def _carried_on(self) -> list[Any]:
        """The states that the batch before ended with; copies, since PyTorch writes the next ones in their place and would
        then know no gradient."""
        return [ops.cast(ops.copy(state), self.compute_dtype) for state in self.passing_weights]

    def step(self, values: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """One position: N×C and the states N×units → N×units and the states after it."""
        result, states = self.sequence.cell(values, list(states))
        return result, list(states)

    def check_batch(self, size: int) -> None:
        """Refuses batches of another size than states are carried for.

        Raises:
            InputError: saying both.
        """
        if self.carried % size:
            raise self._unfit(size)

    def _check_rows(self, rows: int | None) -> None:
        if rows not in (None, self.carried):
            raise self._unfit(rows)

    def _unfit(self, rows: int) -> InputError:
        return InputError(
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


def step_network(model: keras.Model) -> keras.Model:
    """The network of one step of a recurrent one: a token and the states before it in, the answer and the states after it out.

    It shares every layer with `model`. Its first input is the model's at 1×1, or of a network of films what
    `zoo.layers.frame_network` sees of a frame; then come the states, N×units each, by their layers' names ("lstm1_h"), and the
    outputs are a dict of the answer and the states for the next step ("lstm1_h_next"). Its `ModelOutput` says which output
    becomes which input.

    Args:
        model: a chain of layers over `Recurrence`, behind its input or behind `FramesInRow`.

    Raises:
        InputError: for a model that is no such chain, or has no recurrent layer.
    """
    layers, last = _chain(model), model_output(model)
    first, x, taken = _position(model)
    inputs, after = [taken], {}
    states: list[keras.KerasTensor] = []
    for layer in layers:
        if not isinstance(layer, Recurrence):
            x = layer(x)
            continue
        names = [f"{layer.name}_{name}" for name in layer.state_names]
        before = [keras.Input((layer.units,), name=name) for name in names]
        values = keras.layers.Reshape((x.shape[-1],), name=f"{layer.name}_in")(x)
        result, following = layer.step(values, before)
        x = keras.layers.Reshape((1, 1, layer.units), name=f"{layer.name}_out")(result)
        states += before
        inputs += [InputSpec(name, None, layer.units, None, layout="", feedback=f"{name}_next") for name in names]
        after |= {f"{name}_next": state for name, state in zip(names, following, strict=True)}
    outputs = {last.spec.name: ModelOutput.from_config({**last.get_config(), "inputs": inputs})(x)}
    for name, state in after.items():
        outputs[name] = ModelOutput(last.task, OutputSpec("numbers", name, scale=None), name=name)(state)
    return keras.Model([first, *states], outputs, name=model.name)


def _position(model: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor, InputSpec]:
    """What a step takes beside the states: the input, that as a position of a row, N×1×1×C, and what it is."""
    row = _row(model)
    if row is None:
        token = keras.Input((1, 1, model.inputs[0].shape[-1]), name=model.inputs[0].name)
        return token, token, InputSpec(token.name, (1, 1), token.shape[-1])
    numbers = row.output.shape[-1]
    seen = keras.Input((numbers,), name=FRAME)
    place = keras.layers.Reshape((1, 1, numbers), name=f"{FRAME}_in")(seen)
    return seen, place, InputSpec(FRAME, None, numbers, None, layout="")


def _row(model: keras.Model) -> FramesInRow | None:
    return next((layer for layer in model.layers if isinstance(layer, FramesInRow)), None)


def _chain(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model from its input, or from its row of frames, to its `ModelOutput`, both left out."""
    row = _row(model)
    every = model.layers if row is None else model.layers[model.layers.index(row) :]
    layers, last = every[1:-1], every[-1]
    tensors = [layer.output for layer in every[:-1]]
    chained = all(layer.input is tensor for layer, tensor in zip(every[1:], tensors, strict=True))
    if not chained or not isinstance(last, ModelOutput) or not any(isinstance(layer, Recurrence) for layer in layers):
        raise InputError(
            f"{model.name} has no step: expected a network of this zoo that is a chain of layers, one of them a Recurrence"
        )
    return layers
