"""Comparison: how far two answers to the same samples lie apart, in the same measures wherever they are compared.

Errors mean nothing by themselves: the logits of one network spread over 0.01, of another over 100. So they are given over
the *spread* of the expected values, taken after the mean of each channel has gone. What is constant per channel tells no
picture from another, and an answer that lost everything else would still agree on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from zoo.outputs.near_ties import tie_count

# Classes on a smaller share of the positions are left out, for a few pixels on an edge would decide. A union is less
# forgiving of such pixels than a recall.
RARE = {"agreement": 1e-3, "iou": 5e-3}
LOWER_IS_BETTER = ("relative", "largest", "max_abs", "mean_abs", "end_point_error", "peak_shift", "miou_loss")
_WIDTHS = {"relative": "spread", "largest": "range"}  # measure → what it is an error over
_PHRASES = {
    "relative": "off by {value:.2g} of its spread, {bound:g} is allowed",
    "largest": "off by {value:.2g} of its range somewhere, {bound:g} is allowed",
    "agreement": "classes agree on {value:.4f}, {bound:g} is demanded",
    "miou_loss": "mIoU falls by {value:.4f}, {bound:g} is allowed",
}


@dataclass(frozen=True)
class Comparison:
    """Two answers of one output, over all samples.

    Attributes:
        output: its name.
        measures: by name. Of numbers: "max_abs" and "mean_abs" in the output's units; "relative", the root mean square error
            over the spread's standard deviation; "largest", the largest error over the range from least to greatest value;
            "cosine", with the channels' means taken away. What a kind adds is said there.
        classes: how many classes the expected answer has; 0 where it has none.
        chosen_otherwise: positions where both chose otherwise between what was equal but for rounding; they are not held
            against the answer.
        passed: within the tolerance; None where the samples prove nothing.
        reason: the verdict in words.
    """

    output: str
    measures: Mapping[str, float]
    classes: int = 0
    chosen_otherwise: int = 0
    passed: bool | None = None
    reason: str = ""

    def __str__(self) -> str:
        measures = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in self.measures.items())
        ties = f", {tie_count(self.chosen_otherwise)}" if self.chosen_otherwise else ""
        return f"{self.output}: {measures or 'no measure'}{ties}"


@dataclass(frozen=True)
class Tolerance:
    """Bounds on the measures of a comparison by name: upper ones for errors, lower ones for what should be near 1.

    A measure that a comparison does not have is not judged; but a bound on "agreement" says that samples on which an answer
    of classes shows a single one prove nothing, and one on "iou" that the numbers may speak for it there.
    """

    bounds: Mapping[str, float] = field(default_factory=dict)

    def broken(self, measures: Mapping[str, float]) -> list[str]:
        """A phrase for each bound that is not kept."""
        phrases = []
        for name, bound in self.bounds.items():
            value = measures.get(name)
            if value is None:
                continue
            lower = name in LOWER_IS_BETTER
            if not (value <= bound if lower else value >= bound):
                limit = "at most" if lower else "at least"
                default = f"{name.replace('_', ' ')} {value:.3g}, {limit} {bound:g} is allowed"
                phrases.append(_PHRASES.get(name, default).format(value=value, bound=bound))
        return phrases

    def constant(self, measures: Mapping[str, float]) -> bool:
        """Whether an error is bounded over a spread or a range that the expected values do not have."""
        return any(not measures.get(width, 1.0) for name, width in _WIDTHS.items() if name in self.bounds)


def numeric(expected: np.ndarray, got: np.ndarray) -> dict[str, float]:
    """The measures of two arrays of numbers, N×… each, channels last, and the "spread" and "range" that they are over.

    Over no spread, and over no range, errors are given over the largest magnitude. All are inf where a value is not finite.
    """
    expected, got = (np.asarray(values, np.float64) for values in (expected, got))
    difference = np.abs(got - expected)
    if not np.isfinite(difference).all():
        errors = dict.fromkeys(("max_abs", "mean_abs", "relative", "largest"), math.inf)
        return {**errors, "cosine": 0.0, "spread": 1.0, "range": 1.0}
    columns = _columns(expected)
    magnitude = float(np.abs(expected).max(initial=0.0))
    spread = float(_centred(expected).std()) if expected.size else 0.0
    width = float(np.ptp(columns, axis=0).max()) if columns.size else 0.0
    spread, width = (0.0 if value <= 1e-6 * magnitude else value for value in (spread, width))  # rounding, no answer
    largest = float(difference.max(initial=0.0))
    rms = float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0
    return {
        "max_abs": largest,
        "mean_abs": float(difference.mean()) if difference.size else 0.0,
        "relative": rms / (spread or magnitude or 1.0),
        "largest": largest / (width or magnitude or 1.0),
        "cosine": _cosine(columns, _columns(got)),
        "spread": spread,
        "range": width,
    }


def class_agreement(
    expected: np.ndarray, got: np.ndarray, maps: bool = True, counted: np.ndarray | None = None
) -> tuple[dict[str, float], int]:
    """The agreement of two arrays of class indices, as means over the expected classes, each from 0 to 1.

    Args:
        expected, got: integers of one shape.
        maps: whether they are maps, of which the intersection over union says something too.
        counted: bool of that shape; positions that are not are left out.

    Returns:
        "agreement", the mean recall, and of maps "iou", none where fewer than two classes are common; and how many are.
    """
    if counted is not None:
        expected, got = expected[counted], got[counted]
    present, counts = np.unique(expected, return_counts=True)
    measures = {}
    for name, rate in (("agreement", _recall), ("iou", _iou))[: 1 + maps]:
        common = present[counts >= max(1, RARE[name] * expected.size)]
        if len(common) >= 2:
            measures[name] = float(np.mean([rate(expected == label, got == label) for label in common]))
    return measures, int((counts >= max(1, RARE["agreement"] * expected.size)).sum())


def _recall(expected: np.ndarray, got: np.ndarray) -> float:
    return np.logical_and(expected, got).sum() / expected.sum()


def _iou(expected: np.ndarray, got: np.ndarray) -> float:
    return np.logical_and(expected, got).sum() / np.logical_or(expected, got).sum()


def _centred(values: np.ndarray) -> np.ndarray:
    """Less the mean of each channel over samples and positions; what has no channels, less its mean."""
    return values - values.mean(axis=tuple(range(max(values.ndim - 1, 1))))


def _columns(values: np.ndarray) -> np.ndarray:
    """Maps N×H×W×C as pixels × C, anything else as one column."""
    return values.reshape(-1, values.shape[-1] if values.ndim == 4 and values[..., 0].size > 1 else 1)


def _cosine(expected: np.ndarray, got: np.ndarray) -> float:
    a, b = (expected - expected.mean(0)).ravel(), (got - got.mean(0)).ravel()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float(np.array_equal(a, b))
