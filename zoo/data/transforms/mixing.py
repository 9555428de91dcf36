"""Samples mixed from two: copy-paste, ClassMix, and new backgrounds. Each is an augmentation that `Batches` takes.

>>> augment = CopyPaste(Augment(scale=(0.75, 2)), partners=training, chance=0.5)   # doctest: +SKIP
>>> Batches(training, augment=augment)                                             # doctest: +SKIP
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from zoo.data.dataset import Dataset
from zoo.data.sample import Sample
from zoo.data.targets import NO_LABEL, Mask
from zoo.data.transforms.augment import Augment, Targets, describe
from zoo.data.transforms.geometric import by_picture
from zoo.errors import InputError

FEATHER = 1.0  # pixels over which a pasted outline fades, so that a network learns no cut edges
TRIES = 20  # places looked at for a patch of background before giving up
LEAST_PATCH = 32  # pixels: a smaller patch is a flat colour once enlarged


@dataclass(frozen=True)
class Mixing(ABC):
    """An augmentation that sometimes goes on to mix the sample with another one.

    augment: makes the sample. partners: where the other one is drawn from. chance: of mixing at all (0–1).
    """

    augment: Augment | Mixing
    partners: Dataset
    chance: float

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise InputError(f"chance={self.chance}: give 0 to 1")
        if len(self.partners) == 0:
            raise InputError(f"{self.partners.name}: the split is empty; there is nothing to mix in")

    @property
    def native(self) -> bool:
        return self.augment.native

    def __call__(
        self,
        image: np.ndarray,
        target: Targets | np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int] | None = None,
        padding: int = NO_LABEL,
    ) -> tuple[np.ndarray, Targets | np.ndarray]:
        """As `Augment`'s.

        Raises:
            InputError: for a target that is no class map.
        """
        if isinstance(target, np.ndarray):
            image, mask = self(image, Mask(target, padding), rng, size)
            return image, mask.values
        image, mask = self.augment(image, self._mask(target), rng, size)
        if rng.random() >= self.chance:
            return image, mask
        partner = self.partners[int(rng.integers(len(self.partners)))]
        return self.mix(image, mask, replace(partner, target=self._mask(partner.target).padded_by(mask.padding)), rng)

    @abstractmethod
    def mix(self, image: np.ndarray, mask: Mask, partner: Sample, rng: np.random.Generator) -> tuple[np.ndarray, Mask]:
        """The augmented sample mixed with a partner as it was read."""

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, as JSON holds them; partners by the name of their data set."""
        return describe(self, {**vars(self), "augment": self.augment.to_dict(), "partners": self.partners.name})

    def _mask(self, target: Targets) -> Mask:
        if isinstance(target, Mask):
            return target
        names = ", ".join(target) if isinstance(target, dict) else type(target).__name__
        raise InputError(f"{type(self).__name__} mixes class maps (Mask) and was given {names}; take Augment alone")


@dataclass(frozen=True, repr=False)
class CopyPaste(Mixing):
    """Pastes what belongs to some classes of another sample over this one, labels and all.

    With `classes` this is copy-paste (Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for
    Instance Segmentation", 2021, without its instances); without, half of the classes that the other sample shows, drawn
    anew each time: ClassMix (Olsson et al., 2021) on labelled data. The other sample is augmented like this one.

    classes: indices of what is pasted.
    """

    chance: float = 0.5
    classes: Sequence[int] | None = None

    def __repr__(self) -> str:  # what a run is compared by: the partners' name, not their address
        return f"CopyPaste({self.augment!r}, {self.partners.name!r}, {self.chance}, {self.classes})"

    def mix(self, image: np.ndarray, mask: Mask, partner: Sample, rng: np.random.Generator) -> tuple[np.ndarray, Mask]:
        over, pasted = self.augment(partner.image, partner.target, rng, mask.shape)
        labels, classes = pasted.values, self.classes
        if classes is None:
            present = np.setdiff1d(np.unique(labels), [mask.padding])
            classes = rng.permutation(present)[: (len(present) + 1) // 2]
        image, values = paste(image, mask.values, over, labels, np.isin(labels, classes))
        return image, replace(mask, values=values)


@dataclass(frozen=True, repr=False)
class NewBackground(Mixing):
    """Puts the foreground (every class but 0) before something else: a patch of another sample's background, enlarged."""

    chance: float = 0.3

    def __repr__(self) -> str:
        return f"NewBackground({self.augment!r}, {self.partners.name!r}, {self.chance})"

    def mix(self, image: np.ndarray, mask: Mask, partner: Sample, rng: np.random.Generator) -> tuple[np.ndarray, Mask]:
        patch = background_patch(partner.image, partner.target.values, rng)
        if patch is None:
            return image, mask
        behind = by_picture(patch, lambda part: part.resize(mask.shape[::-1], Image.Resampling.BICUBIC))
        foreground = (mask.values > 0) & (mask.values != mask.padding)
        image, values = paste(behind, np.zeros_like(mask.values), image, mask.values, foreground)
        return image, replace(mask, values=values)


def paste(
    image: np.ndarray, target: np.ndarray, over: np.ndarray, labels: np.ndarray, where: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`over` and its `labels` laid over an image and its target where the mask H×W says so, the outline feathered."""
    blurred = Image.fromarray(where.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(FEATHER))
    share = np.asarray(blurred, np.float32)[..., None] / 255
    mixed = image * (1 - share) + over * share
    return np.rint(mixed).astype(np.uint8), np.where(where, labels, target)


def background_patch(image: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A part of the image, at a random place, that shows class 0 only: the larger of those found; None where none is."""
    height, width = target.shape
    free = np.zeros((height + 1, width + 1), np.int64)  # integral image: how much is no background above and left of here
    free[1:, 1:] = np.cumsum(np.cumsum(target != 0, axis=0), axis=1)
    best = None
    for _ in range(TRIES):
        rows, columns = (int(rng.integers(LEAST_PATCH, max(LEAST_PATCH + 1, side // 2))) for side in (height, width))
        top, left = int(rng.integers(max(1, height - rows))), int(rng.integers(max(1, width - columns)))
        bottom, right = min(height, top + rows), min(width, left + columns)
        if free[bottom, right] - free[top, right] - free[bottom, left] + free[top, left]:
            continue
        if best is None or (bottom - top) * (right - left) > best.shape[0] * best.shape[1]:
            best = image[top:bottom, left:right]
    return best
