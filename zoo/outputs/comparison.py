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

RARE = 1e-3  # classes on a smaller share of the positions are left out: a few pixels on an edge would decide
LOWER_IS_BETTER = ("relative", "largest", "max_abs", "mean_abs", "end_point_error")


@dataclass(frozen=True)
class Comparison:
    """Two answers of one output, over all samples.

    Attributes:
        output: its name.
        measures: by name. Of numbers: "max_abs" and "mean_abs" in the output's units; "relative", the root mean square error
            over the spread's standard deviation; "largest", the largest error over the spread from least to greatest value;
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
        measures = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.measures.items())
        ties = f", {self.chosen_otherwise} positions chosen otherwise at near ties" if self.chosen_otherwise else ""
        return f"{self.output}: {measures}{ties}"


@dataclass(frozen=True)
class Tolerance:
    """Bounds on the measures of a comparison by name: upper ones for errors, lower ones for what should be near 1.

    A measure that a comparison does not have is not judged.
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
                phrases.append(f"{name.replace('_', ' ')} {value:.3g}, {limit} {bound:g} is allowed")
        return phrases


def numeric(expected: np.ndarray, got: np.ndarray) -> dict[str, float]:
    """The measures of two arrays of numbers, N×… each, channels last; `relative` and `largest` are 0 or inf over no spread."""
    expected, got = (np.asarray(values, np.float64) for values in (expected, got))
    difference = np.abs(got - expected)
    finite = bool(np.isfinite(got).all())
    columns = _by_channel(expected)
    centred = columns - columns.mean(axis=0) if columns.size else columns
    spread, ptp = float(centred.std()), float(np.ptp(columns, axis=0).max()) if columns.size else 0.0
    if ptp <= 1e-6 * float(np.abs(expected).max(initial=0.0)):
        spread = ptp = 0.0  # rounding, no answer to the picture
    rms = float(np.sqrt(np.mean(difference**2))) if finite and difference.size else math.inf
    largest = float(difference.max(initial=0.0)) if finite else math.inf
    return {
        "max_abs": largest,
        "mean_abs": float(difference.mean()) if finite and difference.size else math.inf,
        "relative": _over(rms, spread),
        "largest": _over(largest, ptp),
        "cosine": _cosine(columns, _by_channel(got)) if finite else 0.0,
        "spread": spread,
    }


def class_agreement(expected: np.ndarray, got: np.ndarray, counted: np.ndarray | None = None) -> tuple[dict[str, float], int]:
    """Agreement of two arrays of class indices: mean recall ("agreement") and mean "iou" of the expected classes, 0–1.

    Args:
        expected, got: integers of one shape.
        counted: bool of that shape; positions that are not are left out.

    Returns:
        The measures, none where fewer than two classes are common; and how many classes are.
    """
    if counted is not None:
        expected, got = expected[counted], got[counted]
    present, counts = np.unique(expected, return_counts=True)
    present = present[counts >= RARE * max(1, expected.size)]
    if len(present) < 2:
        return {}, len(present)
    hits = [np.logical_and(expected == label, got == label).sum() for label in present]
    recall = [hit / (expected == label).sum() for hit, label in zip(hits, present, strict=True)]
    iou = [hit / np.logical_or(expected == label, got == label).sum() for hit, label in zip(hits, present, strict=True)]
    return {"agreement": float(np.mean(recall)), "iou": float(np.mean(iou))}, len(present)


def _by_channel(values: np.ndarray) -> np.ndarray:
    """Maps N×H×W×C as pixels × C, anything else as one column."""
    return values.reshape(-1, values.shape[-1] if values.ndim == 4 and values[..., 0].size > 1 else 1)


def _over(error: float, spread: float) -> float:
    return error / spread if spread else (0.0 if not error else math.inf)


def _cosine(expected: np.ndarray, got: np.ndarray) -> float:
    a, b = (expected - expected.mean(0)).ravel(), (got - got.mean(0)).ravel()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float(np.array_equal(a, b))
