"""Compositions: what is in a scene and where, in both of its frames, drawn once from (seed, index), rendered by render.py.

Lengths are in sides of the picture (the shorter one is 1), with the origin at its centre, x to the right and y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.datasets.scenes.colours import background_pair, object_pair, srgb
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.data.datasets.scenes.textures import Pattern

# The pattern a class wears most often. Backgrounds and some of the objects wear any, so that
# texture helps but does not tell.
WEARS = {"disk": "dots", "box": "checks", "triangle": "stripes", "star": "grain", "ring": "marble"}
WEARS_ITS_OWN = 0.95
BACKGROUNDS = ("plain", "plain", "cloud", "cloud", "stripes", "checks", "dots", "grain", "marble")


@dataclass(frozen=True)
class Pose:
    """The pose of a layer: the place of its origin, its turn in radians, its size (what 1 in its own frame measures)."""

    x: float
    y: float
    angle: float
    scale: float

    def matrix(self) -> np.ndarray:
        """3×3, from the layer's own frame to the picture's."""
        cos, sin = self.scale * np.cos(self.angle), self.scale * np.sin(self.angle)
        return np.array([[cos, -sin, self.x], [sin, cos, self.y], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Layer:
    """The background (label 0) or an object; `poses` are those in the two frames."""

    label: int
    shape: str
    form: float
    poses: tuple[Pose, Pose]
    pattern: Pattern
    colours: np.ndarray  # 2×3, sRGB 0–1


@dataclass(frozen=True)
class Light:
    """One light for a scene: where it comes from (radians), how much the picture falls off, how dark shadows are."""

    angle: float
    falloff: float
    shadow: float
    reach: float  # how far a shadow falls


@dataclass(frozen=True)
class Ground:
    """What a composition begins with.

    Attributes:
        layer: the background.
        light: on everything.
        camera: the second frame's view of what stands still.
        colours: of the background, OKLab 2×3, from which things are to stand out.
    """

    layer: Layer
    light: Light
    camera: Pose
    colours: np.ndarray


@dataclass(frozen=True)
class Composition:
    """Layers from the farthest (the background) to the nearest, and the light on them."""

    layers: tuple[Layer, ...]
    light: Light


def compose(rng: np.random.Generator, size: tuple[int, int]) -> Composition:
    """A composition for a picture of this size (H, W)."""
    ground = compose_ground(rng, size)
    return Composition((ground.layer, *compose_things(rng, ground, size)), ground.light)


def compose_ground(rng: np.random.Generator, size: tuple[int, int]) -> Ground:
    """The background, the light and the camera for a picture of this size (H, W)."""
    light = Light(rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.35), rng.uniform(0.2, 0.55), rng.uniform(0.015, 0.05))
    camera = Pose(*rng.uniform(-0.03, 0.03, 2), rng.uniform(-0.035, 0.035), rng.uniform(0.97, 1.03))
    behind = background_pair(rng)
    kind = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    period = rng.uniform(0.5, 1.2) if kind == "plain" else rng.uniform(0.14, 0.4)
    pattern = pattern_of(rng, kind, period, min(size))
    return Ground(Layer(0, "", 0.0, (Pose(0, 0, 0, 1), camera), pattern, srgb(behind)), light, camera, behind)


def compose_things(rng: np.random.Generator, ground: Ground, size: tuple[int, int]) -> list[Layer]:
    """The objects on a ground, in a picture of this size (H, W)."""
    side = min(size)
    half = (size[1] / side / 2, size[0] / side / 2)
    layers = []
    count = round(rng.integers(2, 5) * min(4.0, half[0] * half[1] * 4))
    placed: list[Pose] = []
    for _ in range(count):
        name = list(SHAPES)[rng.integers(len(SHAPES))]
        pose = _place(rng, name, half, placed)
        if pose is not None:
            placed.append(pose)
            layers.append(_object(rng, name, pose, ground.camera, ground.colours, side))
    return layers


def pattern_of(rng: np.random.Generator, kind: str, period: float, side: int) -> Pattern:
    """A pattern of that kind and period, for a picture whose shorter side has that many pixels."""
    phase = rng.uniform(0, 32, 2)
    return Pattern(
        kind, float(period), float(rng.uniform(0, 2 * np.pi)), (float(phase[0]), float(phase[1])), 1.0 / side
    )


def _place(rng: np.random.Generator, name: str, half: tuple[float, float], placed: list[Pose]) -> Pose | None:
    """A pose that hides little of what is there already and is mostly inside the picture; None where none was found."""
    least = 0.23 if name in ("ring", "star") else 0.2  # what has fine parts needs room to show them
    scale = rng.uniform(least, 0.32)
    for x, y in rng.uniform(-1, 1, size=(10, 2)):
        x, y = x * (half[0] - 0.75 * scale), y * (half[1] - 0.75 * scale)
        if all(np.hypot(x - other.x, y - other.y) > 0.8 * (scale + other.scale) for other in placed):
            return Pose(float(x), float(y), float(rng.uniform(0, 2 * np.pi)), float(scale))
    return None


def _object(rng: np.random.Generator, name: str, pose: Pose, camera: Pose, behind: np.ndarray, side: int) -> Layer:
    kind = WEARS[name] if rng.uniform() < WEARS_ITS_OWN else list(WEARS.values())[rng.integers(len(WEARS))]
    pattern = pattern_of(rng, kind, rng.uniform(0.08, 0.13), side)
    centre = camera.matrix() @ np.array([pose.x, pose.y, 1.0])  # where it would be if only the camera moved
    step = rng.uniform(-0.06, 0.06, 2)
    moved = Pose(
        float(centre[0] + step[0]),
        float(centre[1] + step[1]),
        pose.angle + camera.angle + float(rng.uniform(-0.17, 0.17)),
        pose.scale * camera.scale * float(rng.uniform(0.95, 1.05)),
    )
    label = 1 + list(SHAPES).index(name)
    return Layer(label, name, float(rng.uniform()), (pose, moved), pattern, srgb(object_pair(rng, behind)))
