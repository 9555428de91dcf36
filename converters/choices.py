"""A model's answer with the positions of maxima that a converted file recorded, where the two differ at near ties only.

The positions are read from the file as it runs (`converters.file_runs`), and given to the model's own graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from converters.graph import Trace, apply, evaluate, trace
from zoo.layers import Answer, MaxPositions
from zoo.outputs.near_ties import Choices, at_near_ties

Recorded = Mapping[str, np.ndarray]  # layer → its positions as the file computes them, N×(h·w)×C or N×h×w×C


def choosing(model: keras.Model) -> Trace | None:
    """The model's graph where it records positions of maxima or answers with class indices, else None."""
    if not isinstance(model, (keras.Sequential, keras.Function)):
        return None
    graph = trace(model)
    chooses = any(isinstance(call.operation, MaxPositions) or _decides(call.operation) for call in graph.calls)
    return graph if chooses else None


def records(graph: Trace | None) -> bool:
    """Whether positions of maxima are among a graph's choices."""
    return graph is not None and any(isinstance(call.operation, MaxPositions) for call in graph.calls)


def positions(graph: Trace, images: Any) -> Recorded:
    """The positions of maxima that a model itself records; what another backend is asked for."""
    tensors = evaluate(graph, images)
    return {
        call.operation.name: keras.ops.convert_to_numpy(tensors[call.outputs[0]])
        for call in graph.calls
        if isinstance(call.operation, MaxPositions)
    }


def answers(graph: Trace, images: Any, recorded: Recorded) -> tuple[list[np.ndarray], int, np.ndarray | None]:
    """Runs a model with recorded positions in place of its own wherever the two tie.

    Args:
        graph: of the model, from `choosing`.
        images: N×H×W×C in 0–255.
        recorded: what a file recorded on the same pictures; layers that are not in it choose for themselves.

    Returns:
        The outputs, how many positions were taken over, and the scores that class indices were decided by, if any were.
    """
    tensors, otherwise, scores = {graph.inputs[0]: images}, 0, None
    for call in graph.calls:
        outputs = apply(call, tensors)
        if isinstance(call.operation, MaxPositions) and call.operation.name in recorded:
            own = keras.ops.convert_to_numpy(outputs[0])
            choices = _choices(call.operation, tensors[call.inputs[0]], recorded[call.operation.name])
            outputs, otherwise = [choices.chosen.reshape(own.shape)], otherwise + choices.otherwise
        elif _decides(call.operation):
            scores = keras.ops.convert_to_numpy(tensors[call.inputs[0]])
        tensors.update(zip(call.outputs, outputs, strict=True))
    return [keras.ops.convert_to_numpy(tensors[value]) for value in graph.outputs], otherwise, scores


def _choices(layer: MaxPositions, x: Any, positions: np.ndarray) -> Choices:
    windows = keras.ops.convert_to_numpy(layer.windows(x)).astype(np.float32)
    count, places, _, channels = windows.shape
    return at_near_ties(windows, positions.reshape(count, places, channels).astype(np.int32), axis=2)


def _decides(operation: keras.Operation) -> bool:
    return isinstance(operation, Answer) and operation.kind == "classes"
