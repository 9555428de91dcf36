"""Instances: parts, watershed and run lengths held to other libraries; decoding, words, drawing, files, comparison of two."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs import OutputSpec, Tolerance
from zoo.outputs.instance_regions import pasted
from zoo.outputs.instances import Instances, edges_of, instance_output, overlaps, shares_of
from zoo.outputs.run_lengths import decoded, encoded
from zoo.outputs.watershed import connected_parts, enlarged, flooded

KIND = outputs.get("instances")
SPEC = instance_output(("cell", "nucleus"), ((255, 0, 0), (0, 0, 255)), {"least": 1})
GROUND, CELL, NUCLEUS, OUTLINE = range(4)


def field(seed: int, size: tuple[int, int] = (61, 47), sigma: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=size)
    return ndimage.gaussian_filter(noise, sigma)


def said(classes: np.ndarray, sure: float = 4.0) -> np.ndarray:
    """Scores h×w×4 that say these classes."""
    return sure * np.eye(4, dtype=np.float32)[classes]


def two_cells() -> np.ndarray:
    """Two cells with an outline of two pixels between them, and a nucleus below."""
    classes = np.zeros((12, 16), int)
    classes[1:6, 1:7], classes[1:6, 9:15], classes[8:11, 3:9] = CELL, CELL, NUCLEUS
    classes[1:6, 7:9] = OUTLINE
    return classes


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_scipys(seed: int) -> None:
    classes = np.digitize(field(seed), (-0.05, 0.05))
    numbers, count = connected_parts(classes)
    expected = np.zeros_like(numbers)
    for label in (1, 2):
        own, _ = ndimage.label(classes == label)
        expected += np.where(own > 0, own + expected.max(), 0)
    assert count == expected.max() > 8
    pairs = np.unique(np.stack([numbers, expected], axis=-1).reshape(-1, 2), axis=0)
    assert len(pairs) == count + 1, "the same parts"
    first = [int(np.flatnonzero(numbers == number)[0]) for number in range(1, count + 1)]
    assert first == sorted(first), "numbered row by row"


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_parts_of_lines_and_of_nothing(shape: tuple[int, int]) -> None:
    empty, count = connected_parts(np.zeros(shape, int))
    assert count == 0 and not empty.any() and empty.shape == shape
    whole, count = connected_parts(np.ones(shape, int))
    assert count == 1 and (whole == 1).all()
    assert connected_parts(np.arange(7).reshape(1, 7) % 2)[1] == 3


@pytest.mark.parametrize("seed", range(5))
def test_the_watershed_is_scikit_images(seed: int) -> None:
    segmentation = pytest.importorskip("skimage.segmentation")
    landscape = field(seed + 10).astype(np.float32)  # no two values alike
    seeds, count = connected_parts((field(seed) > 0.12).astype(int))
    within = field(seed + 20) > -0.1
    expected = segmentation.watershed(landscape, seeds, connectivity=1, mask=within | (seeds > 0))
    result = flooded(seeds, landscape, within)
    np.testing.assert_array_equal(result, expected)
    assert count > 3 and (result[seeds > 0] == seeds[seeds > 0]).all() and (result > 0).sum() > 2 * (seeds > 0).sum()
    assert not result[~within & (seeds == 0)].any()


def test_of_equally_low_pixels_the_one_that_came_first_goes_first() -> None:
    seeds = np.array([[1, 0, 0, 0, 2], [0, 0, 0, 0, 0]])
    result = flooded(seeds, np.zeros((2, 5), np.float32), np.ones((2, 5), bool))
    assert result.tolist() == [[1, 1, 1, 2, 2], [1, 1, 1, 2, 2]]
    assert not flooded(np.zeros((2, 5), int), np.zeros((2, 5), np.float32), np.ones((2, 5), bool)).any()


def test_numbers_are_enlarged_as_bilinear_shares() -> None:
    numbers, count = connected_parts((field(3, (20, 15)) > 0).astype(int))
    result = enlarged(numbers, (50, 61))
    shares = outputs.resize.bilinear(np.eye(count + 1, dtype=np.float32)[numbers][None], (50, 61))[0]
    clear = np.sort(shares, axis=-1)[..., -1] - np.sort(shares, axis=-1)[..., -2] > 1e-5
    np.testing.assert_array_equal(result[clear], shares.argmax(axis=-1)[clear])
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(enlarged(numbers, (20, 15)), numbers)
    assert set(np.unique(enlarged(numbers, (7, 9)))) <= set(range(count + 1))


@pytest.mark.parametrize("seed", range(3))
def test_run_lengths_are_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    masks = [field(seed, sigma=sigma) > 0 for sigma in (0, 1, 6)] + [np.zeros((5, 9), bool), np.ones((5, 9), bool)]
    masks.append(np.arange(3000 * 40).reshape(3000, 40) == 90000)  # lengths of many letters
    for mask in masks:
        expected = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        own = encoded(mask)
        assert own["counts"].encode() == expected["counts"] and own["size"] == expected["size"]
        np.testing.assert_array_equal(decoded(own), mask)
        np.testing.assert_array_equal(coco.decode(own).astype(bool), mask)


@pytest.mark.parametrize(
    ("counts", "says"), [("~~", "no letter"), ("PP", "middle of a number"), ([3, 3], "mask of 4×5"), ([-1, 21], "mask of 4×5")]
)
def test_run_lengths_that_cannot_be(counts: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        decoded({"size": [4, 5], "counts": counts})


def test_touching_objects_are_told_apart_and_get_their_outlines() -> None:
    answer = KIND.decode(said(two_cells()), SPEC, (12, 16))
    assert len(answer) == 3 and answer.labels.tolist() == [0, 0, 1] and answer.areas.tolist() == [35, 35, 18]
    assert np.asarray(answer)[3].tolist() == [0, *[1] * 7, *[2] * 7, 0]
    assert answer.boxes().tolist() == [[1, 1, 8, 6], [8, 1, 15, 6], [3, 8, 9, 11]]
    expected = np.exp(4) / (np.exp(4) + 3)
    np.testing.assert_allclose(answer.scores, expected, rtol=1e-6)
    assert KIND.decode(said(two_cells()), SPEC, (24, 32)).areas.sum() > 3.8 * answer.areas.sum()


def test_specks_and_unsure_objects_are_left_out() -> None:
    classes = two_cells()
    classes[10, 14] = CELL
    assert len(KIND.decode(said(classes), SPEC, (12, 16))) == 4
    assert len(KIND.decode(said(classes), replace(SPEC, options={"least": 2}), (12, 16))) == 3
    unsure = said(classes)
    unsure[8:11, 3:9] /= 4
    answer = KIND.decode(unsure, replace(SPEC, options={"least": 1, "threshold": 0.6}), (12, 16))
    assert answer.labels.tolist() == [0, 0, 0] and sorted(np.unique(answer.numbers)) == [0, 1, 2, 3]


def test_insides_that_run_together_part_where_they_are_unsure() -> None:
    classes = two_cells()
    classes[3, 7:9] = CELL  # a bridge through the outline
    scores = said(classes)
    scores[3, 7:9] *= 0.4
    assert scores[3, 7].argmax() == CELL
    answer = KIND.decode(scores, SPEC, (12, 16))
    assert answer.labels.tolist() == [0, 0, 1] and answer.areas.tolist() == [35, 35, 18]
    assert len(KIND.decode(scores, replace(SPEC, options={"least": 1, "sure": 0.3}), (12, 16))) == 2
    weak = said(classes, sure=1.0)  # nothing is sure: each inside is one object
    assert KIND.decode(weak, SPEC, (12, 16)).labels.tolist() == [0, 1]


@pytest.mark.parametrize(("channel", "count"), [(GROUND, 0), (CELL, 1), (NUCLEUS, 1), (OUTLINE, 0)])
def test_pictures_of_one_class(channel: int, count: int) -> None:
    """One object over the whole picture; ground alone; and outlines of nothing."""
    answer = KIND.decode(said(np.full((6, 7), channel)), SPEC, (12, 7))
    assert len(answer) == count and answer.areas.tolist() == [84] * count
    assert answer.boxes().tolist() == [[0, 0, 7, 12]] * count
    assert (KIND.describe(answer, SPEC) == "nothing found") == (count == 0)
    assert (KIND.draw(np.full((12, 7, 3), 9, np.uint8), answer, SPEC) != 9).any() == (count > 0)


def test_probabilities_say_the_same_as_scores() -> None:
    scores = np.stack([field(seed) for seed in range(4)], axis=-1).astype(np.float32) * 20
    shares = shares_of(scores, SPEC)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(shares, np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True), rtol=1e-5)
    pooled = KIND.pooled_spec(SPEC)
    one, other = KIND.decode(scores, SPEC, scores.shape[:2]), KIND.decode(KIND.poolable(scores, SPEC), pooled, scores.shape[:2])
    assert len(one) == len(other) > 5 and (one.labels == other.labels).all()
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)


def test_it_tells_draws_and_writes(tmp_path: Path) -> None:
    answer = KIND.decode(said(two_cells()), SPEC, (12, 16))
    assert KIND.describe(answer, SPEC) == "2 cell, 1 nucleus, 35 pixels each in the middle"
    drawn = KIND.draw(np.full((12, 16, 3), 200, np.uint8), answer, SPEC)
    assert drawn[0, 0].tolist() == [200] * 3 and drawn[1, 1].tolist() == [128, 0, 0]
    assert drawn[3, 12].tolist() == [110, 168, 110]
    assert edges_of(answer.numbers)[3].nonzero()[0].tolist() == [1, 7, 8, 14]
    path = KIND.write(answer, SPEC, tmp_path / "photo")
    with Image.open(path) as picture:
        assert picture.mode.startswith("I;16")
        np.testing.assert_array_equal(np.array(picture), answer.numbers)
    table = json.loads(path.with_suffix(".json").read_text())
    assert [row["name"] for row in table["categories"]] == ["cell", "nucleus"]
    for number, row in enumerate(table["annotations"], start=1):
        np.testing.assert_array_equal(decoded(row["segmentation"]), answer.numbers == number)
        assert row["category_id"] == answer.labels[number - 1] + 1 and row["area"] == answer.areas[number - 1]
    many = Instances(np.zeros((2, 2), np.int32), np.zeros(70000, np.int64), np.zeros(70000, np.float32))
    with pytest.raises(InputError, match="16 bits"):
        KIND.write(many, SPEC, tmp_path / "many")


def test_pycocotools_reads_what_is_written(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    answer = KIND.decode(said(two_cells()), SPEC, (12, 16))
    table = json.loads(KIND.write(answer, SPEC, tmp_path / "7").with_suffix(".json").read_text())
    truth = coco.COCO()
    truth.dataset = {"images": [{"id": "7", "height": 12, "width": 16}], "annotations": [], "categories": table["categories"]}
    truth.createIndex()
    results = truth.loadRes(table["annotations"])
    for number, each in enumerate(results.loadAnns(results.getAnnIds()), start=1):
        np.testing.assert_array_equal(results.annToMask(each), answer.numbers == number)
        assert each["area"] == answer.areas[number - 1] and each["bbox"] == table["annotations"][number - 1]["bbox"]


def test_two_answers_are_compared_by_their_objects() -> None:
    tolerance = Tolerance({"matched_instances": 0.9})
    one = said(two_cells())[None]
    assert KIND.compare(one, one + np.float32(0.01), SPEC, tolerance).measures["matched_instances"] == 1
    moved = KIND.compare(one, np.roll(one, 3, axis=2), SPEC, tolerance)
    assert moved.passed is False and moved.measures["matched_instances"] < 0.5
    merged = two_cells()
    merged[1:6, 7:9] = CELL
    result = KIND.compare(one, said(merged)[None], SPEC, tolerance)
    assert result.measures["matched_instances"] == pytest.approx(1 / 3) and "matched instances" in result.reason
    ground = said(np.zeros((4, 4), int))[None]
    assert "matched_instances" not in KIND.compare(ground, ground, SPEC, tolerance).measures


def test_overlaps_are_those_of_masks() -> None:
    one, other = (connected_parts((field(seed) > 0).astype(int)) for seed in (1, 2))
    shares = overlaps(one[0], other[0], one[1], other[1])
    for place in np.ndindex(shares.shape):
        masks = one[0] == place[0] + 1, other[0] == place[1] + 1
        assert shares[place] == np.logical_and(*masks).sum() / np.logical_or(*masks).sum()


def test_masks_of_boxes_become_an_answer_the_best_on_top() -> None:
    boxes = np.array([[2, 2, 10, 8, 0, 0.6], [6, 4, 14, 10, 1, 0.9], [0, 0, 0, 5, 0, 0.99], [-5, 9, 3, 20, 1, 0.5]])
    masks = np.ones((4, 7, 7), np.float32)
    masks[0, 0] = 0
    answer = pasted(boxes, masks, (12, 16))
    assert answer.labels.tolist() == [0, 1, 1] and answer.scores.tolist() == pytest.approx([0.6, 0.9, 0.5])
    assert answer.areas.tolist()[1] == 48 and answer.numbers[5, 7] == 2 and answer.numbers[2, 3] == 0
    assert len(pasted(np.zeros((0, 6)), np.zeros((0, 7, 7)), (4, 4))) == 0
    with pytest.raises(InputError, match="one a box"):
        pasted(boxes, masks[:2], (12, 16))


def test_other_channels_are_refused_and_options_survive() -> None:
    with pytest.raises(InputError, match="3 channels; objects of 2 classes have 4"):
        KIND.decode(np.zeros((4, 4, 3), np.float32), SPEC, (4, 4))
    assert "have 4" in KIND.contradiction(np.zeros((1, 4, 4, 5)), SPEC) and not KIND.contradiction(np.zeros((1, 4, 4, 4)), SPEC)
    again = OutputSpec.from_dict(SPEC.to_dict())
    assert again == SPEC and again.options == {"least": 1}
