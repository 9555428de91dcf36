"""Colours for scenes, chosen in OKLCH (Björn Ottosson, "A perceptual color space for image processing", 2020).

Lightness, chroma and hue there are even to the eye, so that any hue may be drawn and none shouts.
"""

from __future__ import annotations

import numpy as np

_LMS = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]])
_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklab(lightness: np.ndarray, chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """OKLab, N×3, from lightness 0–1, chroma 0–0.3 and hue in radians, each of N."""
    return np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)


def srgb(lab: np.ndarray) -> np.ndarray:
    """sRGB 0–1 (float32, N×3) from OKLab N×3; what lies outside sRGB's gamut is clipped."""
    linear = np.clip(((lab @ _LMS.T) ** 3) @ _RGB.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def background_pair(rng: np.random.Generator) -> np.ndarray:
    """Two related OKLab colours (2×3) for a background, rather muted."""
    lightness, hue = rng.uniform(0.28, 0.9), rng.uniform(0, 2 * np.pi)
    step = rng.uniform(0.04, 0.14) * (1 if lightness < 0.6 else -1)
    chroma = rng.uniform(0.02, 0.11)
    return oklab(
        np.array([lightness, lightness + step]),
        np.array([chroma, chroma * rng.uniform(0.6, 1.2)]),
        np.array([hue, hue + rng.uniform(-0.9, 0.9)]),
    )


def object_pair(rng: np.random.Generator, behind: np.ndarray) -> np.ndarray:
    """Two related OKLab colours (2×3) for an object: of ten draws the one that stands out best from those `behind`
    (N×3).
    """
    draws = rng.uniform((0.3, 0.06, 0.0), (0.92, 0.2, 2 * np.pi), size=(10, 3))
    candidates = oklab(*draws.T)
    distance = np.linalg.norm(candidates[:, None, :] - behind[None, :, :], axis=-1).min(axis=1)
    lightness, chroma, hue = draws[int(distance.argmax())]
    step = rng.uniform(0.12, 0.26) * (1 if lightness < 0.6 else -1)
    return oklab(
        np.array([lightness, lightness + step]),
        np.array([chroma, chroma * 0.8]),
        np.array([hue, hue + rng.uniform(-0.6, 0.6)]),
    )
