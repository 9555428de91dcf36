"""Instance mask: which object each pixel belongs to, and of what class the objects are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target, mirror
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

UNKNOWN = -1  # the value of pixels that neither count as ground nor as an object, as of what lies beyond the picture


@dataclass(frozen=True, eq=False)
class InstanceMask(Target):
    """Numbers of objects, int32 H×W: 0 is the ground, k the object of `labels[k - 1]`, `UNKNOWN` what nothing is known of.

    Resampled by the nearest neighbour. An object that a crop leaves out keeps its place in `labels` and has no pixel.

    Attributes:
        labels: int32 n, the classes of the objects.
        ignored: bool n, whether an object neither counts as right nor as wrong (a crowd); None for none.
    """

    values: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.dtype.kind not in "iu":
            raise InputError(f"InstanceMask: {values.dtype} values; expected numbers of objects, integers from 0")
        self._set("values", values, np.int32, None, None)
        count = len(np.atleast_1d(self.labels))
        self._set("labels", self.labels, np.int32, count)
        self._set("ignored", np.zeros(count, bool) if self.ignored is None else self.ignored, bool, count)
        least, most = int(self.values.min(initial=0)), int(self.values.max(initial=0))
        if least < UNKNOWN or most > count:
            raise InputError(f"InstanceMask: numbers from {least} to {most} for {count} labels; expected {UNKNOWN} to {count}")

    @property
    def size(self) -> Size:
        return self.values.shape

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of the objects that have a pixel, rising."""
        present = np.unique(self.values)
        return present[present > 0]

    def classes(self) -> np.ndarray:
        """int32 H×W: 0 for the ground, 1 + its class for an object, `UNKNOWN` for what does not count."""
        of_number = np.concatenate([[0], np.where(self.ignored, UNKNOWN, 1 + self.labels), [UNKNOWN]])
        return of_number[self.values].astype(np.int32)  # the number −1 takes the last

    def flip(self, axis: int) -> InstanceMask:
        return replace(self, values=mirror(self.values, axis))

    def place(self, placement: Placement) -> InstanceMask:
        drawn = placement.draw(self.values.astype(np.float32), smooth=False, fill=UNKNOWN)  # Pillow knows no int32 to turn
        return replace(self, values=drawn.astype(np.int32))

    def deform(self, shift: np.ndarray) -> InstanceMask:
        from zoo.data.transforms.elastic import deform

        return replace(self, values=deform(self.values.astype(np.float32), shift, smooth=False).astype(np.int32))

    @classmethod
    def stack(cls, targets: Sequence[InstanceMask]) -> np.ndarray:
        """int32 N×H×W×2: numbers, and `classes`. A loss's `prepare` makes of them what it learns from."""
        return np.stack([np.stack([target.values, target.classes()], axis=-1) for target in targets])
