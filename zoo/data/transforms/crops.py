"""Crops: whole pixels cut out as they are, for targets that are pictures themselves; with noise on the input alone.

`Augment` places parts between pixels and interpolates, which takes from a picture the very detail that restoration and
super-resolution are about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.sample import as_target, change
from zoo.data.targets import NO_LABEL, Mask
from zoo.data.transforms.augment import Targets, check_fits, describe, mirrored
from zoo.data.transforms.geometric import GREY, Placement
from zoo.errors import InputError


@dataclass(frozen=True)
class Crops:
    """An augmentation that cuts out whole pixels, mirrors, and adds noise to the picture and not to the target.

    size: (H, W) of a crop; None is what `Batches(size=…)` says, or else the sample's own. What is smaller is padded.
    flip, flip_vertical: chance of mirroring left–right, top–bottom (0–1).
    noise: (least, greatest) standard deviation of Gaussian noise in levels of 255, drawn evenly for each crop; None for none.
    """

    size: tuple[int, int] | None = None
    flip: float = 0.5
    flip_vertical: float = 0.5
    noise: tuple[float, float] | None = None
    native = True

    def __post_init__(self) -> None:
        for name in ("flip", "flip_vertical"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Crops({name}={getattr(self, name)}): give 0 to 1")
        if self.size is not None and min(self.size) < 1:
            raise InputError(f"Crops(size={self.size}): give (H, W) in pixels")
        if self.noise is not None and not 0 <= self.noise[0] <= self.noise[1]:
            raise InputError(f"Crops(noise={self.noise}): give (least, greatest) in levels, 0 or more")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, as JSON holds them."""
        return describe(self, vars(self))

    def __call__(
        self,
        image: np.ndarray,
        target: Targets | np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int] | None = None,
        padding: int = NO_LABEL,
    ) -> tuple[np.ndarray, Targets | np.ndarray]:
        """As `Augment`'s."""
        if isinstance(target, np.ndarray):
            image, mask = self(image, Mask(target, padding), rng, size)
            return image, mask.values
        check_fits(image, target)
        whole = image.shape[:2]
        size = tuple(size or self.size or whole)
        top, left = (int(rng.integers(0, max(have - want, 0) + 1)) for have, want in zip(whole, size, strict=True))
        placement = Placement(whole, (float(left), float(top), float(size[1]), float(size[0])), size)
        image = placement.draw(image, smooth=True, fill=GREY)
        target = change(target, lambda one: as_target(one).place(placement))
        image, target = mirrored(image, target, (self.flip, self.flip_vertical), rng)
        if self.noise is not None:
            image = with_noise(image, rng.uniform(*self.noise), rng)
        return image, target


def with_noise(picture: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """A picture uint8 with Gaussian noise of that standard deviation in levels, rounded and cut off at 0 and 255."""
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
