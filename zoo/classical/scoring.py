"""Classical methods before the evaluator that networks meet: the same confusion matrix, the same table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo import tasks
from zoo.classical.naming import majority
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.classical.method import MethodRunner, Segmenter
    from zoo.data import Dataset, Sample
    from zoo.evaluation.evaluate import Evaluation


class AnswerScorer:
    """Answers of a method to samples, timed, where they are what the task learns.

    Args:
        runner: of the method.
        dataset: whose samples it will see.

    Raises:
        InputError: for data of another task.
    """

    size = procedure = None

    def __init__(self, runner: MethodRunner, dataset: Dataset) -> None:
        self.task, self.name, self._runner = tasks.get(runner.method.task), runner.name, runner
        if dataset.task not in (None, self.task.name) and dataset.target is not self.task.target:
            raise InputError(f"{runner.name} is for {runner.method.task}, {dataset.name} for {dataset.task}")

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        """One answer a sample; the seconds per image go into `times`."""
        for sample in samples:
            start = time.perf_counter()
            answer = self._runner(sample.image)
            times.append(time.perf_counter() - start)
            yield answer


class RegionScorer:
    """Class maps from a method's regions; `zoo.classical.naming` says how regions come to classes.

    Args:
        segmenter: the method; where it takes a number of regions and none was set, it is told that of the classes.
        dataset: whose samples it will see.
        oracle: let the truth name the regions also where the data have two classes only.
    """

    size = procedure = None

    def __init__(self, segmenter: Segmenter, dataset: Dataset, oracle: bool = False) -> None:
        if dataset.task not in (None, segmenter.method.task):
            raise InputError(f"{segmenter.name} is for {segmenter.method.task}, {dataset.name} for {dataset.task}")
        self.task = tasks.get(segmenter.method.task)
        self._classes, self._ignore = len(dataset.classes), dataset.ignore
        self._segmenter = segmenter.with_defaults(regions=max(2, self._classes))
        self._oracle = oracle or self._classes != 2
        self._counts: list[int] = []

    @property
    def name(self) -> str:
        """The method, and what its scores are."""
        if not self._oracle:
            return self._segmenter.name
        mean = np.mean(self._counts) if self._counts else float("nan")
        return f"{self._segmenter.name} (upper bound: the truth names its {mean:.1f} regions an image by majority)"

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        """One class map a sample; the seconds per image go into `times`."""
        for sample in samples:
            start = time.perf_counter()
            figure, regions = self._segmenter.both(sample.image)
            if self._counts:  # the first call also imports
                times.append(time.perf_counter() - start)
            self._counts.append(len(np.unique(regions)))
            yield majority(regions, np.asarray(sample.target), self._classes, self._ignore) if self._oracle else figure


def evaluate(
    segmenter: Segmenter,
    dataset: Dataset,
    *,
    oracle: bool = False,
    limit: int | None = None,
    boundary: float | None = None,
    progress: bool = True,
) -> Evaluation:
    """Scores a method over a data set as `zoo.evaluate` scores a network.

    Args:
        segmenter: of `zoo.classical.open`.
        dataset: labelled samples. Of two classes the second is the figure; for more classes, or with `oracle`, the truth
            names the regions, and the scores are an upper bound that says so in its name.
        oracle: see `dataset`.
        limit: how many samples at most, from the first.
        boundary: tolerance for scores of contours, or None for none, as of `zoo.evaluate`.
        progress: whether to draw a progress bar.

    Raises:
        InputError: the data set is empty or of another task, or a parameter is out of range.
    """
    from zoo.evaluation.evaluate import evaluate as evaluate_subject

    subject = segmenter if not oracle else _ByOracle(segmenter)
    return evaluate_subject(subject, dataset, limit=limit, boundary=boundary, progress=progress)


@dataclass(frozen=True)
class _ByOracle:
    """A method whose regions the truth shall name, whatever the number of classes."""

    segmenter: Segmenter

    def scorer_on(self, dataset: Dataset) -> RegionScorer:
        return RegionScorer(self.segmenter, dataset, oracle=True)
