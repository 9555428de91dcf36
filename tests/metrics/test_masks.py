"""Scores of masks: pycocotools' own numbers, the Bowl's by hand, and the truth given as prediction."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label, shift

from zoo import tasks
from zoo.data.targets import UNKNOWN, InstanceMask
from zoo.errors import InputError
from zoo.metrics.masks import MaskScores
from zoo.outputs.instances import Instances
from zoo.outputs.run_lengths import encoded

CLASSES = ("a", "b")
SIZE = (150, 190)


def pictures(count: int = 12) -> list[tuple[InstanceMask, Instances]]:
    """Blobs of all sizes, some of them crowds; answers that moved, were cut or made up, with scores that tie."""
    random, samples = np.random.default_rng(0), []
    for index in range(count):
        field = gaussian_filter(random.normal(size=SIZE), 4 + 8 * (index % 3))
        numbers, things = label(field > 0.4 * field.std())
        truth = InstanceMask(numbers, random.integers(0, 2, things), random.random(things) < 0.15)
        moved = shift(numbers, random.integers(-1, 2, 2), order=0)
        moved[np.isin(moved, random.integers(1, things + 1, 2))] = 0
        other, more = label((gaussian_filter(random.normal(size=SIZE), 4) > 0.06) & (moved == 0))
        said = np.where(other > 0, other + things, moved)
        labels = np.concatenate([truth.labels, random.integers(0, 2, more)])
        labels = np.where(random.random(len(labels)) < 0.1, 1 - labels, labels)
        scores = np.concatenate([random.beta(4, 2, things), random.beta(2, 5, more)]).round(2).astype(np.float32)
        answer = Instances(said.astype(np.int32), labels.astype(np.int64), scores)
        samples.append((truth, answer[answer.areas > 0]))
    return samples


def scored(samples: list[tuple[InstanceMask, Instances]]) -> MaskScores:
    metric = MaskScores(CLASSES)
    for truth, answer in samples:
        metric.update(truth, answer)
    return metric


def values(metric: MaskScores) -> dict[str, float]:
    return {score.name: score.value for score in metric.scores()}


def pycocotools_of(samples: list[tuple[InstanceMask, Instances]]) -> dict[str, float]:
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    truths, results = [], []
    for image, (truth, answer) in enumerate(samples, start=1):
        for number in truth.numbers:
            mask = truth.values == number
            facts = {"image_id": image, "category_id": int(truth.labels[number - 1]) + 1, "segmentation": encoded(mask)}
            crowd = int(truth.ignored[number - 1])
            truths.append({**facts, "id": len(truths) + 1, "area": int(mask.sum()), "iscrowd": crowd})
        for number in range(1, len(answer) + 1):
            facts = {"image_id": image, "category_id": int(answer.labels[number - 1]) + 1}
            mask = encoded(answer.numbers == number)
            results.append({**facts, "segmentation": mask, "score": float(answer.scores[number - 1])})
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = coco.COCO()
        images = [{"id": image, "height": SIZE[0], "width": SIZE[1]} for image in range(1, len(samples) + 1)]
        categories = [{"id": index + 1, "name": name} for index, name in enumerate(CLASSES)]
        dataset.dataset = {"images": images, "annotations": truths, "categories": categories}
        dataset.createIndex()
        evaluation = cocoeval.COCOeval(dataset, dataset.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ap, ap50, ap75, small, medium, large, *_ = evaluation.stats
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar")
    return dict(zip(names, (ap, ap50, ap75, small, medium, large, evaluation.stats[8]), strict=True))


def test_they_are_pycocotools_numbers() -> None:
    samples = pictures()
    expected, metric = pycocotools_of(samples), scored(samples)
    assert {name: values(metric)[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert 0.1 < expected["ap"] < expected["ap50"] < 0.9 and min(expected.values()) >= 0
    parts = scored(samples[:5]).merge(scored(samples[5:]))
    assert values(parts) == values(metric)
    assert [row["class"] for row in metric.rows()] == list(CLASSES)
    with pytest.raises(InputError, match="other classes"):
        metric.merge(MaskScores(("a",)))


def test_the_truth_given_as_prediction_scores_one() -> None:
    task = tasks.get("instance_segmentation")
    spec = task.output_spec(CLASSES)
    samples = [(truth, task.target_as_answer(truth, spec)) for truth, _ in pictures()]
    assert list(values(scored(samples)).values()) == pytest.approx([1.0] * 8, abs=1e-12)


def rows(*bars: tuple[int, int], width: int = 20) -> np.ndarray:
    """A map of one row: bars from … to, numbered from 1."""
    numbers = np.zeros((1, width), np.int32)
    for number, (first, end) in enumerate(bars, start=1):
        numbers[0, first:end] = number
    return numbers


def one_class(numbers: np.ndarray) -> Instances:
    count = int(numbers.max())
    return Instances(numbers, np.zeros(count, np.int64), np.full(count, 0.5, np.float32))


def test_the_bowls_score_by_hand() -> None:
    """Overlaps of 8/10 and 5/10: the first hits where less than 0.8 is asked for, six of ten thresholds, the second never."""
    metric = MaskScores(("a",))
    metric.update(InstanceMask(rows((0, 10), (10, 20)), [0, 0]), one_class(rows((0, 8), (10, 15))))
    assert values(metric)["dsb"] == pytest.approx(6 / 10 * (1 / (4 - 1)))
    metric.update(InstanceMask(rows(), []), one_class(rows()))
    assert values(metric)["dsb"] == pytest.approx(0.2), "a picture without anything says nothing"
    metric.update(InstanceMask(rows(), []), one_class(rows((3, 9))))
    assert values(metric)["dsb"] == pytest.approx(0.1)
    nothing = MaskScores(("a",))
    nothing.update(InstanceMask(rows(), []), one_class(rows()))
    assert all(np.isnan(value) for value in values(nothing).values())


def test_what_is_unknown_or_ignored_is_neither_right_nor_wrong() -> None:
    unknown = rows((0, 10))
    unknown[0, 12:] = UNKNOWN
    metric = MaskScores(("a",))
    metric.update(InstanceMask(unknown, [0]), one_class(rows((0, 10), (12, 20))))
    assert values(metric)["ap"] == pytest.approx(1) and values(metric)["dsb"] == 1
    metric.update(InstanceMask(rows((0, 10), (10, 20)), [0, 0], [False, True]), one_class(rows((0, 10), (11, 15), (16, 19))))
    assert values(metric)["ap"] == pytest.approx(1) and values(metric)["dsb"] == 1


def test_ids_with_gaps_and_one_object_over_the_whole_picture() -> None:
    metric = MaskScores(("a",))
    metric.update(InstanceMask(np.full((4, 5), 7), [0] * 9), one_class(np.ones((4, 5), np.int32)))
    assert values(metric)["ap"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("target", "answer", "message"),
    [
        (np.zeros((4, 4), int), one_class(rows()), "an answer Instances; objects are scored against InstanceMask"),
        (InstanceMask(rows(), []), rows(), "an answer ndarray"),
        (InstanceMask(rows(), []), one_class(rows(width=5)), r"a target of \(1, 20\) and an answer of \(1, 5\)"),
    ],
)
def test_what_cannot_be_scored(target: object, answer: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MaskScores(("a",)).update(target, answer)
