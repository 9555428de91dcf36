"""A composition drawn: the picture and which layer each pixel shows, for either frame; and the motion between them."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes.composition import Composition, Layer, Light, Pose
from zoo.data.datasets.scenes.shapes import OUTLINES, REACH
from zoo.data.datasets.scenes.textures import paint


def render(composition: Composition, size: tuple[int, int], frame: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture of frame 0 or 1 (H×W×3 float32, 0–1, without noise) and the number of the layer shown (H×W uint8)."""
    columns, rows = _axes(size)
    side = min(size)
    light = composition.light
    picture = _colour(composition.layers[0], light, frame, columns, rows)
    shown = np.zeros(size, np.uint8)
    for number, layer in enumerate(composition.layers[1:], 1):
        pose = layer.poses[frame]
        margin = REACH * pose.scale + 2 / side
        _cast(picture, layer, light, frame, _window(size, side, pose, margin + 2 * light.reach), columns, rows)
        window = _window(size, side, pose, margin)
        if window is None:
            continue
        x, y = columns[:, window[1]], rows[window[0]]
        distance = distance_from(layer, frame, x, y)
        cover = np.clip(0.5 - distance * side, 0.0, 1.0)[..., None]
        colour = _colour(layer, light, frame, x, y) * _bevel(layer, light, frame, distance, side)[..., None]
        patch = picture[window]
        patch += (colour - patch) * cover
        shown[window][distance < 0] = number
    return np.clip(picture, 0.0, 1.0, out=picture), shown


def motion(composition: Composition, size: tuple[int, int], shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Optical flow from frame 0 to frame 1 (H×W×2 float32: dx, dy in pixels) and occlusion (H×W bool).

    A pixel is occluded where the point it shows lies outside the grid of pixel centres of frame 1, or behind a nearer
    layer there.
    """
    height, width = size
    side = min(size)
    columns, rows = (axis.astype(np.float64) for axis in _axes(size))
    target = np.empty((height, width, 2), np.float64)
    hidden = np.zeros(size, bool)
    for number, layer in enumerate(composition.layers):
        row, column = np.nonzero(shown == number)
        if not row.size:
            continue
        x, y = columns[0, column], rows[row, 0]
        carry = layer.poses[1].matrix() @ np.linalg.inv(layer.poses[0].matrix())
        there_x = carry[0, 0] * x + carry[0, 1] * y + carry[0, 2]
        there_y = carry[1, 0] * x + carry[1, 1] * y + carry[1, 2]
        covered = np.zeros(row.size, bool)
        for nearer in composition.layers[number + 1 :]:
            covered |= distance_from(nearer, 1, there_x, there_y) < 0
        target[row, column, 0] = there_x * side + (width - 1) / 2
        target[row, column, 1] = there_y * side + (height - 1) / 2
        hidden[row, column] = covered
    hidden |= (target < 0).any(axis=-1) | (target[..., 0] > width - 1) | (target[..., 1] > height - 1)
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    return (target - here).astype(np.float32), hidden


def _axes(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The pixel centres' x (1×W) and y (H×1) in sides of the picture; they broadcast to the grid."""
    height, width = size
    side = min(size)
    columns = (np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)) / np.float32(side)
    rows = (np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)) / np.float32(side)
    return columns[None, :], rows[:, None]


def _window(size: tuple[int, int], side: int, pose: Pose, margin: float) -> tuple[slice, slice] | None:
    """The rows and columns within `margin` of the pose; None where that is outside the picture."""
    edges = []
    for centre, length in ((pose.y, size[0]), (pose.x, size[1])):
        middle = centre * side + (length - 1) / 2
        start, stop = max(0, int(middle - margin * side)), min(length, int(middle + margin * side) + 2)
        if start >= stop:
            return None
        edges.append(slice(start, stop))
    return edges[0], edges[1]


def _local(pose: Pose, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x, y of the picture in the layer's own frame."""
    cos, sin = np.float32(np.cos(pose.angle) / pose.scale), np.float32(np.sin(pose.angle) / pose.scale)
    x, y = x - np.float32(pose.x), y - np.float32(pose.y)
    return cos * x + sin * y, cos * y - sin * x


def distance_from(layer: Layer, frame: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance of places x, y from the layer's outline in that frame, all in sides of the picture."""
    pose = layer.poses[frame]
    return OUTLINES[layer.shape](*_local(pose, x, y), layer.form) * np.float32(pose.scale)


def _colour(layer: Layer, light: Light, frame: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The layer's pattern in its colours under the light, h×w×3.

    A point keeps in frame 1 the light that fell on it in frame 0, so that brightness is constant along the flow
    (shadows apart).
    """
    first = layer.poses[0]
    u, v = _local(layer.poses[frame], x, y)
    value = paint(layer.pattern, u * np.float32(first.scale), v * np.float32(first.scale))
    towards = first.matrix().T[:2, :2] @ (np.cos(light.angle), np.sin(light.angle)) * light.falloff
    level = 1 + light.falloff * (first.x * np.cos(light.angle) + first.y * np.sin(light.angle))
    lit = np.float32(towards[0]) * u + (np.float32(towards[1]) * v + np.float32(level))
    dark, bright = layer.colours
    return (dark + value[..., None] * (bright - dark)) * lit[..., None]


def _bevel(layer: Layer, light: Light, frame: int, distance: np.ndarray, side: int) -> np.ndarray:
    """A factor around 1 that lights the rim of an object on the light's side and darkens the other."""
    turn = light.angle + layer.poses[frame].angle - layer.poses[0].angle  # the rim keeps its light as the object turns
    slope = np.zeros_like(distance)
    slope[:, 1:-1] = (distance[:, 2:] - distance[:, :-2]) * np.float32(np.cos(turn) * side / 2)
    slope[1:-1] += (distance[2:] - distance[:-2]) * np.float32(np.sin(turn) * side / 2)
    rim = np.clip(1 + distance * np.float32(1 / 0.03), 0.0, 1.0)
    return 1 + np.float32(0.22) * slope * rim


def _cast(
    picture: np.ndarray,
    layer: Layer,
    light: Light,
    frame: int,
    window: tuple[slice, slice] | None,
    columns: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Darken the picture where the layer's soft shadow falls."""
    if window is None or not light.shadow:
        return
    towards_x, towards_y = light.reach * np.cos(light.angle), light.reach * np.sin(light.angle)
    x, y = columns[:, window[1]] + np.float32(towards_x), rows[window[0]] + np.float32(towards_y)
    depth = np.clip(0.5 - distance_from(layer, frame, x, y) * np.float32(0.6 / light.reach), 0.0, 1.0)
    picture[window] *= (1 - np.float32(light.shadow) * depth * depth * (3 - 2 * depth))[..., None]
