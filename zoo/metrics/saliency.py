"""Saliency scores: how well a map of heat says where people looked, in the seven measures of the MIT saliency benchmark.

Bylinskii, Judd, Oliva, Torralba & Durand, "What do different evaluation metrics tell us about saliency models?", IEEE TPAMI
2019, and the benchmark's MATLAB code. q is the map of fixations (their counts blurred by one degree of sight, sum 1), p the
answer divided by its sum.

- nss: normalised scanpath saliency, the mean of the answer less its mean and over its standard deviation, at the fixations.
- cc: Pearson's correlation of answer and q over the pixels.
- similarity: Σ min(p, q), each first stretched to 0 … 1 and then divided by its sum.
- kl: Σ q·log(ε + q / (p + ε)), ε = 2⁻⁵².
- auc_judd: the area under the ROC curve of the answer as a classifier of pixels: those with a fixation against all others.
- auc_borji: those with a fixation against pixels drawn from anywhere in the picture.
- auc_shuffled: those with a fixation against places where people looked in other pictures. A map of the middle, where they
  look in any picture, is worth no more than 0.5 here.

All areas are exact: the share of pairs in which the fixation has the greater value, ties counting half. The benchmark's code
draws the second sort a hundred times and adds up over steps of 0.1; an area here is the limit of more draws and finer steps.
Its Judd area joins the curve's points by straight lines and so lies up to half a fixation's share higher.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import spread
from zoo.data.targets import Fixations
from zoo.errors import InputError
from zoo.metrics.base import Metric, Score

if TYPE_CHECKING:
    from zoo.data import Dataset

EPSILON = 2.0**-52
MOST_OTHERS = 500  # pictures whose fixations are the shuffled ones; of larger data sets so many, spread evenly
_SCORES = {  # name → unit, and whether more is better
    "nss": ("σ", True),
    "cc": ("", True),
    "similarity": ("", True),
    "kl": ("nats", False),
    "auc_judd": ("", True),
    "auc_borji": ("", True),
    "auc_shuffled": ("", True),
}


class SaliencyScores(Metric):
    """The seven scores, each the mean over the pictures that anybody looked at.

    Args:
        dataset: whose other pictures' fixations are the shuffled ones.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._places: list[np.ndarray] | None = None  # the fixations of its pictures, as shares of their sides
        self._rows: list[list[float]] = []

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one map of heat, H×W×1 or H×W, against `zoo.data.targets.Fixations`.

        Raises:
            InputError: for another target, a map of another size, or of several channels.
        """
        answer = np.asarray(answer, np.float64)
        heat = answer[..., 0] if answer.ndim == 3 and answer.shape[-1] == 1 else answer
        if not isinstance(target, Fixations) or heat.shape != target.size:
            size = getattr(target, "size", None)
            raise InputError(
                f"a {type(target).__name__} of a picture of {size} (H×W) and an answer of shape {answer.shape}; "
                "saliency is scored against Fixations, by one map of the picture's size"
            )
        if not len(target.values):
            return
        counts, density = target.counts(), target.density().astype(np.float64)
        fixated = heat[counts > 0]
        everywhere = np.sort(heat, axis=None)
        columns, rows = target.values.astype(int).T
        row = {
            "nss": float(standardised(heat)[rows, columns].mean()),
            "cc": float((standardised(heat) * standardised(density)).mean()),
            "similarity": similarity(heat, density),
            "kl": divergence(heat, density),
            "auc_judd": _against_others(fixated, everywhere),
            "auc_borji": area(fixated, everywhere),
            "auc_shuffled": area(fixated, np.sort(self._elsewhere(heat, target))),
        }
        self._rows.append([row[name] for name in _SCORES])

    def merge(self, other: Metric) -> SaliencyScores:
        self._rows += other._rows
        return self

    def scores(self) -> list[Score]:
        means = np.mean(self._rows, axis=0) if self._rows else np.full(len(_SCORES), math.nan)
        # A data set of one picture has no shuffled area, and no mean of it.
        return [Score(name, float(value), *_SCORES[name]) for name, value in zip(_SCORES, means, strict=True)]

    def _elsewhere(self, heat: np.ndarray, target: Fixations) -> np.ndarray:
        """The map's values where people looked in other pictures."""
        if self._places is None:
            samples = (self._dataset[index] for index in spread(MOST_OTHERS, len(self._dataset)))
            self._places = [_shares(sample.target) for sample in samples]
        own = _shares(target)
        others = [places for places in self._places if not np.array_equal(places, own)]
        if not others:
            return np.empty(0)
        columns, rows = (np.concatenate(others) * (heat.shape[1], heat.shape[0])).astype(int).T
        return heat[rows.clip(0, heat.shape[0] - 1), columns.clip(0, heat.shape[1] - 1)]


def area(positives: np.ndarray, negatives: np.ndarray) -> float:
    """The share of pairs (positive, negative) in which the positive is greater, ties counting half; nan without pairs.

    Args:
        positives: n values.
        negatives: m values, sorted.
    """
    if not len(positives) or not len(negatives):
        return math.nan
    below = (np.searchsorted(negatives, positives, side) for side in ("left", "right"))
    return float(sum(count.mean() for count in below) / (2 * len(negatives)))


def _against_others(fixated: np.ndarray, everywhere: np.ndarray) -> float:
    """`area` of the fixated pixels against all others, from the sorted values of all pixels: own pairs are taken out."""
    count, total = len(fixated), len(everywhere)
    if count == total:
        return math.nan
    own = area(fixated, np.sort(fixated))
    return (area(fixated, everywhere) * total - own * count) / (total - count)


def standardised(values: np.ndarray) -> np.ndarray:
    """Less the mean, over the standard deviation; 0 everywhere where nothing varies."""
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation else np.zeros_like(values)


def similarity(heat: np.ndarray, density: np.ndarray) -> float:
    """Of two maps, each first stretched to 0 … 1 and divided by its sum: the sum of the lesser values."""
    return float(np.minimum(*(_share(values - values.min()) for values in (heat, density))).sum())


def divergence(heat: np.ndarray, density: np.ndarray) -> float:
    """The divergence of the answer's shares from the map's, in nats."""
    shares, truth = _share(heat), _share(density)
    return float((truth * np.log(EPSILON + truth / (shares + EPSILON))).sum())


def _share(values: np.ndarray) -> np.ndarray:
    """Over the sum; where that is 0 the same everywhere."""
    total = float(values.sum())
    return values / total if total > 0 else np.full(values.shape, 1 / values.size)


def _shares(target: Fixations) -> np.ndarray:
    height, width = target.picture
    return target.values / np.array([width, height], np.float64)
