"""Puppets: figures of a disk, a box and bars, whose joints are exact points of their shapes.

A puppet faces the viewer, so that its left arm is on the picture's right. Lengths are as in composition.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zoo.data.datasets.scenes.colours import object_pair, srgb
from zoo.data.datasets.scenes.composition import (
    Composition,
    Ground,
    Layer,
    Pose,
    compose_ground,
    compose_things,
    pattern_of,
)
from zoo.data.datasets.scenes.render import distance_from
from zoo.data.datasets.scenes.scene import Scene
from zoo.data.datasets.scenes.shapes import BAR, SHAPES
from zoo.data.datasets.scenes.textures import PATTERNS

JOINTS = (
    "head", "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
    "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
LABEL = len(SHAPES) + 1  # of a puppet's layers
_TRUNK = (0.10, 0.15)  # half sides of the box between shoulders and hips, of a puppet of scale 1
_HEAD = 0.085  # radius
_ARM, _LEG = 0.16, 0.19  # either half of a limb
_CORNER = 0.82  # of a trunk's half sides: where shoulders and hips are
_BOX = 0.92  # half the longer side of the shape "box" in its own frame
_ROOM = 0.42  # from a puppet's middle to its head or feet
_TURN = 0.35  # radians, of a whole puppet either way
_BEFORE = 0.35  # chance that one of the other things is in front

Places = dict[str, np.ndarray]


@dataclass(frozen=True)
class Puppet:
    """A figure.

    Attributes:
        layers: from the farthest to the nearest.
        places: float K×2 of `JOINTS`.
        own: of each joint, the place in `layers` of the nearest layer that it is part of.
        head: diameter of the head.
    """

    layers: tuple[Layer, ...]
    places: np.ndarray
    own: tuple[int, ...]
    head: float


class PuppetScene(Scene):
    """A scene with one puppet before the other things; now and then one of those is before the puppet."""

    def _composed(self) -> Composition:
        rng = self._generator(6)
        ground = compose_ground(rng, self.size)
        things = compose_things(rng, ground, self.size)
        self.puppet = compose_puppet(rng, ground, self.size)
        nearer = things[-1:] if rng.uniform() < _BEFORE else []
        behind = things[: len(things) - len(nearer)]
        self._first = 1 + len(behind)  # layer of the puppet
        return Composition((ground.layer, *behind, *self.puppet.layers, *nearer), ground.light)

    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """Places float K×2, x and y in pixels, and int K: 0 outside the picture, 1 behind something, 2 in sight."""
        x, y = self.puppet.places.T
        pixels = self.puppet.places * min(self.size) + np.array([self.size[1], self.size[0]]) / 2
        inside = ((pixels >= 0) & (pixels <= (self.size[1], self.size[0]))).all(axis=1)
        covered = np.zeros(len(pixels), bool)
        for joint, own in enumerate(self.puppet.own):
            nearer = self.composition.layers[self._first + own + 1 :]
            covered[joint] = any(distance_from(layer, 0, x[joint], y[joint]) < 0 for layer in nearer)
        return pixels, np.where(inside, 2 - covered, 0)

    def extent(self) -> tuple[int, float]:
        """How many pixels show the puppet, and the longer side of the box around them."""
        rows, columns = np.nonzero(self.mask == LABEL)
        return rows.size, float(max(np.ptp(rows), np.ptp(columns)) + 1) if rows.size else 0.0


def compose_puppet(rng: np.random.Generator, ground: Ground, size: tuple[int, int]) -> Puppet:
    """A puppet on a ground, mostly inside a picture of this size (H, W)."""
    side = min(size)
    scale, turn = rng.uniform(0.8, 1.05), rng.uniform(-_TURN, _TURN)
    room = np.maximum(np.array([size[1], size[0]]) / side / 2 - _ROOM * scale, 0.03)
    origin = rng.uniform(-room, room) - (0, 0.1 * scale)  # legs are longer than head and trunk
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    turned = np.array([[cos, -sin], [sin, cos]])
    places = {name: turned @ place + origin for name, place in _posture(rng).items()}
    cloth = object_pair(rng, ground.colours)
    skin = object_pair(rng, np.concatenate([ground.colours, cloth]))
    kinds = [list(PATTERNS)[rng.integers(len(PATTERNS))] for _ in range(2)]
    wear, bare = ((pattern_of(rng, kind, rng.uniform(0.08, 0.13), side)) for kind in kinds)
    cloth, skin = srgb(cloth), srgb(skin)

    def bone(one: str, other: str) -> Layer:
        middle, along = (places[one] + places[other]) / 2, (places[other] - places[one]) / 2
        pose = Pose(*middle, float(np.arctan2(along[1], along[0])), float(np.linalg.norm(along)))
        return Layer(LABEL, BAR, 1.0, (pose, pose), bare, skin)

    trunk = Pose(*origin, turn + np.pi / 2, scale * _TRUNK[1] / _BOX)
    form = (_TRUNK[0] / _TRUNK[1] - 0.6) / 0.4  # by which the shape's own sides are these
    head = Pose(*places["head"], turn, scale * _HEAD)
    legs, arms = (
        [bone(f"{way} {one}", f"{way} {other}") for way in ("left", "right") for one, other in pairwise(limb)]
        for limb in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
    )
    body = [Layer(LABEL, "box", form, (trunk, trunk), wear, cloth), Layer(LABEL, "disk", 1.0, (head, head), bare, skin)]
    layers = (*legs, *body, *arms)
    first = {"hip": 4, "head": 5, "shoulder": 6, "elbow": 7, "wrist": 7, "knee": 1, "ankle": 1}
    own = tuple(first[name.split()[-1]] + 2 * (name.startswith("right") and not name.endswith("hip")) for name in JOINTS)
    return Puppet(layers, np.array([places[name] for name in JOINTS]), own, 2 * scale * _HEAD)


def _posture(rng: np.random.Generator) -> Places:
    """Places of the joints about the trunk's middle, upright, at scale 1."""
    places = {"head": np.array([0.0, -_TRUNK[1] - _HEAD])}
    for way, sign in (("left", 1.0), ("right", -1.0)):
        for root, across, angle, bend, length in (
            ("shoulder", -1.0, rng.uniform(0.2, 2.5), rng.uniform(-0.4, 1.6), _ARM),
            ("hip", 1.0, rng.uniform(0.0, 0.55), rng.uniform(-0.6, 0.3), _LEG),
        ):
            middle, end = ("elbow", "wrist") if root == "shoulder" else ("knee", "ankle")
            place = _CORNER * np.array([sign * _TRUNK[0], across * _TRUNK[1]])
            places[f"{way} {root}"] = place
            for name, outward in ((middle, angle), (end, angle + bend)):  # radians from straight down
                place = place + length * np.array([sign * np.sin(outward), np.cos(outward)])
                places[f"{way} {name}"] = place
    return places
