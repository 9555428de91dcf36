"""Losses of detectors in two stages, against sums by hand."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from zoo.losses.two_stage import Regions, Things, mask_loss, proposal_losses, region_losses, sampled_regions

ANCHORS = np.array([[0, 0, 10, 10], [10, 0, 20, 10], [0, 10, 10, 20], [-5, 0, 5, 10]], np.float32)
THINGS = Things(
    np.array([[[0, 0, 10, 12], [0, 0, 0, 0]]], np.float32),
    np.array([[2.0, -1.0]], np.float32),
    np.array([[1.0, 0.0]], np.float32),
)


def computed(function, *arguments, **settings):
    """What a function of tensors gives for arrays, which not every backend takes beside them."""
    arguments, settings = keras.tree.map_structure(
        lambda values: keras.ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values, (arguments, settings)
    )
    return function(*arguments, **settings)


def entropy(score: float, wanted: float) -> float:
    return math.log(1 + math.exp(-score if wanted else score))


def test_proposals_by_hand() -> None:
    """The first anchor overlaps the thing by 10/12 and learns it; the next two lie beside it; the last, by 5/17, nearly so."""
    objectness = np.array([[0.5, 1.0, -2.0, 3.0]], np.float32)
    offsets = np.zeros((1, 4, 4), np.float32)
    noise = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    losses = computed(proposal_losses, objectness, offsets, ANCHORS, THINGS, noise, count=256)
    expected = entropy(0.5, 1) + entropy(1.0, 0) + entropy(-2.0, 0) + entropy(3.0, 0)
    assert float(losses[0]) == pytest.approx(expected / 4, rel=1e-5)
    parts = (0.1, math.log(1.2))  # of the centre downwards and of the height
    distance = 0.5 * 0.1**2 * 9 + parts[1] - 0.5 / 9
    assert float(losses[1]) == pytest.approx(distance / 4, rel=1e-4)
    usable = (ANCHORS >= 0).all(axis=1)
    within = computed(proposal_losses, objectness, offsets, ANCHORS, THINGS, noise, usable=usable)
    assert float(within[0]) == pytest.approx((expected - entropy(3.0, 0)) / 3, rel=1e-5)
    two = computed(proposal_losses, objectness, offsets, ANCHORS, THINGS, noise, usable=usable, count=2)
    assert float(two[0]) == pytest.approx((entropy(0.5, 1) + entropy(-2.0, 0)) / 2, rel=1e-5)  # the one of the most noise


def test_what_lies_between_the_thresholds_learns_nothing() -> None:
    noise, nothing = np.zeros((1, 4), np.float32), np.zeros((1, 4, 4), np.float32)
    losses = computed(proposal_losses, noise, nothing, ANCHORS, THINGS, noise, low=0.2)
    assert float(losses[0]) == pytest.approx(math.log(2)) and float(losses[1]) > 0
    nobody = THINGS._replace(there=np.zeros((1, 2), np.float32))
    losses = computed(proposal_losses, noise, nothing, ANCHORS, nobody, noise)
    assert float(losses[0]) == pytest.approx(math.log(2)) and float(losses[1]) == 0


def test_regions_are_drawn_among_proposals_and_things() -> None:
    proposals = np.array([[[0, 0, 10, 10], [30, 30, 40, 40], [50, 50, 60, 60], [0, 0, 0, 0]]], np.float32)
    noise = np.array([[0.9, 0.1, 0.2, 0.3, 0.5, 0.7]], np.float32)
    regions = computed(sampled_regions, proposals, THINGS, noise, count=4, share=0.5)
    drawn = (regions.boxes, regions.labels, regions.weights)
    boxes, labels, weights = (keras.ops.convert_to_numpy(values)[0] for values in drawn)
    np.testing.assert_array_equal(labels, [3, 3, 0, 0])
    np.testing.assert_array_equal(weights, [1, 1, 1, 1])
    np.testing.assert_array_equal(boxes, [[0, 0, 10, 10], [0, 0, 10, 12], [30, 30, 40, 40], [50, 50, 60, 60]])
    offsets = keras.ops.convert_to_numpy(regions.offsets)[0]
    np.testing.assert_allclose(offsets[0], [0, 0.1 / 0.1, 0, math.log(1.2) / 0.2], atol=1e-5)
    np.testing.assert_allclose(offsets[1:], 0, atol=1e-6)
    few = computed(sampled_regions, proposals, THINGS, noise, count=4, share=0.25)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(few.labels)[0], [3, 0, 0, 0])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(few.weights)[0], [1, 1, 1, 0])  # there are no more


def test_regions_by_hand() -> None:
    """One of class 1, one of the background, and one that only fills up."""
    scores = np.array([[[0.0, 0.0, 1.0], [2.0, 0.0, 0.0], [0.0, 9.0, 0.0]]], np.float32)
    offsets = np.full((1, 3, 12), 5.0, np.float32)
    offsets[0, 0, 8:] = 0.5, 0.0, 0.0, 3.0  # of the class's own
    weights, nothing = np.array([[1.0, 1.0, 0.0]], np.float32), np.zeros((1, 3, 4), np.float32)
    regions = Regions(nothing, np.array([[2, 0, 0]]), nothing, weights)
    classes, boxes = computed(region_losses, scores, offsets, regions)
    expected = (math.log(2 + math.e) - 1 + math.log(math.e**2 + 2) - 2) / 2
    assert float(classes) == pytest.approx(expected, rel=1e-5)
    assert float(boxes) == pytest.approx((0.5 * 0.25 + 2.5) / 2)


def test_masks_by_hand() -> None:
    masks = np.zeros((3, 1, 2, 2), np.float32)
    masks[0, 0, :, 1] = 1.0, -2.0
    wanted = np.array([[[1, 0]], [[1, 1]], [[1, 1]]], np.float32)
    expected = (entropy(1.0, 1) + entropy(-2.0, 0)) / 2
    assert float(computed(mask_loss, masks, np.array([2, 0, 0]), wanted)) == pytest.approx(expected, rel=1e-5)
    both = (expected + math.log(2)) / 2
    assert float(computed(mask_loss, masks, np.array([2, 1, 0]), wanted)) == pytest.approx(both, rel=1e-5)
    assert float(computed(mask_loss, masks, np.array([0, 0, 0]), wanted)) == 0
