"""Which function computes which operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Options = Mapping[str, Any]
Function = Callable[..., Any]
_FUNCTIONS: dict[str, Function] = {}
_CLAMPS = {1: (0.0, np.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}  # by the schema's number of a fused activation


def computes(*codes: str) -> Callable[[Function], Function]:
    """Enters a function for operators of these codes."""

    def enter(function: Function) -> Function:
        _FUNCTIONS.update(dict.fromkeys(codes, function))
        return function

    return enter


def enter_all(functions: Mapping[str, Callable[..., np.ndarray]]) -> None:
    """Enters functions that take no options."""
    for code, function in functions.items():
        _FUNCTIONS[code] = lambda options, *inputs, function=function: function(*inputs)


def compute(code: str, options: Options, inputs: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The outputs of one operator, its fused activation included."""
    results = _FUNCTIONS[code](options, *inputs)
    low, high = _CLAMPS.get(options.get("fusedActivationFunction", 0), (-np.inf, np.inf))
    several = results if isinstance(results, list) else [results]
    return [np.clip(each, low, high) if each.dtype == np.float64 else each for each in map(np.asarray, several)]
