"""Ranges of activations, which their eight bits span: all that was seen, or what loses least.

A few values far out make every quantum large. Where they are few enough, cutting them off costs less than the finer quanta
gain: `least_error` weighs the two by their squares, over all values of all pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from converters import graph as graphs
from converters.graph import Trace
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
    """The span of each layer's output, by the layer's name.

    Raises:
        InputError: for an unknown rule.
    """
    if rule not in RANGES:
        raise unknown("rule for ranges", rule, RANGES)
    statistics: dict[str, Seen] = {}
    for count in (False, True):  # ends first, for the bins lie between them
        for picture in pictures if rule != "all" or not count else ():
            values = graphs.evaluate(graph, picture[None].astype("float32"))
            for call in graph.calls:
                _look(statistics.setdefault(call.operation.name, Seen()), np.asarray(values[call.outputs[0]]), count)
    return {name: RANGES[rule](each) for name, each in statistics.items()}


def _look(statistics: Seen, array: np.ndarray, count: bool) -> None:
    if count:
        statistics.counts += np.histogram(array, _BINS, (statistics.low, max(statistics.high, statistics.low + 1e-6)))[0]
    else:
        statistics.low, statistics.high = min(statistics.low, float(array.min())), max(statistics.high, float(array.max()))
