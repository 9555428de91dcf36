"""Boxes: where things are, and of what class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.targets.base import Size, Target, rectangle

if TYPE_CHECKING:
    from zoo.data.transforms.geometric import Placement

NO_BOX = -1  # the label of a row that only fills a rectangle of boxes


@dataclass(frozen=True, eq=False)
class Boxes(Target):
    """Boxes around things, float32 n×4: (x0, y0, x1, y1) in pixels, where pixel i covers i to i + 1.

    What has its centre outside a crop is dropped, what reaches beyond is clipped. Of a turned or deformed box, the upright box
    around it is what is left: as large as is needed, and larger than the thing in it.

    Attributes:
        labels: int32 n, the classes.
        picture: (H, W) of the picture.
        ignored: bool n, whether a box neither counts as right nor as wrong; None for none.
    """

    values: np.ndarray
    labels: np.ndarray
    picture: Size
    ignored: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._set("values", np.reshape(self.values, (-1, 4)) if np.size(self.values) == 0 else self.values, np.float32, None, 4)
        count = len(self.values)
        self._set("labels", self.labels, np.int32, count)
        self._set("ignored", np.zeros(count, bool) if self.ignored is None else self.ignored, bool, count)

    @property
    def size(self) -> Size:
        return self.picture

    def flip(self, axis: int) -> Boxes:
        side, low, high = self.picture[axis], 1 - axis, 3 - axis
        values = self.values.copy()
        values[:, low], values[:, high] = side - self.values[:, high], side - self.values[:, low]
        return replace(self, values=values)

    def place(self, placement: Placement) -> Boxes:
        matrix = placement.matrix()
        corners = self.values[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:2, :2].T + matrix[:2, 2]
        return self._within(np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1), placement.size)

    def deform(self, shift: np.ndarray) -> Boxes:
        from zoo.data.transforms.elastic import fold, sources

        y, x = fold(sources(shift)) + 0.5
        values = np.full_like(self.values, np.nan)
        for box, (x0, y0, x1, y1) in zip(values, self.values, strict=True):
            rows, columns = np.nonzero((x >= x0) & (x < x1) & (y >= y0) & (y < y1))
            if rows.size:
                box[:] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return self._within(values, self.picture)

    def _within(self, values: np.ndarray, size: Size) -> Boxes:
        """Those of the moved boxes (NaN where there is none) that have their centre in a picture of that size, clipped."""
        edge = np.array([size[1], size[0]])
        centre = (values[:, :2] + values[:, 2:]) / 2
        stay = ((centre >= 0) & (centre < edge)).all(axis=1)
        clipped = np.clip(values[stay], 0, np.tile(edge, 2))
        return Boxes(clipped, self.labels[stay], tuple(size), self.ignored[stay])

    @classmethod
    def stack(cls, targets: Sequence[Boxes]) -> dict[str, np.ndarray]:
        """boxes float32 N×n×4, labels int32 N×n, ignored bool N×n; rows that only fill up have the label `NO_BOX`.
        And picture int32 N×2, their (H, W). A loss's `prepare` makes one array of all, of one shape for all batches."""
        return {
            "boxes": rectangle([target.values for target in targets]),
            "labels": rectangle([target.labels for target in targets], [NO_BOX] * len(targets)),
            "ignored": rectangle([target.ignored for target in targets]),
            "picture": np.array([target.picture for target in targets], np.int32),
        }
