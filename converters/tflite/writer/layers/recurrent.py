"""Recurrent layers, unrolled: their cell once for each step, so that a file needs no loop."""

from __future__ import annotations

from typing import Any

import keras

from converters.tflite.writer.builder import Builder, Unsupported
from converters.tflite.writer.graph import Tensor
from converters.tflite.writer.lowering import invoke
from converters.tflite.writer.operations.arrays import reversed_along
from converters.tflite.writer.registry import lowers

L = keras.layers
_LONGEST = 256  # steps; a file of more of them is too long to be of use


@lowers(L.RNN, L.LSTM, L.GRU, L.SimpleRNN)
def _recurrent(build: Builder, layer: L.RNN, sequences: Tensor, initial_state: Any = None) -> Any:
    if layer.stateful:
        raise Unsupported(f"{type(layer).__name__} that keeps its state")
    batch, steps = sequences.shape[:2]
    if not 0 < steps <= _LONGEST:
        raise Unsupported(f"{type(layer).__name__} of {'an open number of' if steps < 0 else steps} steps")
    if initial_state is None:
        states = [build.zeros((batch, *_sides(size))) for size in layer.state_size]
    else:
        states = [build.tensor(state) for state in keras.tree.flatten(initial_state)]
    outputs = []
    for step in reversed(range(steps)) if layer.go_backwards else range(steps):
        rank = len(sequences.shape)
        piece = build.slice(sequences, [0, step] + [0] * (rank - 2), [-1, 1] + [-1] * (rank - 2))
        current = build.reshape(piece, (batch, *sequences.shape[2:]))
        output, new = invoke(build, layer.cell, current, states if not layer.single_state else [states[0]])
        states = [build.tensor(state) for state in keras.tree.flatten(new)]
        outputs.append(build.tensor(output))
    result = outputs[-1]
    if layer.return_sequences:
        result = build.concatenate([build.reshape(each, (batch, 1, *each.shape[1:])) for each in outputs], 1)
    return [result, *states] if layer.return_state else result


def _sides(size: Any) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)


@lowers(L.Bidirectional)
def _bidirectional(build: Builder, layer: L.Bidirectional, sequences: Tensor, initial_state: Any = None) -> Any:
    if initial_state is not None:
        raise Unsupported("Bidirectional with an initial state")
    ways = [invoke(build, each, sequences) for each in (layer.forward_layer, layer.backward_layer)]
    states = []
    if layer.return_state:
        states, ways = [state for way in ways for state in way[1:]], [way[0] for way in ways]
    forward, backward = ways
    if layer.return_sequences:
        backward = reversed_along(build, backward, [1])
    merged = {
        "concat": lambda: build.concatenate([forward, backward], -1),
        "sum": lambda: build.add(forward, backward),
        "ave": lambda: build.multiply(build.add(forward, backward), 0.5),
        "mul": lambda: build.multiply(forward, backward),
        None: lambda: [forward, backward],
    }[layer.merge_mode]()
    return [*(merged if isinstance(merged, list) else [merged]), *states] if states else merged
