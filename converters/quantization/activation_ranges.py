"""Ranges of activations, which their eight bits span: all that was seen, or what loses least.

A few values far out make every quantum large. Where they are few enough, cutting them off costs less than the finer quanta
gain: `least_error` weighs the two by their squares, over all values of all pictures.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from converters import graph as graphs
from converters.graph import Trace, Value
from converters.quantization.calibration import check_samples
from converters.reductions import Reducer
from zoo.errors import unknown

_BINS = 4096
_LEVELS = 255
_SHARES = np.geomspace(0.02, 1.0, 40)  # of what was seen, tried for either end


@dataclass
class Seen:
    """The values of a tensor on the pictures: its ends (zero always among them) and how often which part came up."""

    low: float = 0.0
    high: float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(_BINS))


def everything(seen: Seen) -> tuple[float, float]:
    """From the least to the greatest value."""
    return seen.low, seen.high


def least_error(seen: Seen) -> tuple[float, float]:
    """The span with the least mean square error of rounding within it and cutting off outside."""
    edges = np.linspace(seen.low, seen.high, _BINS + 1)
    centres, counts = (edges[:-1] + edges[1:]) / 2, seen.counts
    lows, highs = (_SHARES * end if end else np.zeros(1) for end in (seen.low, seen.high))
    below = np.array([(counts * np.maximum(low - centres, 0) ** 2).sum() for low in lows])
    above = np.array([(counts * np.maximum(centres - high, 0) ** 2).sum() for high in highs])
    steps = (highs[None, :] - lows[:, None]) / _LEVELS
    error = below[:, None] + above[None, :] + counts.sum() * steps**2 / 12
    best = np.unravel_index(np.argmin(error), error.shape)
    return float(lows[best[0]]), float(highs[best[1]])


RANGES: dict[str, Callable[[Seen], tuple[float, float]]] = {"all": everything, "least error": least_error}


def spans(graph: Trace, pictures: np.ndarray, rule: str) -> dict[str, tuple[float, float]]:
    """The span of each layer's output on the pictures, by the layer's name; of a layer that is used twice, over both uses.

    Raises:
        InputError: for an unknown rule.
    """
    if rule not in RANGES:
        raise unknown("rule for ranges", rule, RANGES)
    layers = {call.outputs[0]: call.operation.name for call in graph.calls}
    statistics = {name: Seen() for name in layers.values()}
    for value, row in _each(Reducer(graph, _ends), pictures):
        if value in layers:
            seen = statistics[layers[value]]
            seen.low, seen.high = min(seen.low, float(row[0])), max(seen.high, float(row[1]))
    if rule != "all":  # a second time over the pictures, for the bins lie between the ends

        def counts(value: Value, tensor: Any) -> Any:
            return _counts(statistics[layers[value]], tensor) if value in layers else None

        for value, row in _each(Reducer(graph, counts), pictures):
            statistics[layers[value]].counts += row
    return {name: RANGES[rule](each) for name, each in statistics.items()}


def starting_spans(graph: Trace, calibration: Any, rule: str) -> dict[str, tuple[float, float]]:
    """`spans` on pictures as a caller gives them, checked; on noise, with a warning, where there are none.

    Raises:
        InputError: for an unknown rule, or pictures that do not fit.
    """
    shape = graphs.concrete_shapes(graph)[0]
    if calibration is None:
        warnings.warn(
            "ranges start from noise: pass calibration=, dozens of training pictures, or training has to find them first",
            stacklevel=4,
        )
        return spans(graph, np.random.default_rng(0).uniform(0, 255, shape).astype("float32"), rule)
    return spans(graph, check_samples(calibration, graph.inputs[0].shape[1:3], shape[3], "calibration"), rule)


def _each(reducer: Reducer, pictures: np.ndarray) -> Iterator[tuple[Value, np.ndarray]]:
    for picture in pictures:
        yield from reducer(picture[None]).items()


def _ends(value: Value, tensor: Any) -> Any:
    return keras.ops.cast(keras.ops.stack([keras.ops.min(tensor), keras.ops.max(tensor)]), "float32")


def _counts(seen: Seen, tensor: Any) -> Any:
    """How many values lie in each of the bins between the ends."""
    width = max(seen.high - seen.low, 1e-6) / _BINS
    places = keras.ops.cast((keras.ops.reshape(keras.ops.cast(tensor, "float32"), (-1,)) - seen.low) / width, "int32")
    places = keras.ops.clip(places, 0, _BINS - 1)
    return keras.ops.segment_sum(keras.ops.ones_like(places), places, num_segments=_BINS)
