"""Colours of a picture changed at random: brightness, contrast, saturation, hue, blur and noise."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from zoo.errors import InputError

_LUMA = np.array([0.299, 0.587, 0.114])
_RGB = 3


def recolour(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
) -> np.ndarray:
    """A picture in other colours: brightness, contrast, saturation and hue as one matrix on RGB, then blur and noise.

    Several frames along the channels are changed alike; their noise is each one's own. A grey picture is changed as an RGB one
    of its grey, and a fourth channel, which is no colour, not at all.

    Args:
        image: uint8 H×W×3k, of k frames; or H×W×1 or H×W×4.
        rng: what is drawn comes from here, always in the same order.
        brightness, contrast, saturation: greatest relative change either way, 0–1.
        hue: greatest turn either way, in degrees.
        blur: chance of a Gaussian blur of a radius up to 1.5 pixels, 0–1.
        noise: greatest standard deviation of added noise, in levels of 255.

    Returns:
        uint8 of the picture's shape.

    Raises:
        InputError: for a picture of another number of channels.
    """
    changes = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    changes |= {"blur": blur, "noise": noise}
    if image.ndim == 3 and image.shape[-1] == 1:
        return recolour(image.repeat(_RGB, axis=-1), rng, **changes)[..., :1]
    if image.ndim == 3 and image.shape[-1] == _RGB + 1:
        return np.concatenate([recolour(image[..., :_RGB], rng, **changes), image[..., _RGB:]], axis=-1)
    if image.ndim != 3 or image.shape[-1] % _RGB:
        raise InputError(f"an image of shape {image.shape}; colours change on RGB frames, on grey, and on RGB and a fourth")
    frames = [Image.fromarray(image[..., first : first + _RGB]) for first in range(0, image.shape[-1], _RGB)]
    bright, contrasted, saturated = (1 + rng.uniform(-most, most) for most in (brightness, contrast, saturation))
    angle = math.radians(rng.uniform(-hue, hue))
    matrix = bright * contrasted * (saturated * _turn_hue(angle) + (1 - saturated) * np.outer(np.ones(3), _LUMA))
    middle = np.mean([np.asarray(frame.convert("L").reduce(4)).mean() for frame in frames]) * bright
    offset = np.full((3, 1), (1 - contrasted) * middle)
    coefficients = tuple(np.hstack([matrix, offset]).ravel().tolist())
    frames = [frame.convert("RGB", coefficients) for frame in frames]
    if rng.random() < blur:
        softened = ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5))
        frames = [frame.filter(softened) for frame in frames]
    arrays = [np.array(frame) for frame in frames]
    values = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)
    deviation = rng.uniform(0, noise)
    if deviation:
        noisy = values + rng.standard_normal(values.shape, dtype=np.float32) * np.float32(deviation)
        values = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return values


def _turn_hue(angle: float) -> np.ndarray:
    """3×3 on RGB: a turn about the grey axis (Rodrigues' formula), which leaves greys as they are."""
    cos, sin = math.cos(angle), math.sin(angle) / math.sqrt(3)
    return cos * np.eye(3) + (1 - cos) / 3 * np.ones((3, 3)) + sin * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
