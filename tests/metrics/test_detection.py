"""Detection scores: pycocotools' own numbers, VOC's by hand, and the truth given as prediction."""

from __future__ import annotations

import numpy as np
import pytest
from detection_pictures import SIZE, pictures

from zoo.data import Boxes
from zoo.errors import InputError
from zoo.metrics.detection import DetectionScores

# What pycocotools 2.0.11 says of `pictures` (COCOeval, "bbox"; areas those of the boxes).
COCO = {
    "ap50": 0.677311815823374,
    "ap": 0.28176962666721006,
    "ap75": 0.1560204379224337,
    "ap_small": 0.3108843899577131,
    "ap_medium": 0.2774837817815817,
    "ap_large": 0.36287678767876785,
    "ar": 0.4625707384403037,
}
COCO_AP50_OF_CLASSES = [0.6065399218377627, 0.6684938083325989, 0.7569017172997605]


def scored(samples: list[tuple[Boxes, np.ndarray]]) -> DetectionScores:
    metric = DetectionScores(("a", "b", "c"))
    for truth, answer in samples:
        metric.update(truth, answer)
    return metric


def values(metric: DetectionScores) -> dict[str, float]:
    return {score.name: score.value for score in metric.scores()}


def test_they_are_pycocotools_numbers() -> None:
    samples = pictures()
    metric = scored(samples)
    assert {name: values(metric)[name] for name in COCO} == pytest.approx(COCO, abs=1e-12)
    assert [row["ap50"] for row in metric.rows()] == pytest.approx(COCO_AP50_OF_CLASSES, abs=1e-12)
    parts = scored(samples[:17]).merge(scored(samples[17:]))
    assert values(parts) == values(metric)
    with pytest.raises(InputError, match="other classes"):
        metric.merge(DetectionScores(("a",)))


def test_the_truth_given_as_prediction_scores_one() -> None:
    samples = [
        (truth, np.column_stack([truth.values, truth.labels, np.ones(len(truth.labels))])[~truth.ignored])
        for truth, _ in pictures()
    ]
    assert set(values(scored(samples)).values()) == {1.0}


def test_voc_counts_as_its_devkit_does() -> None:
    """Three things, one of them difficult. Of five answers in order: right, wrong, a second on the first thing, on the
    difficult one, right. Precision 1, 1/2, 1/3, 1/3, 2/4 at recalls 1/2, 1/2, 1/2, 1/2, 1."""
    truth = Boxes([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [0, 0, 0], (60, 60), [False, True, False])
    rows = [[0, 0, 10, 9], [0, 30, 10, 40], [0, 0, 10, 8], [20, 0, 30, 10], [40, 0, 50, 10]]
    answer = np.column_stack([rows, np.zeros(5), [0.9, 0.8, 0.7, 0.6, 0.5]])
    metric = DetectionScores(("a",))
    metric.update(truth, answer)
    assert values(metric)["voc_ap"] == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert values(metric)["voc_ap_11"] == pytest.approx((6 * 1 + 5 * 0.5) / 11)


def test_nothing_to_find_and_nothing_found() -> None:
    empty, nothing = Boxes([], [], SIZE), np.zeros((0, 6))
    metric = scored([(empty, nothing)])
    assert np.isnan(list(values(metric).values())).all(), "no picture shows a thing: there is no score"
    metric.update(Boxes([[0, 0, 9, 9]], [1], SIZE), nothing)
    assert values(metric)["ap"] == values(metric)["ar"] == values(metric)["voc_ap"] == 0
    with pytest.raises(InputError, match="n×6"):
        metric.update(empty, np.zeros((3, 4)))
