"""Scores of a network, or of anything that answers images, over a whole data set."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from rich.progress import Progress
from rich.table import Table

from zoo import tasks
from zoo.errors import InputError
from zoo.evaluation.predictor import Predictor, Procedure
from zoo.layers import answer
from zoo.metrics.confusion_matrix import BoundaryScores, ConfusionMatrix
from zoo.metrics.instances import ObjectScores
from zoo.tasks import Task
from zoo.training.prefetch import in_order, threads

if TYPE_CHECKING:
    from zoo.data import Dataset, Sample


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        model, dataset: their names.
        task: the task that was scored.
        images: how many.
        size: (H, W) that images were resized to for the network; None for each its own.
        matrix: the one confusion matrix that all scores but those of contours come from.
        ms_per_image: median milliseconds per image in the network alone, or in the whole call of a runner, whose
            first call is left out (nan when there was no other).
        procedure: how the network was asked; None for a runner, which asks itself.
        contours: how well contours are met, where that was asked for.
        objects: how well objects are told apart, where the data set has such (`Dataset.instances`).
    """

    model: str
    dataset: str
    task: Task
    images: int
    size: tuple[int, int] | None
    matrix: ConfusionMatrix
    ms_per_image: float
    procedure: Procedure | None = None
    contours: BoundaryScores | None = None
    objects: ObjectScores | None = None

    @property
    def scores(self) -> dict[str, float]:
        """The task's scores by name, 0–1, the headline first."""
        contours = {} if self.contours is None else {"boundary_f_score": self.contours.mean_f_score}
        return self.task.summary(self.matrix) | contours | ({} if self.objects is None else self.objects.scores)

    def rows(self) -> list[dict[str, Any]]:
        """One row a class: those of the matrix, and the contours' F-score where it was asked for."""
        rows = self.matrix.rows()
        if self.contours is not None:
            rows = [row | {"boundary_f_score": f} for row, f in zip(rows, self.contours.f_score.tolist(), strict=True)]
        return rows

    @property
    def headline(self) -> float:
        """The score that tells better from worse."""
        return self.scores[self.task.headline]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; scores that are nan become None."""
        rows = [{key: _json(value) for key, value in row.items()} for row in self.rows()]
        facts = {"model": self.model, "dataset": self.dataset, "task": self.task.name, "images": self.images}
        size = None if self.size is None else list(self.size)
        facts |= {"size": size, "procedure": None if self.procedure is None else str(self.procedure)}
        if self.contours is not None:
            facts["boundary_tolerance"] = self.contours.tolerance
        scores = {name: _json(value) for name, value in self.scores.items()}
        return {**facts, "scores": scores, "classes": rows, "ms_per_image": _json(self.ms_per_image)}

    def to_json(self, path: str | Path) -> Path:
        """Writes `to_dict` to a file and returns its path."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def to_csv(self, path: str | Path) -> Path:
        """Writes one row a class to a file and returns its path."""
        path, rows = Path(path), self.rows()
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return path

    def table(self) -> Table:
        """For a terminal: one row a class, the scores above."""
        title = " · ".join(f"{name.replace('_', ' ')} {_percent(value)}" for name, value in self.scores.items())
        pace = "" if np.isnan(self.ms_per_image) else f", {self.ms_per_image:.1f} ms each"
        how = "" if self.procedure is None else f", {self.procedure}"
        note = f"{self.model} on {self.dataset}: {self.images} images{pace}{how}"
        table = Table(title=title, caption=note)
        table.add_column("class")
        shown = {"iou": "IoU", "dice": "Dice", "precision": "precision", "recall": "recall", "boundary_f_score": "boundary F"}
        rows = self.rows()
        columns = [name for name in shown if name in rows[0]]
        for heading in (*(shown[name] for name in columns), "target pixels"):
            table.add_column(heading, justify="right")
        for row in rows:
            table.add_row(row["class"], *(_percent(row[name]) for name in columns), f"{row['pixels']:,}")
        return table


def evaluate(
    model: keras.Model | Callable[[np.ndarray], np.ndarray],
    dataset: Dataset,
    *,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    limit: int | None = None,
    procedure: Procedure | None = None,
    boundary: float | None = None,
    workers: int | None = None,
    progress: bool = True,
    seen: Callable[[Sample, np.ndarray], None] | None = None,
) -> Evaluation:
    """Scores a model over a data set: one confusion matrix, at each target's own resolution.

    Args:
        model: a Keras model of this zoo, or of others if it gives logits; or anything that takes one image, uint8
            H×W×3 RGB, and answers it (`edge.Runner`): a class map H×W, or probabilities (classes,).
        dataset: labelled samples; a network's scores are resized to each target's own size, bilinearly.
        size: (H, W) in pixels to resize images to, bilinearly, for a Keras model. By default the model's own fixed
            size, or else each image's.
        batch_size: images at once, for a Keras model; images of one size that follow each other go together.
        limit: how many samples at most, from the first.
        procedure: how a Keras model is asked: by default once, at a single scale; see `zoo.evaluation.predictor`.
        boundary: the tolerance for scores of contours, which take a while: pixels, or a share of the image's diagonal, of
            which 0.0075 is the usual one; None for no such scores. See `zoo.metrics.confusion_matrix.BoundaryScores`.
        workers: threads that read samples ahead, by default 1 on a CPU and up to 8 with an accelerator; `dataset` is asked
            by all of them at once.
        progress: whether to draw a progress bar.
        seen: called with each sample and its answer, class indices of the target's shape.

    Raises:
        InputError: the data set is empty, `size` contradicts the model, `workers` is no number of threads, the number of
            classes differs, or an answer does not fit its target.
    """
    count = len(dataset) if limit is None else min(limit, len(dataset))
    if count < 1 or batch_size < 1:
        raise InputError(f"{dataset.name}: {count} samples in batches of {batch_size}; at least one of each is needed")
    if isinstance(model, keras.Model):
        scorer: NetworkScorer | _CallableScorer = NetworkScorer(model, dataset, size, procedure=procedure)
    else:
        if size is not None or procedure is not None:
            raise InputError("size= and procedure= are for Keras models; a runner resizes images itself")
        own = getattr(model, "scorer_on", None)  # a classical method's: it has regions, and the data say what of
        scorer, batch_size = (_CallableScorer(model, dataset) if own is None else own(dataset)), 1
    contours = None if boundary is None else BoundaryScores(dataset.classes, dataset.ignore, boundary)
    objects = None if dataset.instances is None else ObjectScores(dataset.instances, dataset.ignore)
    return score(scorer, dataset, batch_size, count, workers, progress, contours, objects, seen)


def score(
    scorer: NetworkScorer | _CallableScorer,
    dataset: Dataset,
    batch_size: int,
    count: int | None = None,
    workers: int | None = None,
    progress: bool = False,
    contours: BoundaryScores | None = None,
    objects: ObjectScores | None = None,
    seen: Callable[[Sample, np.ndarray], None] | None = None,
) -> Evaluation:
    """The evaluation of the first `count` samples (all by default); `contours` and `objects` are filled along the way."""
    count = len(dataset) if count is None else count
    matrix = scorer.task.matrix(dataset.classes, dataset.ignore)
    times: list[float] = []
    with Progress(disable=not progress, transient=True) as bar:
        row = bar.add_task(f"evaluating on {dataset.name}", total=count)
        for samples in _batches(dataset, count, batch_size, threads(workers)):
            for sample, prediction in zip(samples, scorer.answers(samples, times), strict=True):
                for scores in filter(None, (matrix, contours, objects)):
                    _count(scores, sample, prediction)
                if seen is not None:
                    seen(sample, prediction)
            bar.advance(row, len(samples))
    ms = 1000 * float(np.median(times)) if times else float("nan")
    asked = (scorer.name, dataset.name, scorer.task, count, scorer.size)
    return Evaluation(*asked, matrix, ms, scorer.procedure, contours, objects)


class NetworkScorer:
    """Class indices from a Keras model, at the targets' resolution.

    Args:
        model: the model; `evaluate` says which.
        dataset: whose samples it will see.
        size: (H, W) or None; see `evaluate`.
        kind, task: what the output is, where it cannot be asked for because `model` stops before its `ModelOutput`.
        procedure: how the model is asked; see `evaluate`.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: Dataset,
        size: tuple[int, int] | None,
        kind: str | None = None,
        task: Task | None = None,
        procedure: Procedure | None = None,
    ) -> None:
        last = answer(model)
        self.name = model.name
        self.task = task or task_of(model, dataset)
        channels = len(last.labels) if last is not None and last.labels else model.outputs[0].shape[-1]
        check_fit(model, channels, dataset)
        self._asked = Predictor(model, size, procedure, kind)
        self.size, self.procedure = self._asked.size, self._asked.procedure
        self._seen: dict[tuple[int, ...], int] = {}  # what is fed in, (H, W) → images in the largest batch of it

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        """One class map (or index) a sample; the seconds per image go into `times`."""
        pictures = [sample.image for sample in samples]
        size = self.size or pictures[0].shape[:2]
        if self._seen.get(size, 0) < len(pictures):  # a first run traces and is no measure of time
            self._seen[size] = len(pictures)
            self._asked.ask(pictures)
        start = time.perf_counter()
        output = self._asked.ask(pictures)
        times.append((time.perf_counter() - start) / len(pictures))
        for sample, single in zip(samples, output, strict=True):
            yield self.task.decide(single[None], self._asked.kind, np.shape(sample.target))[0]


class _CallableScorer:
    """Class indices from anything that answers one image."""

    size = procedure = None

    def __init__(self, runner: Callable[[np.ndarray], np.ndarray], dataset: Dataset) -> None:
        if not callable(runner):
            raise InputError(f"{runner!r} cannot be evaluated; expected a keras.Model or a function of one image")
        self._runner, self._seen = runner, False
        self.name = getattr(runner, "name", None) or getattr(runner, "__name__", type(runner).__name__)
        self.task = tasks.get(dataset.task or "segmentation")

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        for sample in samples:
            start = time.perf_counter()
            prediction = self._runner(sample.image)
            if self._seen:
                times.append(time.perf_counter() - start)
            self._seen = True
            yield self.task.read(prediction)


def task_of(model: keras.Model, dataset: Any = None) -> Task:
    """The task of a model's `ModelOutput`, or else of the data set."""
    last = answer(model)
    return tasks.get(last.task if last is not None else getattr(dataset, "task", None) or "segmentation")


def check_fit(model: keras.Model, classes: int, dataset: Dataset) -> None:
    """Refuses a model that tells another number of classes apart than a data set has, or does not take its images.

    Raises:
        InputError: saying both numbers and how to build the model.
    """
    count = len(dataset.classes)
    if classes != count:
        raise InputError(
            f"{model.name} tells {classes} classes apart and {dataset.name} has {count}; build it with classes={count}"
        )
    if model.input_shape[-1] not in (3, None):
        raise InputError(
            f"{model.name} takes images of {model.input_shape[-1]} channels and {dataset.name} has RGB; "
            "build it with input_shape=(None, None, 3)"
        )


def _batches(dataset: Dataset, count: int, batch_size: int, workers: int) -> Iterator[list[Sample]]:
    """The first `count` samples in order, together as long as images and targets are of one shape."""
    held: list[Sample] = []
    for sample in in_order(dataset.__getitem__, count, workers):
        if held and (len(held) == batch_size or sample.image.shape != held[0].image.shape):
            yield held
            held = []
        held.append(sample)
    yield held


def _count(scores: ConfusionMatrix | BoundaryScores | ObjectScores, sample: Sample, prediction: np.ndarray) -> None:
    try:
        scores.update(sample.target, prediction)
    except InputError as error:
        raise InputError(f"{sample.name}: {error}") from error


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f}"
