"""A model's answer with the positions of maxima that a converted file recorded, where the two differ at near ties only.

The positions are read from the file as it runs (`converters.file_runs`), and given to the model's own graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from converters.graph import Trace, Value, apply, fed, trace
from zoo.layers import MaxPoolIndices, ModelOutput
from zoo.outputs.near_ties import Choices, at_near_ties

Recorded = Mapping[str, np.ndarray]  # layer → its positions as the file computes them, N×(h·w)×C or N×h×w×C


def choosing(model: keras.Model) -> Trace | None:
    """The model's graph where it records positions of maxima or answers with class indices, else None."""
    if not isinstance(model, (keras.Sequential, keras.Function)):
        return None
    graph = trace(model)
    chooses = any(isinstance(call.operation, MaxPoolIndices) or _decides(call.operation) for call in graph.calls)
    return graph if chooses else None


def records(graph: Trace | None) -> bool:
    """Whether positions of maxima are among a graph's choices."""
    return graph is not None and bool(recorded_values(graph))


def recorded_values(graph: Trace) -> dict[Value, str]:
    """The tensors of a graph that hold positions of maxima, and their layers."""
    return {call.outputs[0]: call.operation.name for call in graph.calls if isinstance(call.operation, MaxPoolIndices)}


def positions(graph: Trace, tensors: Mapping[Value, Any]) -> Recorded:
    """The positions of maxima among a graph's tensors, by layer."""
    return {layer: keras.ops.convert_to_numpy(tensors[value]) for value, layer in recorded_values(graph).items()}


def evaluate(graph: Trace, arrays: Sequence[Any], recorded: Recorded) -> tuple[dict[Value, Any], int]:
    """Every tensor of a graph at inference, with recorded positions in place of its own wherever the two tie.

    Args:
        graph: of the model.
        arrays: its inputs.
        recorded: positions that another computation took on the same inputs; layers that are not in it choose themselves.

    Returns:
        The tensors, and how many positions were taken over.
    """
    tensors, otherwise = fed(graph, *arrays), 0
    for call in graph.calls:
        outputs = apply(call, tensors)
        if isinstance(call.operation, MaxPoolIndices) and call.operation.name in recorded:
            own = keras.ops.convert_to_numpy(outputs[0])
            choices = _choices(call.operation, tensors[call.inputs[0]], recorded[call.operation.name])
            outputs, otherwise = [choices.chosen.reshape(own.shape)], otherwise + choices.otherwise
        tensors.update(zip(call.outputs, outputs, strict=True))
    return tensors, otherwise


def answers(
    graph: Trace, arrays: Sequence[Any], recorded: Recorded
) -> tuple[list[np.ndarray], int, dict[int, np.ndarray]]:
    """A model's outputs on what its inputs take, as `evaluate`, the positions taken over, and the scores behind outputs of
    class indices, by their place."""
    tensors, otherwise = evaluate(graph, arrays, recorded)
    outputs = [keras.ops.convert_to_numpy(tensors[value]) for value in graph.outputs]
    decided = {call.outputs[0]: call.inputs[0] for call in graph.calls if _decides(call.operation)}
    scores = {
        place: keras.ops.convert_to_numpy(tensors[decided[value]])
        for place, value in enumerate(graph.outputs)
        if value in decided
    }
    return outputs, otherwise, scores


def _choices(layer: MaxPoolIndices, x: Any, positions: np.ndarray) -> Choices:
    windows = keras.ops.convert_to_numpy(layer.windows(x)).astype(np.float32)
    count, places, _, channels = windows.shape
    return at_near_ties(windows, positions.reshape(count, places, channels).astype(np.int32), axis=2)


def _decides(operation: keras.Operation) -> bool:
    return isinstance(operation, ModelOutput) and operation.spec.activation == "argmax"
