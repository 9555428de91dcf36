"""Near ties: choices (positions of maxima, classes) that two right computations of one network may make differently.

Two values that are equal but for rounding have no larger one: a sum in another order, as another processor takes it,
turns them round. A choice that is off then moves what hangs on it by any amount, and says nothing about who is right. So
the choice is compared instead of what follows from it: where the reference's own scores say that the other side's choice
is as good but for a margin, that choice is taken over, and what follows is held to the usual tolerance.

The margin is `NEAR` times the scores' spread: each of two values may be off by 1e-4 of it, which is what
`converters.parity` allows a float32 file. Scores in whole numbers tie with their neighbours too, one step apart. Rounding
turns few choices: one of 295,280 in the tests' DeconvNet, and none in their SegNets. So a side that chooses otherwise
more often than `FEW` has a fault, as one that takes the last of equal values, and nothing is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR = 2e-4  # of the scores' spread
FEW = 1e-2  # of the choices; where that is less than one, one


@dataclass(frozen=True)
class Choices:
    """The reference's choices with those of the other side taken over at near ties.

    Args:
        chosen: indices along the axis of the scores that was chosen over, which `chosen` lacks.
        otherwise: how many were taken over.
        margin: how far below the reference's choice a score still was as good, in the scores' units.
    """

    chosen: np.ndarray
    otherwise: int
    margin: float


def at_near_ties(scores: np.ndarray, other: np.ndarray, axis: int = -1, step: float = 0.0) -> Choices:
    """Takes the other side's choices over where the reference's own scores tie but for rounding.

    Args:
        scores: the reference's real values; the first largest along `axis` is its choice.
        other: what the other side chose, integers of the scores' shape without `axis`.
        axis: the one that is chosen over.
        step: the difference of neighbouring numbers where the scores are whole numbers with a scale, else 0.
    """
    own = scores.argmax(axis)
    margin = max(NEAR * spread(scores), 1.001 * step)
    valid = (other >= 0) & (other < scores.shape[axis])
    choice = np.expand_dims(np.where(valid, other, own), axis)
    lost = scores.max(axis) - np.take_along_axis(scores, choice, axis).squeeze(axis)
    near = valid & (other != own) & (lost <= margin)
    count = int(near.sum())
    if count > max(1.0, FEW * own.size):
        return Choices(own.astype(other.dtype), 0, margin)
    return Choices(np.where(near, other, own).astype(other.dtype), count, margin)


def spread(scores: np.ndarray) -> float:
    """The standard deviation of values about the mean of their channel, the last axis."""
    return float(np.std(scores - scores.mean(axis=tuple(range(scores.ndim - 1)), dtype=np.float64)))


def two_scores(score: np.ndarray) -> np.ndarray:
    """…×1 of one score, cut at 0, as …×2: choosing the larger is the same choice."""
    return np.concatenate([np.zeros_like(score), score], axis=-1)


def tie_count(otherwise: int) -> str:
    """How reports say it; nothing where there is nothing to say."""
    return f"{otherwise} position{'s' * (otherwise != 1)} chosen otherwise at near ties" if otherwise else ""
