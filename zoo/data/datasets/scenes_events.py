"""Films of scenes in which one thing moves, with what it does in every frame."""

from __future__ import annotations

import dataclasses

import numpy as np

from zoo.data.datasets.scenes import SceneSet
from zoo.data.datasets.scenes.composition import Composition, Pose, compose
from zoo.data.datasets.scenes.render import render
from zoo.data.datasets.scenes.scene import Scene
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Tokens

FRAMES = 6  # of a film
EVENTS = ("still", "left", "right", "up", "down")
_STEPS = {"still": (0, 0), "left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
STEP = 0.07  # sides of the picture that a thing moves from frame to frame
_EDGE = 0.4  # from the picture's middle, in sides: beyond it nothing moves on
_STREAM = 7  # of random numbers, beside those of the scene
_GOES_ON = 0.7  # how often it does what it did


class EventScenes(SceneSet):
    """Frame labels: a film, uint8 H×W×3k, and of each of its frames the number in `classes` of what the thing did since the
    frame before; in the first it is still.

    A scene has one thing here, and its background stays where it is: what happens cannot be told by one frame.
    """

    prefix = "scenes_events"
    task = "frame_labels"
    target = Tokens
    classes = EVENTS
    channels = 3 * FRAMES

    def __getitem__(self, index: int) -> Sample:
        at = self.position(index)
        random = np.random.default_rng((_STREAM, self.seed, self._first + at))
        composition, said = film_of(compose(random, self.size), random)
        frames = [np.rint(255 * render(composition, self.size, frame)[0]).astype(np.uint8) for frame in range(FRAMES)]
        labels = np.array([EVENTS.index(event) for event in said], np.int32)
        return Sample(np.concatenate(frames, axis=-1), Tokens(labels), f"{self.split}-{self.seed}-{at:05d}")

    def question(self, one: Scene) -> tuple[np.ndarray, Tokens]:
        raise NotImplementedError("films are drawn anew")


def film_of(composition: Composition, random: np.random.Generator) -> tuple[Composition, tuple[str, ...]]:
    """A composition's background and nearest thing with a pose for each frame, and what the thing does in each."""
    background, *_, thing = composition.layers
    poses, said = [thing.poses[0]], ["still"]
    for _ in range(FRAMES - 1):
        now = poses[-1]
        possible = [event for event, (x, y) in _STEPS.items() if _inside(now.x + x * STEP) and _inside(now.y + y * STEP)]
        on = len(said) > 1 and said[-1] in possible and random.uniform() < _GOES_ON
        event = said[-1] if on else possible[random.integers(len(possible))]
        across, down = _STEPS[event]
        poses.append(Pose(now.x + across * STEP, now.y + down * STEP, now.angle, now.scale))
        said.append(event)
    moving = dataclasses.replace(thing, poses=tuple(poses))
    behind = dataclasses.replace(background, poses=(background.poses[0],) * FRAMES)
    return dataclasses.replace(composition, layers=(behind, moving)), tuple(said)


def _inside(place: float) -> bool:
    return abs(place) <= _EDGE


@dataset(
    "scenes_events",
    spec="scenes_events[:…]",
    help="films of scenes in which one thing moves, with what it does in every frame",
    options=OPTIONS,
)
def scenes_events(split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (64, 64)) -> EventScenes:
    """Films of scenes."""
    return open_scenes(EventScenes, split, count, size, seed)
