"""The challenge's scores of membranes: those of scikit-image on the same cells, and the best threshold of all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from zoo.errors import InputError
from zoo.metrics.instances import ObjectScores, parts, thinned
from zoo.metrics.membranes import MembraneScores


def cells(seed: int) -> np.ndarray:
    """Shares of being cell, H×W, with membranes between."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(70, 90)), 4)
    return 1 - np.exp(-((field / field.std() * 4) ** 2))


def test_they_are_scikit_images() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    shares = cells(0)
    target = (shares > 0.6).astype(int)
    guess = np.clip(shares + 0.25 * gaussian_filter(np.random.default_rng(5).normal(size=shares.shape), 2) * 4, 0, 1)
    scores = MembraneScores((0.3, 0.5))
    scores.update(target, guess)
    for threshold in scores.thresholds:
        truth, prediction = parts(target == 1), thinned(parts(guess >= threshold))
        error, _, _ = metrics.adapted_rand_error(truth, prediction, ignore_labels=(0,))
        inside = truth > 0
        split, merge = metrics.variation_of_information(truth[inside], prediction[inside])
        sides = sum(metrics.variation_of_information(np.zeros(inside.sum(), int), each[inside]).sum()
                    for each in (truth, prediction))  # fmt: skip
        v_rand, v_info = scores.at(threshold)
        assert v_rand == pytest.approx(1 - error, abs=1e-12) and 0.1 < v_rand < 0.999
        assert v_info == pytest.approx(1 - (split + merge) / sides, abs=1e-9)


def test_the_best_threshold_counts_and_the_truth_scores_one() -> None:
    scores = MembraneScores()
    for seed in range(2):
        shares = cells(seed)
        scores.update((shares >= 0.7).astype(int), shares)
    assert scores.at(0.7) == pytest.approx((1, 1), abs=1e-12) and scores.at(0.2)[0] < 1
    for which, threshold in enumerate(scores.best):
        values = [scores.at(other)[which] for other in scores.thresholds]
        assert scores.at(threshold)[which] == max(values) and values.index(max(values)) == scores.thresholds.index(threshold)


def test_evaluation_says_them_of_the_class_map() -> None:
    shares = cells(3)
    target, guess = (shares >= 0.7).astype(int), (shares >= 0.5).astype(int)
    objects, scores = ObjectScores(objects=1), MembraneScores((0.5,))
    objects.update(target, guess)
    scores.update(target, shares)
    assert (objects.scores["v_rand"], objects.scores["v_info"]) == pytest.approx(scores.at(0.5), abs=1e-12)


@pytest.mark.parametrize(
    ("target", "shares", "says"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5)), r"a target of \(4, 4\) and shares of \(4, 5\)"),
        (np.zeros((4, 4), int), np.zeros((4, 4)), "without cells"),
    ],
)
def test_what_cannot_be_scored(target: np.ndarray, shares: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        MembraneScores().update(target, shares)
    with pytest.raises(InputError, match="no picture"):
        _ = MembraneScores().best
