"""Joints: the named points of the one thing that a picture is of, and which of them are seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

ABSENT, HIDDEN, SEEN = 0, 1, 2  # what is known of a joint: nothing, where it is though something covers it, where it is
_SLACK = 1.0  # pixels that a place may lie beyond its picture, as tools round; it is moved to the edge


@dataclass(frozen=True, eq=False)
class Joints(Target):
    """Places of joints, float32 K×2: (x, y) in pixels, where pixel i covers i to i + 1.

    A mirrored picture shows a left hand as a right one, so that left and right change places, whichever way it was mirrored.
    What a crop leaves outside is ABSENT, and neither learnt nor scored.

    Attributes:
        seen: int32 K, one of ABSENT, HIDDEN and SEEN each; of an absent joint the place says nothing.
        picture: (H, W) of the picture.
        opposite: the place of each joint's counterpart on the other side, as of `zoo.outputs.sides.opposites`; none: its own.
        area: square pixels of the thing, that COCO's similarity is measured by; nan where nobody knows.
        side: the longer side of the box around the thing, in pixels; likewise.
        head: the size of its head in pixels; likewise.
        photograph, origin: where the picture is a cut: the name of what it was cut from, in which others may be too, and (x, y)
            of its corner there in pixels as large; empty where it stands by itself, as a picture that was moved does.
    """

    values: np.ndarray
    seen: np.ndarray
    picture: Size
    opposite: tuple[int, ...] = ()
    area: float = math.nan
    side: float = math.nan
    head: float = math.nan
    photograph: str = ""
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self._set("values", self.values, np.float32, None, 2)
        count = len(self.values)
        self._set("seen", self.seen, np.int32, count)
        object.__setattr__(self, "opposite", tuple(self.opposite) or tuple(range(count)))
        if sorted(self.opposite) != list(range(count)):
            raise InputError(f"Joints: opposite={self.opposite}; expected the numbers 0 to {count - 1}, each once")
        if not np.isin(self.seen, (ABSENT, HIDDEN, SEEN)).all():
            raise InputError(f"Joints: seen={self.seen.tolist()}; expected 0 (absent), 1 (hidden) or 2 (seen)")
        there = self.seen > ABSENT
        if not np.isfinite(self.values[there]).all():
            raise InputError("Joints: a place is NaN or infinite; a joint whose place nobody knows has seen=0")
        far = np.array([self.picture[1], self.picture[0]], np.float32)
        stray = there & ((self.values < -_SLACK) | (self.values > far + _SLACK)).any(axis=1)
        if stray.any():
            place = int(np.flatnonzero(stray)[0])
            x, y = self.values[place]
            raise InputError(
                f"Joints: joint {place} at ({x:g}, {y:g}) lies outside its picture of {far[0]:g}×{far[1]:g} (W×H); one that "
                "is not in the picture has seen=0"
            )
        object.__setattr__(self, "values", np.where(there[:, None], np.clip(self.values, 0, far), np.float32(0)))

    @property
    def size(self) -> Size:
        return self.picture

    def flip(self, axis: int) -> Joints:
        values = self.values.copy()
        values[:, 1 - axis] = self.picture[axis] - values[:, 1 - axis]
        order = list(self.opposite)
        return replace(self, values=values[order], seen=self.seen[order], photograph="")

    def place(self, placement: Placement) -> Joints:
        matrix = placement.matrix()
        linear = matrix[:2, :2]
        growth = abs(float(np.linalg.det(linear)))
        lengths = {name: getattr(self, name) * math.sqrt(growth) for name in ("side", "head")}
        return self._within(self.values @ linear.T + matrix[:2, 2], placement.size, area=self.area * growth, **lengths)

    def deform(self, shift: np.ndarray) -> Joints:
        from zoo.data.transforms.elastic import carry

        return self._within(carry(self.values, shift), self.picture)

    def _within(self, values: np.ndarray, size: Size, **sizes: float) -> Joints:
        """The moved joints; those outside a picture of that size are absent."""
        inside = ((values >= 0) & (values <= np.array([size[1], size[0]]))).all(axis=1)
        seen = np.where(inside, self.seen, ABSENT)
        return replace(self, values=values, seen=seen, picture=tuple(size), photograph="", **sizes)

    @classmethod
    def stack(cls, targets: Sequence[Joints]) -> np.ndarray:
        """float32 N×K×3: x and y in shares of the sides, and 1 where the joint's place is known, 0 where it is not.

        Raises:
            InputError: for targets of several numbers of joints.
        """
        counts = sorted({len(target.values) for target in targets})
        if len(counts) > 1:
            raise InputError(f"targets of {' and '.join(map(str, counts))} joints; all samples of a batch have the same ones")
        places = [target.values / (target.picture[1], target.picture[0]) for target in targets]
        known = [(target.seen > ABSENT)[:, None] for target in targets]
        return np.concatenate([np.stack(places), np.stack(known)], axis=-1).astype(np.float32)
