"""The confusion matrix against scikit-learn and contours against their definition, and the conventions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics

from zoo.errors import InputError
from zoo.metrics.confusion_matrix import BoundaryScores, ConfusionMatrix

NAMES = ("road", "car", "pole", "never")


@pytest.fixture
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions 3×20×30, with 255 to ignore; the last class is in neither."""
    rng = np.random.default_rng(0)
    target = rng.choice([0, 1, 2, 255], (3, 20, 30), p=[0.6, 0.25, 0.05, 0.1]).astype(np.uint8)
    prediction = np.where(rng.random(target.shape) < 0.7, np.minimum(target, 2), rng.integers(0, 3, target.shape))
    return target, prediction


def filled(target, prediction, classes=NAMES, ignore=255) -> ConfusionMatrix:
    matrix = ConfusionMatrix(classes, ignore)
    matrix.update(target, prediction)
    return matrix


def test_scores_are_scikit_learns(pixels):
    target, prediction = pixels
    keep = target != 255
    truth, guess = target[keep], prediction[keep]
    matrix = filled(target, prediction)
    assert matrix.counts.dtype == np.int64
    np.testing.assert_array_equal(matrix.counts, metrics.confusion_matrix(truth, guess, labels=range(4)))
    iou = metrics.jaccard_score(truth, guess, labels=range(3), average=None)
    np.testing.assert_allclose(matrix.iou[:3], iou, rtol=1e-12)
    assert matrix.miou == pytest.approx(iou.mean(), abs=1e-12)
    np.testing.assert_allclose(matrix.dice[:3], metrics.f1_score(truth, guess, average=None), rtol=1e-12)
    assert matrix.mean_dice == pytest.approx(metrics.f1_score(truth, guess, average="macro"), abs=1e-12)
    np.testing.assert_allclose(matrix.precision[:3], metrics.precision_score(truth, guess, average=None), rtol=1e-12)
    assert matrix.pixel_accuracy == pytest.approx(metrics.accuracy_score(truth, guess), abs=1e-12)
    assert matrix.mean_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, guess), abs=1e-12)
    weighted = metrics.jaccard_score(truth, guess, average="weighted")
    assert matrix.frequency_weighted_iou == pytest.approx(weighted, abs=1e-12)


def test_one_matrix_is_not_a_mean_over_images(pixels):
    target, prediction = pixels
    whole, parts = filled(target, prediction), ConfusionMatrix(NAMES, 255)
    for t, p in zip(target, prediction, strict=True):
        parts.update(t, p)
    np.testing.assert_array_equal(parts.counts, whole.counts)
    per_image = np.mean([filled(t, p).miou for t, p in zip(target, prediction, strict=True)])
    assert abs(per_image - whole.miou) > 1e-4


def test_merged_parts_are_the_whole(pixels):
    target, prediction = pixels
    merged = filled(target[:1], prediction[:1]).merge(filled(target[1:], prediction[1:]))
    np.testing.assert_array_equal(merged.counts, filled(target, prediction).counts)
    with pytest.raises(InputError, match="merge"):
        merged.merge(ConfusionMatrix(7))


def test_a_class_in_neither_is_nan_and_in_no_mean(pixels):
    matrix = filled(*pixels)
    assert np.isnan(matrix.iou[3])
    assert matrix.miou == pytest.approx(matrix.iou[:3].mean())


def test_a_class_only_predicted_counts_as_zero():
    matrix = filled(np.array([0, 0]), np.array([0, 3]))
    assert matrix.iou[3] == 0
    assert matrix.miou == pytest.approx(0.25)  # ½ and 0
    assert np.isnan(matrix.recall[3])
    assert matrix.mean_accuracy == 0.5


def test_all_ignored_is_nan_and_no_warning(recwarn):
    matrix = filled(np.full((4, 4), 255), np.zeros((4, 4), int))
    assert matrix.pixels == 0
    assert all(np.isnan(score) for score in matrix.summary().values())
    assert not recwarn.list


def test_ignore_may_be_one_of_the_classes():
    matrix = filled(np.array([0, 1, 3]), np.array([0, 0, 1]), ignore=3)
    assert matrix.pixels == 2


def test_what_is_predicted_at_an_ignored_pixel_is_not_looked_at():
    assert filled(np.array([0, 255]), np.array([0, 200])).miou == 1


@pytest.mark.parametrize(
    ("target", "prediction", "message"),
    [
        (np.array([0, 7]), np.array([0, 0]), r"target holds class 7; classes are 0\.\.3 and 255"),
        (np.array([0, 0]), np.array([0, 4]), "prediction holds class 4"),
        (np.array([0, 0]), np.array([0, -1]), "prediction holds class -1"),
        (np.zeros((2, 3), int), np.zeros((3, 2), int), "2×3 and predictions 3×2"),
        (np.zeros(2, int), np.zeros(2), "float64"),
    ],
)
def test_what_cannot_be_is_refused(target, prediction, message):
    matrix = ConfusionMatrix(NAMES, 255)
    with pytest.raises(InputError, match=message):
        matrix.update(target, prediction)
    assert matrix.pixels == 0


def test_no_classes_are_refused():
    with pytest.raises(InputError, match="at least one class"):
        ConfusionMatrix([])


def test_rows_and_normalised(pixels):
    matrix = filled(*pixels)
    shares = matrix.normalised()
    np.testing.assert_allclose(shares[:3].sum(axis=1), 1)
    assert np.isnan(shares[3]).all()
    rows = matrix.rows()
    assert [row["class"] for row in rows] == list(NAMES)
    assert sum(row["pixels"] for row in rows) == matrix.pixels
    assert rows[1]["iou"] == matrix.iou[1]


def test_picture(pixels, tmp_path):
    from PIL import Image

    path = filled(*pixels).picture(tmp_path / "matrix.png")
    with Image.open(path) as image:
        assert min(image.size) > 300
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


def blocks(seed: int, shift: int = 0) -> np.ndarray:
    """A map 48×60 of blocks of three classes, moved to the right."""
    map_ = np.kron(np.random.default_rng(seed).integers(0, 3, (4, 5)), np.ones((12, 12), int))
    return np.roll(map_, shift, axis=1)


def contours(*pairs, classes=NAMES, ignore=255, tolerance=2.5) -> BoundaryScores:
    scores = BoundaryScores(classes, ignore, tolerance)
    for target, prediction in pairs:
        scores.update(target, prediction)
    return scores


@pytest.mark.parametrize("tolerance", [1, 2.5, 0.06])
def test_boundary_scores_are_their_definition_by_dilation(tolerance):
    """DAVIS' way: contours are widened by a disc and intersected. The classes' borders by erosion, 255 in no one's."""
    pairs = [(blocks(0), blocks(0, 2)), (blocks(1), blocks(1)[::-1])]
    pairs[1][0][5:20, 10:40] = 255
    radius = tolerance if tolerance >= 1 else tolerance * np.hypot(48, 60)
    grid = np.indices((9, 9)) - 4
    disc = np.hypot(*grid) <= radius
    found = contours(*pairs, tolerance=tolerance)
    for c in range(3):
        expected = []
        for target, prediction in pairs:
            counted = target != 255
            edges = []
            for mask in ((target == c) & counted, (prediction == c) & counted):
                edges.append(mask & ~ndimage.binary_erosion(mask | ~counted, border_value=1))
            wide = [ndimage.binary_dilation(edge, disc) for edge in edges]
            recall, precision = ((edges[i] & wide[1 - i]).sum() / edges[i].sum() for i in (0, 1))
            expected.append((precision, recall, 2 * precision * recall / (precision + recall)))
        means = np.mean(expected, axis=0)
        np.testing.assert_allclose([found.precision[c], found.recall[c], found.f_score[c]], means, rtol=1e-12)
        assert 0 < means[2] < 1
    assert np.isnan(found.f_score[3])
    assert found.mean_f_score == pytest.approx(found.f_score[:3].mean(), abs=1e-15)


def test_contours_within_the_tolerance_are_met():
    assert contours((blocks(0), blocks(0))).mean_f_score == 1
    near, far = (contours((blocks(0)[:, 5:], blocks(0, 2)[:, 5:]), tolerance=t).mean_f_score for t in (2, 1))
    assert far < near


def test_contours_of_empty_and_full_classes():
    some = np.zeros((8, 8), int)
    some[2:5, 2:5] = 1
    whole, none = np.ones((8, 8), int), np.zeros((8, 8), int)
    missed = contours((some, none))  # class 1 is not answered, class 0 has no contour in the answer
    assert missed.precision[1] == 1 and missed.recall[1] == 0 and missed.f_score[1] == 0
    full = contours((whole, whole), (whole, some))  # no contour in the target: none is right, any is wrong
    assert full.f_score[1] == 0.5 and full.recall[1] == 1 and full.precision[1] == 0.5
    assert np.isnan(full.f_score[0])  # in no target


def test_contours_do_not_run_along_what_is_ignored():
    target = np.ones((8, 8), int)
    target[:, 4:] = 255
    prediction = np.where(np.arange(8) < 4, 1, 2) + np.zeros((8, 1), int)
    assert contours((target, prediction)).f_score[1] == 1


def test_contours_of_parts_are_merged():
    pairs = [(blocks(i), blocks(i, 3)) for i in range(3)]
    merged = contours(pairs[0]).merge(contours(*pairs[1:]))
    np.testing.assert_array_equal(merged.f_score, contours(*pairs).f_score)
    with pytest.raises(InputError, match="merge"):
        merged.merge(BoundaryScores(NAMES, 255, 7))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BoundaryScores(3, tolerance=0), "tolerance=0"),
        (lambda: BoundaryScores(3).update(np.zeros(4, int), np.zeros(4, int)), "class maps H×W"),
        (lambda: BoundaryScores(3).update(np.zeros((2, 2), int), np.zeros((2, 3), int)), "2×2 and predictions 2×3"),
        (lambda: BoundaryScores(3).update(np.zeros((2, 2), int), np.zeros((2, 2))), "float64"),
    ],
)
def test_what_has_no_contours_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
