"""Colours that the methods look at, in which distances are about as seen, or one number a pixel."""

from __future__ import annotations

import numpy as np

from zoo.errors import unknown

GREYS = ("luminance", "principal")
GREY = "luminance, or principal: the axis of CIELAB along which the picture's colours differ most"


def lab(image: np.ndarray) -> np.ndarray:
    """uint8 H×W×3 RGB → float32 H×W×3 CIELAB: L 0–100, a and b about −100–100; a distance of 2 is just seen."""
    import cv2

    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def grey(image: np.ndarray, kind: str) -> np.ndarray:
    """uint8 H×W×3 RGB → float64 H×W in the units of L (see `lab`).

    Raises:
        InputError: for an unknown kind.
    """
    if kind not in GREYS:
        raise unknown("grey", kind, GREYS)
    colours = lab(image).astype(np.float64)
    if kind == "luminance":
        return colours[..., 0]
    flat = colours.reshape(-1, 3) - colours.mean(axis=(0, 1))
    axis = np.linalg.eigh(flat.T @ flat)[1][:, -1]
    return (flat @ (axis * np.sign(axis[np.abs(axis).argmax()]))).reshape(image.shape[:2])
