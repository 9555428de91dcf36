"""Recall of proposals: pycocotools' own numbers, one thing a box, and pictures without anything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from detection_pictures import SIZE, pictures

from zoo.data import Boxes
from zoo.errors import InputError
from zoo.metrics.proposals import ProposalRecall

# What pycocotools 2.0.11 says of `pictures` (COCOeval, "bbox", useCats = 0, maxDets = 1, 3, 10, 1000): recall by threshold.
COCO = {
    1: [0.2109375, 0.1953125, 0.1875, 0.1640625, 0.125, 0.1171875, 0.0546875, 0.015625, 0.0, 0.0],
    3: [0.46875, 0.4453125, 0.4140625, 0.3515625, 0.2578125, 0.171875, 0.0703125, 0.015625, 0.0, 0.0],
    10: [0.8515625, 0.8359375, 0.78125, 0.703125, 0.5625, 0.40625, 0.1953125, 0.046875, 0.0, 0.0],
    None: [0.8984375, 0.875, 0.828125, 0.7421875, 0.609375, 0.453125, 0.234375, 0.0546875, 0.0, 0.0],
}


def recall(samples: list[tuple[Boxes, np.ndarray]]) -> ProposalRecall:
    metric = ProposalRecall((1, 3, 10))
    for target, answer in samples:
        metric.update(target, answer)
    return metric


def proposals(*boxes: tuple[float, ...]) -> np.ndarray:
    return np.array([[*box, 0, 1] for box in boxes], np.float32).reshape(-1, 6)


def test_it_is_pycocotools_recall_of_as_many_boxes() -> None:
    samples = [(target, answer[np.argsort(-answer[:, 5], kind="stable")]) for target, answer in pictures()]
    metric = recall(samples)
    for count, expected in COCO.items():
        assert metric.recall(count).tolist() == expected
    scores = {score.name: score.value for score in metric.scores()}
    assert scores["ar"] == pytest.approx(np.mean(COCO[None])) and scores["ar_10"] == pytest.approx(np.mean(COCO[10]))
    assert (scores["recall_50"], scores["recall_70"]) == (COCO[None][0], COCO[None][4])
    assert [row["recall_50"] for row in metric.rows()] == [COCO[count][0] for count in (1, 3, 10)]
    parts = recall(samples[:17]).merge(recall(samples[17:]))
    assert {score.name: score.value for score in parts.scores()} == scores


def test_two_things_in_one_box_are_found_once() -> None:
    things = Boxes(np.array([[10, 10, 50, 50], [12, 10, 52, 50]]), np.array([0, 1]), SIZE)
    scores = {score.name: score.value for score in recall([(things, proposals((10, 10, 50, 50)))]).scores()}
    assert scores["recall_50"] == 0.5 and scores["overlap"] == pytest.approx((1 + 38 / 42) / 2) and scores["proposals"] == 1


def test_what_is_ignored_and_pictures_of_nothing_count_neither_way() -> None:
    one = Boxes(np.array([[0, 0, 10, 10], [30, 30, 90, 90]]), np.array([0, 0]), SIZE, np.array([False, True]))
    nothing = Boxes(np.zeros((0, 4)), [], SIZE)
    metric = recall([(one, proposals((0, 0, 10, 10))), (nothing, proposals((0, 0, 5, 5))), (nothing, proposals())])
    assert metric.recall(1).tolist() == [1.0] * 10
    assert all(math.isnan(score.value) for score in recall([(nothing, proposals())]).scores()[:-1])


def test_other_answers_are_refused() -> None:
    with pytest.raises(InputError, match="n×6"):
        recall([(Boxes(np.zeros((0, 4)), [], SIZE), np.zeros((3, 4)))])
    with pytest.raises(InputError, match="other numbers"):
        recall([]).merge(ProposalRecall())
