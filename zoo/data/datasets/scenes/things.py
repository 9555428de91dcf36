"""Things: what can be said with certainty of the objects in a scene, from what is seen of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.datasets.scenes.scene import Scene

# All lengths are in sides of the picture. What is closer than a margin is left unsaid.
BESIDE = 0.15  # by so much at least a thing is left of, or above, another, and by more than it is off the other way
ORDER = 0.04  # within it two things stand in either order from left to right
ASIDE = 0.1  # from the picture's middle: what is farther off is at its left or right, its top or bottom
OUTERMOST = 0.08  # ahead of the next one
LARGER = 1.15  # times as wide and times as high


@dataclass(frozen=True)
class Thing:
    """One object of a scene, as it is seen.

    Attributes:
        number: of the object in `Scene.instances`.
        shape: a key of `SHAPES`.
        texture: the kind of its pattern, a key of `PATTERNS`.
        x: of the middle of its box, in sides of the picture from the picture's middle, to the right.
        y: likewise, down.
        width: of its box, in sides of the picture.
        height: likewise.
    """

    number: int
    shape: str
    texture: str
    x: float
    y: float
    width: float
    height: float

    def is_left_of(self, other: Thing) -> bool:
        """Whether it is certainly left of another, and more that than above or below it."""
        return other.x - self.x >= max(BESIDE, abs(other.y - self.y))

    def is_above(self, other: Thing) -> bool:
        """Whether it is certainly above another, and more that than beside it."""
        return other.y - self.y >= max(BESIDE, abs(other.x - self.x))

    def is_larger_than(self, other: Thing) -> bool:
        """Whether it is both wider and higher than another by `LARGER`."""
        return self.width >= LARGER * other.width and self.height >= LARGER * other.height

    @property
    def corner(self) -> tuple[str, str] | None:
        """("top" or "bottom", "left" or "right"); None where its middle is too near to the picture's."""
        if min(abs(self.x), abs(self.y)) < ASIDE:
            return None
        return ("top" if self.y < 0 else "bottom", "left" if self.x < 0 else "right")


def things(one: Scene) -> tuple[Thing, ...]:
    """The objects of a scene from left to right, by the middles of their boxes.

    `compose` gives each room enough that three quarters of it are seen.
    """
    side, (height, width) = min(one.size), one.size
    shown = set(np.unique(one.shown).tolist()) - {0}
    layers = [one.composition.layers[number] for number in sorted(shown)]  # as `Scene.instances` numbers them
    result = []
    for number, (layer, box) in enumerate(zip(layers, one.boxes[:, 1:].tolist(), strict=True), 1):
        left, top, right, bottom = (edge / side for edge in box)
        middle = ((left + right - width / side) / 2, (top + bottom - height / side) / 2)
        result.append(Thing(number, layer.shape, layer.pattern.kind, *middle, right - left, bottom - top))
    return tuple(sorted(result, key=lambda thing: (thing.x, thing.number)))
