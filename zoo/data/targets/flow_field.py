"""Flow field: the motion of every pixel, of which geometry moves the place and changes the vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target, mirror

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

_STEPS = 20  # of the fixed point that carries vectors through a deformation; each halves what is left, or better


@dataclass(frozen=True, eq=False)
class FlowField(Target):
    """The flow of every pixel, float32 H×W×2: (dx, dy) in pixels, to the right and downwards, from one frame to the next.

    Both frames go through one geometry, so that a vector does too: a flip negates its component, a resize scales it, a turn
    turns it, a crop leaves it. Vectors are resampled bilinearly between valid pixels.

    Attributes:
        valid: bool H×W, where the vector is known; None for everywhere.
    """

    values: np.ndarray
    valid: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._set("values", self.values, np.float32, None, None, 2)
        valid = np.ones(self.size, bool) if self.valid is None else self.valid
        self._set("valid", valid, bool, *self.size)

    @property
    def size(self) -> Size:
        return self.values.shape[:2]

    def flip(self, axis: int) -> FlowField:
        sign = np.array([-1, 1] if axis == 1 else [1, -1], np.float32)
        return FlowField(mirror(self.values, axis) * sign, mirror(self.valid, axis))

    def place(self, placement: Placement) -> FlowField:
        linear = placement.matrix()[:2, :2].T
        vectors, valid = self._weighted(lambda values: placement.draw(values, smooth=True))
        return FlowField(vectors @ linear, valid & placement.draw(self.valid, smooth=False))

    def deform(self, shift: np.ndarray) -> FlowField:
        """As of every target. What was fetched from beyond the edges, mirrored there, is not valid."""
        from zoo.data.transforms.elastic import deform, fetch, sources

        here = sources(shift)
        vectors, valid = self._weighted(lambda values: fetch(values, here, smooth=True))
        valid &= deform(self.valid.astype(np.float32), shift, smooth=False) > 0
        valid &= ((here >= 0) & (here <= np.reshape(self.size, (2, 1, 1)) - 1)).all(axis=0)
        # A pixel p shows the old picture's p + m(p), which goes to that plus v; in the deformed frame it lies at p + w, where
        # p + w + m(p + w) = p + m(p) + v. Solved for w by putting it in again and again.
        flow = np.moveaxis(vectors[..., ::-1], -1, 0)
        result, grid = flow, np.indices(self.size, np.float32)
        for _ in range(_STEPS):
            result = flow + shift - np.moveaxis(fetch(np.moveaxis(shift, 0, -1), grid + result, smooth=True), -1, 0)
        return FlowField(np.moveaxis(result, 0, -1)[..., ::-1], valid)

    def _weighted(self, resample: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors resampled between valid pixels alone, and where there were any."""
        share = self.valid.astype(np.float32)
        total, weight = resample(self.values * share[..., None]), resample(share)
        return total / np.maximum(weight, 1e-6)[..., None], weight > 0

    @classmethod
    def stack(cls, targets: Sequence[FlowField]) -> np.ndarray:
        """float32 N×H×W×3: dx, dy, and 1 where the vector is valid, 0 where it is not."""
        return np.stack([np.dstack([target.values, target.valid.astype(np.float32)]) for target in targets])
