"""The scores of ISBI 2012's challenge: V_rand and V_info of cells between membranes, at the best threshold of their map.

Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics", Frontiers in
Neuroanatomy 2015: a map of probabilities is cut at several thresholds; the connected parts of what is cell are grown until no
membrane is left, so that its width costs nothing; V_rand and V_info are those of the pixels that are cell in the truth; of all
thresholds the best one counts, for each score its own.

Here the nearest cell wins where the challenge's watershed runs from the borders, and pairs are of two different pixels
(`zoo.metrics.instances`), a difference of one in as many as a cell has pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError
from zoo.metrics.instances import agreement, parts, thinned

__all__ = ["THRESHOLDS", "MembraneScores"]

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


class MembraneScores:
    """V_rand and V_info by threshold, filled picture by picture.

    Args:
        thresholds: shares from which on a pixel is cell.
        objects: the class of the target that is cell.
    """

    def __init__(self, thresholds: Sequence[float] = THRESHOLDS, objects: int = 1) -> None:
        self.thresholds, self.objects = tuple(map(float, thresholds)), objects
        self._scores: list[np.ndarray] = []

    def update(self, target: np.ndarray, shares: np.ndarray) -> None:
        """Counts one picture.

        Args:
            target: int H×W, classes.
            shares: float H×W of 0–1, how likely each pixel is cell.

        Raises:
            InputError: for arrays of other shapes, and for a target without two pixels of cell.
        """
        target, shares = np.asarray(target), np.asarray(shares)
        if target.ndim != 2 or target.shape != shares.shape:
            raise InputError(f"a target of {target.shape} and shares of {shares.shape}; expected H×W, both")
        truth = parts(target == self.objects)
        if (truth > 0).sum() < 2:
            raise InputError(f"a target without cells, class {self.objects}: nothing can be scored")
        rows = (agreement(truth, thinned(parts(shares >= threshold))) for threshold in self.thresholds)
        self._scores.append(np.array([(1 - row["rand_error"], 1 - row["info_error"]) for row in rows]))

    def at(self, threshold: float) -> tuple[float, float]:
        """V_rand and V_info at one of the thresholds, the mean over the pictures."""
        v_rand, v_info = self._means()[self.thresholds.index(threshold)]
        return float(v_rand), float(v_info)

    @property
    def best(self) -> tuple[float, float]:
        """The thresholds at which V_rand and V_info are greatest, of equals the lowest."""
        of_rand, of_info = self._means().argmax(axis=0)
        return self.thresholds[of_rand], self.thresholds[of_info]

    def _means(self) -> np.ndarray:
        if not self._scores:
            raise InputError("no picture has been scored; call update first")
        return np.mean(self._scores, axis=0)
