"""Whether two runs of one network say the same: errors, correlation, and agreement of classes, with stated tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.outputs.near_ties import at_near_ties, two_scores

RARE = 0.005  # classes on fewer of the reference's pixels than this are left out of the agreement


@dataclass(frozen=True)
class Tolerance:
    """`relative` bounds the largest error over the reference's spread; `cosine` and `agreement` are lower bounds."""

    relative: float
    cosine: float
    agreement: float


# Measured (SwiftShader, ai-edge-litert 2.3.0) over about 150 right graphs and two peers, each bound with room to spare;
# the wrong graphs found had relative errors of 0.9 and more. See tests/edge/test_gpu_check.py, which breaks models on purpose.
#   float32: up to 2e-4 relative (sin; else 1e-5), cosine above 0.999999.
#   reduced: float16 has 11 bits, 5e-4 a step, and a hundred layers add up; no device here computes in it (not measured).
#   quantised: the GPU computes int8 graphs in float and rounds at the marks: single steps differ and carry on. Up to 0.08
#   relative, cosine 0.995 (mobilenet_v2_1.0_224_quant), agreement 0.914 (an untrained FCN-8s, full of near ties).
TOLERANCES = {
    ("float32", False): Tolerance(1e-3, 0.9999, 0.99),
    ("reduced", False): Tolerance(5e-2, 0.999, 0.97),
    ("float32", True): Tolerance(0.25, 0.98, 0.85),
    ("reduced", True): Tolerance(0.30, 0.97, 0.83),
}


@dataclass(frozen=True)
class Comparison:
    """One output at one precision against the reference, over all samples.

    `max_abs` is in the output's units; `relative` is it over the reference's spread (largest minus smallest value, of the
    widest channel in a map); `cosine` is taken with the channels' means removed, so that a large constant does not hide
    an error. `agreement` is the mean over the
    reference's classes of intersection over union, None where the output is no class map or holds one class only.
    `passed` is None where the samples prove nothing: the reference is constant or says one class everywhere. `near_ties`
    counts what was chosen otherwise where values tie but for rounding (`zoo.outputs.near_ties`), and is not held against it.
    """

    output: str
    precision: str
    max_abs: float
    relative: float
    cosine: float
    agreement: float | None
    classes: int
    passed: bool | None
    note: str = ""
    near_ties: int = 0


def compare(
    reference: Sequence[np.ndarray], candidate: Sequence[np.ndarray], output: str, precision: str, quantized: bool
) -> Comparison:
    """Compares an output's values on the samples, one array a sample, real values."""
    expected, got = np.concatenate(reference).astype(np.float64), np.concatenate(candidate).astype(np.float64)
    tolerance = TOLERANCES[precision, quantized]
    agreement, classes, near_ties = _agreement(reference, candidate)
    difference = np.abs(got - expected)
    largest = float(np.max(difference, initial=0.0)) if np.isfinite(got).all() else float("inf")
    expected, got = _by_channel(expected), _by_channel(got)
    spread = float(np.ptp(expected, axis=0).max()) if expected.size else 0.0
    if spread <= 1e-6 * float(np.abs(expected).max(initial=0.0)):
        spread = 0.0  # rounding, no answer to the picture
    scale = spread or float(np.abs(expected).max(initial=0.0)) or 1.0
    relative = largest / scale
    cosine = _cosine(expected, got)
    result = {"output": output, "precision": precision, "max_abs": largest, "relative": relative, "cosine": cosine}
    result |= {"agreement": agreement, "classes": classes, "near_ties": near_ties}
    if not np.isfinite(got).all():
        bad = int((~np.isfinite(got)).sum())
        return Comparison(**result, passed=False, note=f"{bad} of {got.size} values are not finite")
    indices = np.issubdtype(np.asarray(reference[0]).dtype, np.integer)
    if indices:  # class indices: only whether they agree has a meaning
        passed = agreement >= tolerance.agreement if agreement is not None else (None if not largest else False)
        note = "" if agreement is not None else "one class everywhere: equality proves little"
        return Comparison(**result, passed=passed, note=note)
    if not spread:
        note = "the CPU's answer is constant on these samples: equality proves little"
        return Comparison(**result, passed=None if relative <= tolerance.relative else False, note=note)
    close = relative <= tolerance.relative and cosine >= tolerance.cosine
    agrees = agreement is None or agreement >= tolerance.agreement
    note = "one class everywhere: judged by the scores alone" if classes == 1 else ""
    return Comparison(**result, passed=close and agrees, note=note)


def _by_channel(values: np.ndarray) -> np.ndarray:
    """Maps N×H×W×C as pixels × C, anything else as one column."""
    return values.reshape(-1, values.shape[-1] if values.ndim == 4 and values[..., 0].size > 1 else 1)


def _cosine(expected: np.ndarray, got: np.ndarray) -> float:
    if not np.isfinite(got).all():
        return 0.0
    a, b = (expected - expected.mean(0)).ravel(), (got - got.mean(0)).ravel()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float(np.array_equal(a, b))


def _agreement(reference: Sequence[np.ndarray], candidate: Sequence[np.ndarray]) -> tuple[float | None, int, int]:
    """(mean intersection over union of the reference's classes, how many there are, pixels chosen otherwise at near ties);
    (None, 0, 0) for no class map."""
    first, near_ties = np.asarray(reference[0]), 0
    if np.issubdtype(first.dtype, np.integer) and first.ndim in (3, 4):
        expected, got = np.stack(reference), np.stack(candidate)
    elif first.ndim == 4:
        scores, other = (_scores(np.stack(side)) for side in (reference, candidate))
        ties, got = at_near_ties(scores, other.argmax(-1)), other.argmax(-1)
        expected, near_ties = ties.chosen, ties.otherwise
    else:
        return None, 0, 0
    present, counts = np.unique(expected, return_counts=True)
    present = present[counts >= RARE * expected.size]
    if len(present) < 2:
        return None, len(present), near_ties
    scores = [
        np.logical_and(expected == kind, got == kind).sum() / np.logical_or(expected == kind, got == kind).sum()
        for kind in present
    ]
    return float(np.mean(scores)), len(present), near_ties


def _scores(values: np.ndarray) -> np.ndarray:
    """What a class map is the largest of: one channel is cut at 0.5."""
    return values if values.shape[-1] > 1 else two_scores(values - 0.5)
