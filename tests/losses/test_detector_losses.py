"""What detectors learn from: matches against loops over numbers, and losses against sums by hand."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.losses.box_anchors import MultiBoxLoss
from zoo.losses.box_cells import CellLoss
from zoo.losses.box_matching import assigned, corners, encoded, hardest, matched, pairwise_overlap, smooth_distance
from zoo.models.blocks.anchors import VARIANCES, default_boxes
from zoo.outputs.boxes import box_output

RNG = np.random.default_rng(5)
EMPTY = [0, 0, 0, 0, -1, 0]


def computed(function, *arrays: np.ndarray, **settings):
    """What a function of tensors gives for arrays, which not every backend takes beside them."""
    tensors = [keras.ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values for values in arrays]
    return function(*tensors, **settings)


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def random_boxes(*shape: int) -> np.ndarray:
    low = RNG.uniform(0, 0.7, (*shape, 2))
    return np.concatenate([low, low + RNG.uniform(0.05, 0.5, (*shape, 2))], axis=-1).astype("float32")


def iou(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared)


def test_overlaps_are_the_definition() -> None:
    one, other = random_boxes(2, 7), random_boxes(2, 5)
    expected = [[[iou(a, b) for b in boxes] for a in own] for own, boxes in zip(one, other, strict=True)]
    np.testing.assert_allclose(numbers(computed(pairwise_overlap, one, other)), expected, atol=1e-6)


def test_each_thing_has_an_anchor_and_each_anchor_its_best_thing() -> None:
    overlaps = RNG.uniform(0, 1, (3, 40, 6)).astype("float32") ** 3
    there = np.array([[1] * 6, [1, 1, 1, 0, 0, 0], [0] * 6], np.float32)
    expected = np.full((3, 40), -1)
    for picture in range(3):
        things = [thing for thing in range(6) if there[picture, thing]]
        for anchor in range(40):
            row = {thing: overlaps[picture, anchor, thing] for thing in things}
            if row and max(row.values()) >= 0.5:
                expected[picture, anchor] = max(row, key=row.get)
        best = {thing: overlaps[picture, :, thing].argmax() for thing in things}
        for thing, anchor in sorted(best.items(), key=lambda item: overlaps[picture, item[1], item[0]]):
            expected[picture, anchor] = thing  # of two that want one anchor the one that overlaps it more comes last
    np.testing.assert_array_equal(numbers(computed(matched, overlaps, there, 0.5)), expected)


def test_a_proposal_network_learns_by_two_thresholds_and_the_best_anchor() -> None:
    overlaps = np.array([[[0.8, 0.1], [0.75, 0.0], [0.5, 0.2], [0.1, 0.2], [0.1, 0.05], [0.0, 0.0]]], np.float32)
    found = numbers(computed(assigned, overlaps, np.ones((1, 2), np.float32), 0.3, 0.7))
    # Both anchors that overlap the second thing most learn by their own best thing; the last two learn that nothing is there.
    np.testing.assert_array_equal(found, [[0, 0, 0, 1, -1, -1]])
    for there, expected in (([1.0, 0.0], [0, 0, -2, -1, -1, -1]), ([0.0, 0.0], [-1] * 6)):
        found = numbers(computed(assigned, overlaps, np.array([there], np.float32), 0.3, 0.7))
        np.testing.assert_array_equal(found, [expected])


def test_hard_ones_are_the_greatest_of_the_candidates_and_of_equals_the_first() -> None:
    losses = np.array([[1.0, 3.0, 2.0, 3.0, 9.0], [5.0, 5.0, 5.0, 5.0, 5.0]], np.float32)
    candidates = np.array([[True, True, True, True, False], [False, True, True, True, True]])
    found = numbers(computed(hardest, losses, candidates, np.array([2.0, 3.0], np.float32)))
    np.testing.assert_array_equal(found, [[0, 1, 0, 1, 0], [0, 1, 1, 1, 0]])


def test_offsets_are_torchvisions_and_the_kind_undoes_them() -> None:
    with np.load(Path(__file__).parents[1] / "layers" / "torchvision.npz") as file:
        boxes, expected = file["nms_boxes"], file["encoded_ssd"]
    found = numbers(computed(encoded, boxes[20:40], boxes[:20], VARIANCES))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    grids, anchors = [(2, 3), (1, 1)], [[(0.3, 0.2), (0.1, 0.4)], [(0.9, 0.8)]]
    wanted = random_boxes(13)
    offsets = numbers(computed(encoded, wanted, corners(grids, anchors), VARIANCES))
    table = np.concatenate([offsets, np.zeros((13, 2))], axis=1)
    table[:, 5] = np.arange(13)  # sure of the first class, the surer the later
    options = {"coding": "anchors", "scores": "softmax", "grids": grids, "anchors": anchors, "variances": VARIANCES}
    spec = box_output(["thing"], options={**options, "overlap": 1.0})
    answer = outputs.kind(spec).decode(table, spec, (1, 1))
    np.testing.assert_allclose(answer[:, :4], wanted[::-1].clip(0, 1), atol=1e-5)


def test_default_boxes_are_torchvisions() -> None:
    with np.load(Path(__file__).parents[1] / "layers" / "torchvision.npz") as file:
        expected = file["ssd_anchors"] / 32
    sides = default_boxes((0.07, 0.15, 0.33), ((2,), (2, 3)))
    np.testing.assert_allclose(corners([(4, 4), (2, 2)], sides), expected, atol=1e-6)


def test_smooth_distance_by_hand() -> None:
    found = computed(smooth_distance, np.array([0.5, 3.0, 0.0], np.float32), np.zeros(3, np.float32))
    assert float(found) == pytest.approx(0.5 * 0.25 + 2.5)


def multibox(**settings) -> MultiBoxLoss:
    """Four anchors in a row, each a quarter of the picture."""
    return MultiBoxLoss([(1, 4)], [[(0.25, 1.0)]], rows=3, **settings)


def test_multibox_by_hand() -> None:
    """One thing on the first anchor, a quarter wider; of three others the one of the greatest loss."""
    target = np.array([[[0.0, 0.0, 0.3125, 1.0, 1, 0], EMPTY, EMPTY]], np.float32)
    scores = np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [5.0, 0.0, 0.0]])
    predictions = np.concatenate([np.full((4, 4), 0.1), scores], axis=1)[None].astype("float32")
    entropy = [math.log(sum(math.exp(s) for s in row)) - row[label] for row, label in zip(scores, (2, 0, 0, 0), strict=True)]
    offsets = (0.03125 / 0.25, 0.0, math.log(1.25), 0.0)
    distance = sum(0.5 * (0.1 - offset) ** 2 for offset in offsets)
    for negatives, others in ((1.0, entropy[2]), (3.0, sum(entropy[1:])), (0.0, 0.0)):
        loss = multibox(negatives=negatives, box_weight=2.0)
        assert float(loss(target, predictions)) == pytest.approx(entropy[0] + others + 2 * distance, rel=1e-5)
    target[0, 1] = 0.5, 0.0, 0.75, 1.0, 0, 1  # an ignored box on the hardest
    assert float(multibox(negatives=1.0)(target, predictions)) == pytest.approx(entropy[0] + entropy[1] + distance, rel=1e-5)


def test_multibox_learns_from_an_empty_picture_and_gives_numbers() -> None:
    import tensorflow as tf

    target = np.tile(np.array(EMPTY, np.float32), (2, 3, 1))
    predictions = tf.Variable(np.zeros((2, 4, 7), np.float32))
    with tf.GradientTape() as tape:
        loss = multibox()(target, predictions)
    gradient = tape.gradient(loss, predictions).numpy()
    assert float(loss) == pytest.approx(6 * math.log(3)) and np.isfinite(gradient).all()
    assert (gradient[..., :4] == 0).all() and (np.abs(gradient[..., 4:]).sum(axis=(1, 2)) > 0).all()


def test_cells_by_hand() -> None:
    """Two cells of two boxes; a thing in the second, which its second box meets half."""
    target = np.array([[[0.5, 0.0, 1.0, 1.0, 1, 0], EMPTY]], np.float32)
    near = [0.5, 0.5, math.sqrt(0.25), 1.0, 0.75]  # the middle half of the thing
    far = [0.0, 0.0, 0.1, 0.1, 0.5]
    predictions = np.array([[[*far, *far, 0.25, 0.5], [*far, *near, 0.25, 0.5]]], np.float32)
    place = 0 + (math.sqrt(0.25) - math.sqrt(0.5)) ** 2
    expected = 5 * place + (0.75 - 0.5) ** 2 + 0.5 * 3 * 0.25 + 0.25**2 + 0.5**2
    assert float(CellLoss((1, 2), 2, rows=2)(target, predictions)) == pytest.approx(expected, rel=1e-5)
    empty = float(CellLoss((1, 2), 2, rows=2)(np.array([[EMPTY, EMPTY]], np.float32), predictions))
    assert empty == pytest.approx(0.5 * (3 * 0.25 + 0.75**2), rel=1e-5)


def test_settings_that_cannot_be_are_refused_and_others_survive_saving() -> None:
    for loss in (multibox(overlap=0.4), CellLoss((1, 2), 2, rows=2)):
        again = type(loss).from_config(loss.get_config())
        assert again.get_config() == loss.get_config()
    with pytest.raises(InputError, match="overlap above 0"):
        multibox(overlap=0.0)
    with pytest.raises(InputError, match="give each level its anchors"):
        MultiBoxLoss([(1, 4), (1, 1)], [[(0.25, 1.0)]])
    with pytest.raises(InputError, match="1 or more boxes"):
        CellLoss((1, 2), 0)
