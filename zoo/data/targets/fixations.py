"""Fixations: the points of a picture that people looked at, and the map that they make."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

REACH = 4.0  # standard deviations after which the Gaussian of a map is cut off, as SciPy cuts it


@dataclass(frozen=True, eq=False)
class Fixations(Target):
    """Points that people looked at, float32 n×2: (x, y) in pixels, where pixel i covers i to i + 1.

    A crop keeps those inside it. What a network learns is the map that they make: the points of each pixel counted and blurred,
    by a Gaussian that is as wide as what the eye sees sharply, and so grows with the picture.

    Attributes:
        picture: (H, W) of the picture.
        spread: standard deviation of that Gaussian in pixels, downwards and across.
    """

    values: np.ndarray
    picture: Size
    spread: tuple[float, float]

    def __post_init__(self) -> None:
        self._set("values", np.reshape(self.values, (-1, 2)) if np.size(self.values) == 0 else self.values, np.float32, None, 2)

    @property
    def size(self) -> Size:
        return self.picture

    def counts(self) -> np.ndarray:
        """float32 H×W: how many points lie in each pixel."""
        counts = np.zeros(self.picture, np.float32)
        columns, rows = self.values.astype(int).T
        np.add.at(counts, (rows, columns), 1)
        return counts

    def density(self) -> np.ndarray:
        """float32 H×W: the share of the points that each pixel has, blurred; the sum is 1, or 0 where there are no points."""
        down, across = self.blurs(self.picture, self.spread)
        density = down @ self.counts() @ across.T
        return density / max(float(density.sum()), np.finfo(np.float32).tiny)

    @staticmethod
    def blurs(size: Size, spread: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """The matrices D (H×H) and A (W×W) with which `D @ counts @ A.T` is the blurred map, zeros beyond its edges."""
        return _blur(size[0], spread[0]), _blur(size[1], spread[1])

    def flip(self, axis: int) -> Fixations:
        values = self.values.copy()
        side = np.float32(self.picture[axis])
        # What lay on the near edge comes to lie on the far one, which is no longer inside.
        values[:, 1 - axis] = np.minimum(side - values[:, 1 - axis], np.nextafter(side, np.float32(0)))
        return replace(self, values=values)

    def place(self, placement: Placement) -> Fixations:
        matrix = placement.matrix()
        across, down = np.linalg.norm(matrix[:2, :2], axis=0)
        spread = (self.spread[0] * float(down), self.spread[1] * float(across))
        return self._within(self.values @ matrix[:2, :2].T + matrix[:2, 2], placement.size, spread)

    def deform(self, shift: np.ndarray) -> Fixations:
        from zoo.data.transforms.elastic import carry

        return self._within(carry(self.values, shift), self.picture, self.spread)

    def _within(self, values: np.ndarray, size: Size, spread: tuple[float, float]) -> Fixations:
        """The moved points that are in a picture of that size."""
        values = values.astype(np.float32)  # first: rounding may carry a point over the edge
        inside = ((values >= 0) & (values < np.array([size[1], size[0]]))).all(axis=1)
        return replace(self, values=values[inside], picture=tuple(size), spread=spread)

    @classmethod
    def stack(cls, targets: Sequence[Fixations]) -> np.ndarray:
        """float32 N×H×W×2: `density`, and `counts`."""
        return np.stack([np.stack([target.density(), target.counts()], axis=-1) for target in targets]).astype(np.float32)


@functools.lru_cache(maxsize=32)
def _blur(side: int, deviation: float) -> np.ndarray:
    """The side×side matrix that blurs a row of that many pixels, with zeros beyond its ends."""
    reach = int(REACH * deviation + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / max(deviation, 1e-6)) ** 2)
    band = np.subtract.outer(np.arange(side), np.arange(side))
    table = np.concatenate([weights / weights.sum(), [0.0]])
    return table[np.where(np.abs(band) <= reach, band + reach, len(weights))].astype(np.float32)
