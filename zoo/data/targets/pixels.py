"""Mask, target image and heat map: an answer for every pixel, of which geometry moves the place and not the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target, mirror
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

NO_LABEL = 255  # pads class maps where a data set ignores nothing itself; no loss and no score counts it


@dataclass(frozen=True, eq=False)
class Mask(Target):
    """Class indices, uint8 H×W. Resampled by the nearest neighbour, so that no label arises that was not there.

    Attributes:
        ignore: the value of pixels that are neither trained on nor scored, and of what lies beyond the picture; None if it is
            not said, and then `NO_LABEL` stands there.
    """

    values: np.ndarray
    ignore: int | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.dtype != np.uint8 and (values.dtype.kind not in "iub" or values.min() < 0 or values.max() > 255):
            raise InputError(f"Mask: {values.dtype} values; expected class indices, integers of 0–255")
        self._set("values", values, np.uint8, None, None)

    @property
    def size(self) -> Size:
        return self.values.shape

    @property
    def padding(self) -> int:
        """The value of what lies beyond the picture."""
        return NO_LABEL if self.ignore is None else self.ignore

    def padded_by(self, value: int) -> Mask:
        return self if self.ignore is not None else replace(self, ignore=value)

    def flip(self, axis: int) -> Mask:
        return replace(self, values=mirror(self.values, axis))

    def place(self, placement: Placement) -> Mask:
        return replace(self, values=placement.draw(self.values, smooth=False, fill=self.padding))

    def deform(self, shift: np.ndarray) -> Mask:
        from zoo.data.transforms.elastic import deform

        return replace(self, values=deform(self.values, shift, smooth=False))

    @classmethod
    def stack(cls, targets: Sequence[Mask]) -> np.ndarray:
        """int32 N×H×W."""
        return np.stack([target.values for target in targets]).astype(np.int32)


@dataclass(frozen=True, eq=False)
class TargetImage(Target):
    """A picture to be made of the picture, uint8 sH×sW×3: restored (s = 1), or enlarged.

    It goes through the same geometry at s times the size, padded with the colour that pads pictures.

    Attributes:
        scale: s, how many times the picture's size along each side.
    """

    holds_colours = True

    values: np.ndarray
    scale: int = 1

    def __post_init__(self) -> None:
        self._set("values", self.values, np.uint8, None, None, 3)
        if self.scale < 1 or any(side % self.scale for side in self.values.shape[:2]):
            raise InputError(f"TargetImage: sides of {self.shape[0]}×{self.shape[1]} are no multiples of scale={self.scale}")

    @property
    def size(self) -> Size:
        return self.values.shape[0] // self.scale, self.values.shape[1] // self.scale

    def flip(self, axis: int) -> TargetImage:
        return replace(self, values=mirror(self.values, axis))

    def place(self, placement: Placement) -> TargetImage:
        from zoo.data.transforms.geometric import GREY

        return replace(self, values=placement.at(self.scale).draw(self.values, smooth=True, fill=GREY))

    def deform(self, shift: np.ndarray) -> TargetImage:
        from zoo.data.transforms.elastic import deform, enlarge

        return replace(self, values=deform(self.values, enlarge(shift, self.scale), smooth=True))

    @classmethod
    def stack(cls, targets: Sequence[TargetImage]) -> np.ndarray:
        """float32 N×sH×sW×3 of 0–255."""
        return np.stack([target.values for target in targets]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class HeatMap(Target):
    """Numbers of every pixel, float32 H×W×K, as of saliency or landmarks; 0 beyond the picture.

    A mirrored picture keeps the channels' order: which of them stand for left and right, only the data set knows.
    """

    values: np.ndarray

    def __post_init__(self) -> None:
        self._set("values", self.values, np.float32, None, None, None)

    @property
    def size(self) -> Size:
        return self.values.shape[:2]

    def flip(self, axis: int) -> HeatMap:
        return HeatMap(mirror(self.values, axis))

    def place(self, placement: Placement) -> HeatMap:
        return HeatMap(placement.draw(self.values, smooth=True))

    def deform(self, shift: np.ndarray) -> HeatMap:
        from zoo.data.transforms.elastic import deform

        return HeatMap(deform(self.values, shift, smooth=True))

    @classmethod
    def stack(cls, targets: Sequence[HeatMap]) -> np.ndarray:
        """float32 N×H×W×K."""
        return np.stack([target.values for target in targets])
