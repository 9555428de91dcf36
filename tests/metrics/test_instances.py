"""Objects side by side: Rand, information and warping errors, held against scikit-image, definitions and topology."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from zoo.errors import InputError
from zoo.metrics.instances import SCORES, ObjectScores, agreement, parts, thinned, warped

CORNERS = np.ones((3, 3), int)


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Two random class maps that share much: bool 48×40."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(4)
    field = gaussian_filter(rng.normal(size=(48, 40)), 2.5)
    other = field + 0.35 * field.std() * gaussian_filter(rng.normal(size=field.shape), 1) / 0.28
    return field > 0, other > 0


def two_cells(gap: int = 0) -> np.ndarray:
    """Two cells 20×20 with a wall of 2 pixels between them; `gap` pixels of it are missing."""
    cells = np.zeros((20, 42), np.uint8)
    cells[:, :20] = cells[:, 22:] = 1
    cells[9 : 9 + gap, 20:22] = 1
    return cells


def scores_of(target: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    scores = ObjectScores(objects=1, ignore=255)
    scores.update(target, prediction)
    return scores.scores


def test_rand_is_scikit_images(blobs):
    metrics = pytest.importorskip("skimage.metrics")
    target, prediction = (parts(one) for one in blobs)
    found = agreement(target, prediction)
    error, precision, recall = metrics.adapted_rand_error(target, prediction, ignore_labels=(0,))
    assert found["rand_error"] == pytest.approx(error, abs=1e-12)
    # Which of the two scikit-image calls precision is told apart below, by cells that are only merged or only split.
    assert sorted((found["rand_split"], found["rand_merge"])) == pytest.approx(sorted((precision, recall)), abs=1e-12)
    assert 0.01 < error < 0.9


def test_information_is_scikit_learns(blobs):
    from sklearn.metrics import mutual_info_score

    target, prediction = (parts(one) for one in blobs)
    a, b = target[target > 0], prediction[target > 0]
    expected = 1 - 2 * mutual_info_score(a, b) / (mutual_info_score(a, a) + mutual_info_score(b, b))
    assert agreement(target, prediction)["info_error"] == pytest.approx(expected, abs=1e-12)


def test_the_truth_itself_has_no_error():
    found = scores_of(two_cells(), two_cells())
    assert {name: found[name] for name in SCORES if name.endswith("error")} == pytest.approx(
        {"rand_error": 0, "info_error": 0, "warping_error": 0, "pixel_error": 0}, abs=1e-12
    )
    assert found["rand_split"] == found["rand_merge"] == 1


def test_a_small_gap_is_a_merger_and_a_thick_wall_is_not():
    merged = scores_of(two_cells(), two_cells(gap=1))
    assert merged["pixel_error"] == 2 / 840
    assert merged["rand_split"] == 1 and merged["rand_merge"] == pytest.approx(2 * (400 * 399) / (800 * 799))
    assert 0 < merged["warping_error"] <= 2 / 840  # the gap may be closed to one pixel, never wholly

    thick = two_cells()
    thick[:, 17:25] = 0  # the same wall, four times as thick
    found = scores_of(two_cells(), thick)
    assert found["rand_error"] == 0 and found["warping_error"] == 0
    assert found["pixel_error"] == 6 * 20 / 840


def test_a_wall_too_many_is_a_split():
    target = np.ones((20, 42), np.uint8)
    found = scores_of(target, two_cells())
    assert found["rand_merge"] == 1 and found["rand_split"] == pytest.approx(2 * (420 * 419) / (840 * 839))
    assert found["warping_error"] >= 1 / 840


def test_bending_keeps_the_topology_and_ends_where_nothing_simple_differs(blobs):
    target, prediction = blobs
    bent = warped(target, prediction)

    def topology(cells: np.ndarray) -> tuple[int, int]:
        return label(cells)[1], label(np.pad(~cells, 1, constant_values=True), CORNERS)[1]

    assert topology(bent) == topology(target) != topology(prediction)
    left, before = (bent != prediction).sum(), (target != prediction).sum()
    assert 0 < left < before / 3
    for row, column in np.argwhere(bent != prediction):  # flipping any of what is left would change it
        changed = bent.copy()
        changed[row, column] ^= True
        assert topology(changed) != topology(target)


def test_thinning_gives_every_pixel_to_the_nearest_object():
    numbered = np.zeros((3, 9), int)
    numbered[1, 1], numbered[1, 7] = 1, 2
    warm_start_options = thinned(numbered)
    assert (warm_start_options[:, :4] == 1).all() and (warm_start_options[:, 5:] == 2).all()
    assert not thinned(np.zeros((4, 4), int)).any()


def test_what_is_ignored_changes_nothing():
    target, prediction = two_cells(), two_cells(gap=1)
    target[:, 20:22] = 255
    found = scores_of(target, prediction)
    assert found["pixel_error"] == 0 and found["warping_error"] == 0
    assert np.isnan(scores_of(np.full((8, 8), 255, np.uint8), np.ones((8, 8), np.uint8))["rand_error"])


def test_images_are_averaged_and_one_without_objects_is_left_out():
    scores = ObjectScores(objects=1)
    scores.update(two_cells(), two_cells(gap=1))
    alone = scores.scores["rand_error"]
    scores.update(np.zeros((20, 42), np.uint8), two_cells())
    assert scores.scores["rand_error"] == alone > 0
    scores.update(two_cells(), two_cells())
    assert scores.scores["rand_error"] == pytest.approx(alone / 2)


@pytest.mark.parametrize(
    ("target", "prediction", "message"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5), int), "one shape"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int), "H×W"),
        (np.zeros((4, 4), int), np.zeros((4, 4)), "integers"),
    ],
)
def test_what_has_no_objects_is_refused(target, prediction, message):
    with pytest.raises(InputError, match=message):
        ObjectScores(objects=1).update(target, prediction)
