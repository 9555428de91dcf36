"""Signed distances of the shapes, in a shape's own frame: negative inside, 1 is about its radius."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Distance = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def disk(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """An ellipse of half axes 1 and 0.75 + form / 4; to first order at the outline."""
    axis = 0.75 + 0.25 * form
    level = np.hypot(u, v / axis)
    slope = np.hypot(u, v / axis**2) + 1e-6  # at the very centre both are 0
    return (level - 1.0) * level / slope


def box(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """A rectangle from 0.6 : 1 to a square, with slightly rounded corners."""
    corner = 0.1
    across, along = np.abs(u) - (0.92 - corner), np.abs(v) - ((0.6 + 0.4 * form) * 0.92 - corner)
    outside = np.hypot(np.maximum(across, 0.0), np.maximum(along, 0.0))
    return outside + np.minimum(np.maximum(across, along), 0.0) - corner


def triangle(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """An isosceles triangle, 0.85 to 1.15 times as high as the equilateral one."""
    v = v / (0.85 + 0.3 * form)
    return np.maximum(np.maximum(-v, 0.8660254 * u + 0.5 * v), -0.8660254 * u + 0.5 * v) - 0.6


def star(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """A five-pointed star; form 0 is slender, 1 is stout."""
    tip, waist, tenth = 1.15, 0.48 + 0.12 * form, np.pi / 5
    angle = np.abs(np.mod(np.arctan2(u, -v) + tenth, 2 * tenth) - tenth)  # one half of one arm
    radius = np.hypot(u, v)
    edge_x, edge_y = waist * np.cos(tenth) - tip, waist * np.sin(tenth)
    length = np.hypot(edge_x, edge_y)
    return ((radius * np.cos(angle) - tip) * edge_y - radius * np.sin(angle) * edge_x) / length


def ring(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """A circle's line, 0.4 to 0.52 wide; the hole is not part of it."""
    half = 0.2 + 0.06 * form
    return np.abs(np.hypot(u, v) - (1.0 - half)) - half


def bar(u: np.ndarray, v: np.ndarray, form: float) -> np.ndarray:
    """A line from −1 to 1 across with round ends, form times 0.6 wide."""
    return np.hypot(np.maximum(np.abs(u) - 1.0, 0.0), v) - 0.3 * form


SHAPES: dict[str, Distance] = {"disk": disk, "box": box, "triangle": triangle, "star": star, "ring": ring}
BAR = "bar"  # what limbs are of, no class of its own
OUTLINES: dict[str, Distance] = {**SHAPES, BAR: bar}
REACH = 1.35  # no shape reaches further than this from its own origin
