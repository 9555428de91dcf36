"""Joint scores: pycocotools' own numbers, shares of correct joints by hand, and the truth given as prediction."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.data import Joints
from zoo.errors import InputError
from zoo.metrics.joints import JointScores, Thing, correct_share, oks_precision, oks_row, sigmas, similarity
from zoo.tasks.landmarks import JOINTS

SIGMAS = sigmas(JOINTS)
# What pycocotools 2.0.11 says of `pictures` (COCOeval, "keypoints").
COCO = {
    "ap": 0.25885198180807234,
    "ap50": 0.4658213097227222,
    "ap75": 0.2646570463844872,
    "ar": 0.6090909090909091,
    "ap_medium": 0.3281830297521361,
    "ap_large": 0.2543493635077793,
}
Picture = tuple[list[Thing], np.ndarray, np.ndarray]
SHARED = os.environ.get("DENSEZOO_SHARED")


def pictures(count: int = 40) -> list[Picture]:
    """People of all sizes, some of them crowds or without a joint; answers about them and astray, with scores that tie."""
    random, samples = np.random.default_rng(0), []
    for _ in range(count):
        things, answers = [], []
        for _ in range(int(random.integers(0, 6))):
            width, height = np.exp(random.uniform(np.log(12), np.log(180), 2)).round(1)
            low = random.uniform(0, 200, 2).round(1)
            places = (low + random.uniform(0, 1, (17, 2)) * (width, height)).round(1)
            known = random.random(17) < random.choice([0.0, 0.4, 0.9])
            area = float((0.6 * width * height).round(1))
            things.append(Thing(places, known, area, (*low.tolist(), width, height), bool(random.random() < 0.15)))
            for _ in range(int(random.integers(0, 4))):
                answers.append((places + random.normal(0, random.choice([0.01, 0.05, 0.1]) * area**0.5, (17, 2))).round(1))
        answers += list(random.uniform(0, 200, (2, 17, 2)).round(1))
        samples.append((things, np.array(answers), random.uniform(0, 1, len(answers)).round(1)))
    return samples


def precision(samples: list[Picture], area: str = "all") -> dict[str, float]:
    return oks_precision([oks_row(*sample, SIGMAS, area) for sample in samples])


def test_they_are_pycocotools_numbers() -> None:
    samples = pictures()
    of_size = {f"ap_{area}": precision(samples, area)["ap"] for area in ("medium", "large")}
    said = precision(samples) | of_size
    assert said == pytest.approx(COCO, abs=1e-12)


def test_people_of_one_photograph_are_found_in_it_together() -> None:
    """Cut out one by one, each in pixels of its own, they are scored as in the whole; in either order, and in two parts."""
    random, scores = np.random.default_rng(5), (JointScores(JOINTS), JointScores(JOINTS))
    rows, alone = [], []
    for number in range(12):
        corner, places = random.uniform(0, 60, (2, 2)), random.uniform(0, 90, (2, 17, 2))
        astray = places[::-1] if number % 3 == 0 else places  # an answer about the other one, who is in the cut as well
        answers = np.stack([astray[i] + random.normal(0, 2, (17, 2)) for i in range(2)])
        sure = random.uniform(0.1, 1, 2)
        things = [Thing(each, np.ones(17, bool), 2000.0, (0.0, 0.0, 90.0, 90.0)) for each in places]
        rows.append(oks_row(things, answers, sure, SIGMAS))
        alone += [oks_row(things[i : i + 1], answers[i : i + 1], sure[i : i + 1], SIGMAS) for i in range(2)]
        for i in range(2):
            target = Joints(places[i] - corner[i] + 60, np.full(17, 2), (400, 400), area=2000.0, side=90.0)
            target = replace(target, photograph=f"photo{number}", origin=tuple(corner[i] - 60))
            answer = np.column_stack([answers[i] - corner[i] + 60, np.full(17, sure[i])])
            scores[i].update(target, answer)
    said = {score.name: score.value for score in scores[0].merge(scores[1]).scores()}
    expected = oks_precision(rows)
    assert {name: said[f"oks_{name}"] for name in ("ap", "ap50", "ap75")} == pytest.approx(
        {name: expected[name] for name in ("ap", "ap50", "ap75")}, abs=1e-6
    )
    assert expected["ap"] > oks_precision(alone)["ap"] + 0.1  # what was counted before


@pytest.mark.skipif(not SHARED, reason="DENSEZOO_SHARED is not set")
def test_they_are_pycocotools_numbers_on_photographs() -> None:
    """Of all people of a split, crowds and those without joints too."""
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(Path(SHARED) / "data" / "coco" / "person_keypoints_val.json")
    random, said, samples = np.random.default_rng(0), [], []
    for picture in sorted(truth.imgs):
        things, answers, scores = [], [], []
        for each in truth.imgToAnns[picture]:
            figures = np.array(each["keypoints"], float).reshape(-1, 3)
            things.append(Thing(figures[:, :2], figures[:, 2] > 0, each["area"], each["bbox"], bool(each["iscrowd"])))
            off = random.choice([0.01, 0.05, 0.1]) * each["area"] ** 0.5
            answers.append((figures[:, :2] + random.normal(0, off, (17, 2))).round(1))
            scores.append(round(float(random.uniform()), 1))
            keypoints = np.column_stack([answers[-1], np.ones(17)]).ravel().tolist()
            said.append({"image_id": picture, "category_id": 1, "keypoints": keypoints, "score": scores[-1]})
        samples.append((things, np.array(answers).reshape(-1, 17, 2), np.array(scores)))
    with contextlib.redirect_stdout(io.StringIO()):
        judge = cocoeval.COCOeval(truth, truth.loadRes(said), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    np.testing.assert_allclose(sigmas(truth.cats[1]["keypoints"]), judge.params.kpt_oks_sigmas, rtol=1e-14)
    whole, of_size = precision(samples), [precision(samples, area)["ap"] for area in ("medium", "large")]
    ours = [whole["ap"], whole["ap50"], whole["ap75"], *of_size, whole["ar"]]
    np.testing.assert_allclose(ours, judge.stats[:6], atol=1e-12)
    assert 0.1 < ours[0] < 0.9


def test_similarity_by_hand() -> None:
    thing = Thing(np.zeros((17, 2)), np.arange(17) < 2, 400.0, (0, 0, 20, 20))
    off = np.zeros((17, 2))
    off[0], off[1], off[5] = (3, 4), (0, 2), (99, 99)  # the last one is not known
    expected = (np.exp(-25 / (2 * 400 * 0.052**2)) + np.exp(-4 / (2 * 400 * 0.05**2))) / 2
    assert similarity(thing, off, SIGMAS) == pytest.approx(expected, rel=1e-12)
    assert sigmas(("LEFT_EYE", "eye", "head"))[:2].tolist() == [0.025, 0.025] and 0 < sigmas(("tail",))[0] < 0.2


def joints(shift: float = 0.0, **changes: object) -> Joints:
    places = np.array([[20, 20], [30, 20], [20, 60], [0, 0]], float)
    known = Joints(places + (shift, 0), [2, 1, 2, 0], (80, 100), area=1000.0, side=50.0, head=10.0)
    return replace(known, **changes)


def values(metric: JointScores) -> dict[str, float]:
    return {score.name: score.value for score in metric.scores()}


def test_shares_of_correct_joints_by_hand() -> None:
    """Distances 4, 6 and 12 of a side of 50 and a head of 10; a joint that is not known does not count."""
    labels = ("nose", "left hip", "right hip", "tail")
    answer = np.column_stack([joints().values + [[4, 0], [0, 6], [12, 0], [50, 50]], [0.9, 0.8, 0.7, 0.1]])
    metric = JointScores(labels)
    metric.update(joints(), answer)
    said = values(metric)
    assert (said["pck"], said["pck_0.1"], said["pck_0.05"]) == pytest.approx((2 / 3, 1 / 3, 0))
    assert said["pckh"] == pytest.approx(1 / 3) and said["error"] == pytest.approx(22 / 3)
    assert [row["joints"] for row in metric.rows()] == [1, 1, 1, 0] and metric.rows()[2]["pck"] == 0
    assert correct_share(np.array([1.0, 3.0]), 10.0, 0.2) == 0.5 and np.isnan(correct_share(np.zeros(0), 10.0, 0.2))
    other = JointScores(labels)
    other.update(joints(side=float("nan"), head=float("nan"), area=float("nan")), answer)
    assert values(metric.merge(other)) == pytest.approx({**said}), "without sizes there is only a distance"
    with pytest.raises(InputError, match="other joints"):
        metric.merge(JointScores(labels[:3]))
    with pytest.raises(InputError, match=r"Joints and an answer of shape \(3, 3\).*4×3: x, y, score"):
        metric.update(joints(), answer[:3])


def test_the_truth_given_as_prediction_scores_one_and_nothing_known_is_no_score() -> None:
    metric = JointScores(("a", "b", "c", "d"))
    assert all(np.isnan(value) for value in values(metric).values())
    metric.update(joints(seen=np.zeros(4, np.int32)), np.zeros((4, 3)))
    assert all(np.isnan(value) for value in values(metric).values())
    for shift in (0, 5, 10):
        truth = joints(shift)
        metric.update(truth, np.column_stack([truth.values, np.ones(4)]))
    said = values(metric)
    assert said.pop("error") == 0 and set(said.values()) == {1.0}
