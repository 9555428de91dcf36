"""Operators that put an axis together: sums, extremes, norms, sums so far."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes

_REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "MEAN": np.mean,
    "SUM": np.sum,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
    "REDUCE_ANY": np.any,
    "REDUCE_ALL": np.all,
}


def _enter(code: str, function: Callable[..., np.ndarray]) -> None:
    @computes(code)
    def reduce(options: Options, x: np.ndarray, axes: np.ndarray) -> np.ndarray:
        return function(x, axis=tuple(np.atleast_1d(axes).tolist()), keepdims=bool(options.get("keepDims")))


for _code, _function in _REDUCTIONS.items():
    _enter(_code, _function)


@computes("ARG_MAX")
def arg_max(options: Options, x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The index of the first largest."""
    return np.argmax(x, int(axis)).astype(np.int32)


@computes("ARG_MIN")
def arg_min(options: Options, x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The index of the first smallest."""
    return np.argmin(x, int(axis)).astype(np.int32)


@computes("TOPK_V2")
def top_k(options: Options, x: np.ndarray, k: np.ndarray) -> list[np.ndarray]:
    """The largest of each row, falling, and where they were."""
    order = np.argsort(-x, axis=-1, kind="stable")[..., : int(k)]
    return [np.take_along_axis(x, order, -1), order.astype(np.int32)]


@computes("CUMSUM")
def cumsum(options: Options, x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Sums so far; exclusive without the number itself, reverse from behind."""
    place = int(axis)
    turned = np.flip(x, place) if options.get("reverse") else x
    sums = np.cumsum(turned, place) - (turned if options.get("exclusive") else 0)
    return np.flip(sums, place) if options.get("reverse") else sums


@computes("SOFTMAX")
def softmax(options: Options, x: np.ndarray) -> np.ndarray:
    """Shares along the last axis."""
    powers = np.exp(options.get("beta", 1.0) * (x - x.max(-1, keepdims=True)))
    return powers / powers.sum(-1, keepdims=True)


@computes("LOG_SOFTMAX")
def log_softmax(options: Options, x: np.ndarray) -> np.ndarray:
    """Logarithms of the shares."""
    least = x - x.max(-1, keepdims=True)
    return least - np.log(np.exp(least).sum(-1, keepdims=True))


@computes("L2_NORMALIZATION")
def l2_normalization(options: Options, x: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis."""
    return x / np.sqrt(np.square(x).sum(-1, keepdims=True))


@computes("LOCAL_RESPONSE_NORMALIZATION")
def local_response(options: Options, x: np.ndarray) -> np.ndarray:
    """Divided by a power of the neighbouring channels' squares."""
    radius, channels = options["radius"], x.shape[-1]
    squares = np.pad(np.square(x), [(0, 0)] * 3 + [(radius, radius)])
    sums = sum(squares[..., place : place + channels] for place in range(2 * radius + 1))
    return x / (options["bias"] + options["alpha"] * sums) ** options["beta"]
