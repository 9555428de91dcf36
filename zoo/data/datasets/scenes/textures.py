"""Patterns that cover the layers of a scene: smooth functions of the place, with values from 0 to 1.

A pattern belongs to its layer's own frame, so it moves, turns and grows with the layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

TILE = 256  # side of the noise tile in texels; a power of two, so that wrapping is a bitwise and


@dataclass(frozen=True)
class Pattern:
    """The pattern that covers a layer. `period` is in sides of the picture, `softness` (the width of an edge) too."""

    kind: str
    period: float
    angle: float
    phase: tuple[float, float]
    softness: float


@cache
def noise_tile() -> np.ndarray:
    """Fractal noise that tiles, TILE×TILE float32, mean 0, standard deviation 1; the same for ever (own fixed seed)."""
    rng = np.random.default_rng(20150608)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
    radius = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]) * TILE
    # Nothing coarser than 8 waves a tile: a pattern's period is that of its coarsest wave.
    power = np.where(radius < 8, 0.0, 1.0 / np.maximum(radius, 1.0) ** 1.7) * np.exp(-((radius / 72) ** 2))
    tile = np.fft.irfft2(spectrum * power, s=(TILE, TILE))
    return np.ascontiguousarray((tile / tile.std()).astype(np.float32))


def _noise(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The tile at x, y in periods of its coarsest wave, bilinear."""
    x, y = x * (TILE / 8), y * (TILE / 8)
    left, top = np.floor(x), np.floor(y)
    right_share, lower_share = x - left, y - top
    x0, y0 = left.astype(np.int32) & (TILE - 1), top.astype(np.int32) & (TILE - 1)
    x1, y1 = (x0 + 1) & (TILE - 1), ((y0 + 1) & (TILE - 1)) * TILE
    y0 = y0 * TILE
    flat = noise_tile().ravel()
    upper, lower = flat.take(y0 + x0), flat.take(y1 + x0)
    upper += (flat.take(y0 + x1) - upper) * right_share
    lower += (flat.take(y1 + x1) - lower) * right_share
    return upper + (lower - upper) * lower_share


def _harden(wave: np.ndarray, slope: float, softness: float) -> np.ndarray:
    """A wave around 0 turned into bands of 0 and 1 whose edges are `softness` wide."""
    gain = min(1.0 / max(slope * softness, 1e-6), 12.0)
    return np.clip(0.5 + 0.5 * gain * wave, 0.0, 1.0)


def plain(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(x * 1.2)


def stripes(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return _harden(np.sin(2 * np.pi * x), 2 * np.pi, soft)


def checks(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return _harden(np.sin(np.pi * x) * np.sin(np.pi * y), np.pi, soft)


def dots(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return _harden(np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y) - 0.9, 2 * np.pi, soft)


def cloud(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return np.clip(0.5 + 0.28 * _noise(x * 0.4, y * 0.4), 0.0, 1.0)


def grain(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return np.clip(0.5 + 0.45 * _noise(x * 1.3, y * 1.3), 0.0, 1.0)


def marble(x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(2 * np.pi * x * 0.6 + 1.1 * _noise(x * 0.3, y * 0.3))


PATTERNS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "plain": plain,
    "stripes": stripes,
    "checks": checks,
    "dots": dots,
    "cloud": cloud,
    "grain": grain,
    "marble": marble,
}


def paint(pattern: Pattern, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The pattern's values, 0 to 1, at u, v given in sides of the picture; u and v broadcast."""
    cos, sin = np.cos(pattern.angle) / pattern.period, np.sin(pattern.angle) / pattern.period
    x = np.float32(cos) * u + (np.float32(sin) * v + np.float32(pattern.phase[0]))
    y = np.float32(-sin) * u + (np.float32(cos) * v + np.float32(pattern.phase[1]))
    return PATTERNS[pattern.kind](x, y, pattern.softness / pattern.period)
