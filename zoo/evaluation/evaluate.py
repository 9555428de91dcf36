"""Evaluation: the scores of a network, or of anything that answers images, over a whole data set."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from zoo import tasks
from zoo.data.dataset import need_dataset
from zoo.errors import InputError
from zoo.evaluation.predictor import Output, Predictor, Procedure, TestTimeAugmentation, Tiling, procedure_text
from zoo.layers import assumed_spec, model_output, output_layers
from zoo.metrics import Metric, Score
from zoo.outputs import OutputSpec
from zoo.tasks import Task
from zoo.training import distribution
from zoo.training.foreign_models import ending_of
from zoo.training.prefetch import in_order, threads

if TYPE_CHECKING:
    from zoo.data import Dataset, Sample

CPU_PIXELS = 2**17  # of a batch on a CPU: with more, layers hand on what caches do not hold, and a picture takes a third longer
LEAST_TIMED = 5  # batches; of sizes that come when so many are timed, the first run is not repeated for the time's sake


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model over a data set.

    Attributes:
        model, dataset: their names.
        task: the task that was scored.
        images: how many.
        size: (H, W) that images were resized to for the network; None for each its own.
        metrics: what counted the answers, the one with the headline first.
        ms_per_image: median milliseconds per image in the network alone, or in the whole call of a runner, whose
            first call is left out (nan when there was no other).
        procedure: how the network was asked, in words; None for a runner, which asks itself.
    """

    model: str
    dataset: str
    task: Task
    images: int
    size: tuple[int, int] | None
    metrics: tuple[Metric, ...]
    ms_per_image: float
    procedure: str | None = None

    @property
    def results(self) -> list[Score]:
        """All scores, the headline first."""
        scores = [score for metric in self.metrics for score in metric.scores()]
        return sorted(scores, key=lambda score: score.name != self.task.headline)

    @property
    def scores(self) -> dict[str, float]:
        """The values of `results` by name."""
        return {score.name: score.value for score in self.results}

    @property
    def headline(self) -> Score:
        """The score that tells better from worse."""
        return self.results[0]

    def rows(self) -> list[dict[str, Any]]:
        """One row a part of the answer, as a class, with what each metric says of it; empty where there are no parts."""
        tables = [rows for rows in (metric.rows() for metric in self.metrics) if rows]
        return [{key: value for row in rows for key, value in row.items()} for rows in zip(*tables, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; scores that are nan become None."""
        rows = [{key: _json(value) for key, value in row.items()} for row in self.rows()]
        facts = {"model": self.model, "dataset": self.dataset, "task": self.task.name, "images": self.images}
        size = None if self.size is None else list(self.size)
        facts |= {"size": size, "procedure": self.procedure}
        for metric in self.metrics:
            facts |= metric.settings()
        scores = {name: _json(value) for name, value in self.scores.items()}
        results = [score.to_dict() for score in self.results]
        return {**facts, "scores": scores, "results": results, "classes": rows, "ms_per_image": _json(self.ms_per_image)}

    def to_json(self, path: str | Path) -> Path:
        """Writes `to_dict` to a file and returns its path."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def to_csv(self, path: str | Path) -> Path:
        """Writes one row a class, or where there are none one row a score, to a file and returns its path."""
        path, rows = Path(path), self.rows() or [score.to_dict() for score in self.results]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return path

    def table(self) -> Table:
        """For a terminal: one row a class, the scores above; where there are no classes, one row a score."""
        title = " · ".join(f"{score.name.replace('_', ' ')} {score.text.removesuffix(' %')}" for score in self.results)
        speed = "" if np.isnan(self.ms_per_image) else f", {self.ms_per_image:.1f} ms each"
        how = "" if self.procedure is None else f", {self.procedure}"
        note = f"{self.model} on {self.dataset}: {self.images} images{speed}{how}"
        table = Table(title=Text(title), caption=Text(note))  # Text is shown as it is: names may look like markup
        rows = self.rows() or [{"score": score.name.replace("_", " "), "value": score.text} for score in self.results]
        for column in rows[0]:
            table.add_column(Text(COLUMNS.get(column, column)), justify="left" if column in ("class", "score") else "right")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        return table


_CHANNELS = {1: "grey", 3: "RGB", 4: "RGB and a fourth channel", 6: "two frames in RGB"}
# How columns are headed for people, where their own name does not do.
COLUMNS = {"iou": "IoU", "dice": "Dice", "boundary_f_score": "boundary F", "pixels": "target pixels"}


def _cell(value: Any) -> Text:
    """A table's cell: shares as per cent, counts with their thousands apart, words as they are."""
    if isinstance(value, float):
        return Text("–" if np.isnan(value) else f"{100 * value:.1f}")
    return Text(f"{value:,}" if isinstance(value, int) else str(value))


def evaluate(
    model: keras.Model | Callable[[np.ndarray], np.ndarray],
    dataset: Dataset,
    *,
    size: tuple[int, int] | None = None,
    batch_size: int = 8,
    limit: int | None = None,
    tta: TestTimeAugmentation | None = None,
    tiling: Tiling | None = None,
    procedure: Procedure | None = None,
    boundary: float | None = None,
    workers: int | None = None,
    progress: bool = True,
    seen: Callable[[Sample, Output], None] | None = None,
) -> Evaluation:
    """Scores a model over a data set, by the task's metrics, at each target's own resolution.

    Args:
        model: a Keras model of this zoo, or of others, whose output is then taken for the default one of the data set's task;
            or anything that takes one image, uint8 H×W×C, or what the task makes of it (`Task.asked`), and answers it as the
            output's kind decodes it (`edge.Runner`).
        dataset: labelled samples; a network's output is decoded at each picture's own size.
        size: (H, W) in pixels to resize images to, bilinearly, for a Keras model. By default the model's own fixed
            size, or else each image's.
        batch_size: images at once, at most, for a Keras model; images of one size that follow each other go together, on a
            CPU as many of them as it is fastest with.
        limit: how many samples at most, from the first.
        tta: views of a picture that a Keras model's answer is averaged over; by default the picture once.
        tiling: tiles that a Keras model sees large pictures in; by default it sees them whole.
        procedure: both of them, as 0.1 had it; until 0.3.
        boundary: the tolerance for scores of contours, which take a while: pixels, or a share of the image's diagonal, of
            which 0.0075 is the usual one; None for no such scores. See `zoo.metrics.confusion_matrix.BoundaryScores`.
        workers: threads that read samples ahead, by default 1 on a CPU and up to 8 with an accelerator; `dataset` is asked
            by all of them at once. Answers are counted in one more.
        progress: whether to draw a progress bar.
        seen: called with each sample and its answer, decoded; of several outputs a dict by name.

    Raises:
        InputError: the data set is empty, `size` contradicts the model, `workers` is no number of threads, the output is no
            answer to the data set's questions, or an answer does not fit its target.
    """
    need_dataset(dataset, "dataset")
    count = len(dataset) if limit is None else min(limit, len(dataset))
    if count < 1 or batch_size < 1:
        raise InputError(f"{dataset.name}: {count} samples in batches of {batch_size}; at least one of each is needed")
    if isinstance(model, keras.Model):
        if procedure is not None:
            tta, tiling = tta or procedure.tta, tiling or procedure.tiling
        scorer: NetworkScorer | _CallableScorer = NetworkScorer(model, dataset, size, tta=tta, tiling=tiling)
    else:
        if any(setting is not None for setting in (size, tta, tiling, procedure)):
            raise InputError("size=, tta= and tiling= are for Keras models; a runner resizes images itself")
        own = getattr(model, "scorer_on", None)  # a classical method's: it has regions, and the data say what of
        scorer, batch_size = (_CallableScorer(model, dataset) if own is None else own(dataset)), 1
    metrics = scorer.task.metrics(dataset, boundary=boundary)
    return score(scorer, dataset, batch_size, count, workers, progress, metrics, seen)


def score(
    scorer: NetworkScorer | _CallableScorer,
    dataset: Dataset,
    batch_size: int,
    count: int | None = None,
    workers: int | None = None,
    progress: bool = False,
    metrics: Sequence[Metric] | None = None,
    seen: Callable[[Sample, Output], None] | None = None,
) -> Evaluation:
    """The evaluation of the first `count` samples (all by default) by these metrics, by default the task's."""
    count = len(dataset) if count is None else count
    metrics = scorer.task.metrics(dataset) if metrics is None else metrics
    times: list[float] = []
    columns = (TextColumn("{task.description}", markup=False), *Progress.get_default_columns()[1:])
    with Progress(*columns, disable=not progress, transient=True) as bar, ThreadPoolExecutor(1, "counting") as counter:
        row = bar.add_task(f"evaluating on {dataset.name}", total=count)
        counting = counter.submit(lambda: None)
        for samples in _batches(dataset, count, batch_size, scorer.size, threads(workers)):
            for sample, answer in zip(samples, scorer.answers(samples, times), strict=True):
                counting.result()  # of the answer before, which is counted while the network works on this one
                counting = counter.submit(_count, metrics, sample, answer)
                if seen is not None:
                    counting.result()
                    seen(sample, answer)
            bar.advance(row, len(samples))
        counting.result()
    ms = 1000 * float(np.median(times)) if times else float("nan")
    return Evaluation(
        scorer.name, dataset.name, scorer.task, count, scorer.size, tuple(metrics), ms, scorer.procedure
    )


class NetworkScorer:
    """Answers of a Keras model, at the targets' resolution.

    Args:
        model: the model; `evaluate` says which.
        dataset: whose samples it will see.
        size: (H, W) or None; see `evaluate`.
        specs, task: what the outputs are, where they cannot be asked for because `model` stops before its `ModelOutput`.
        tta, tiling: how the model is asked; see `evaluate`.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: Dataset,
        size: tuple[int, int] | None,
        specs: Mapping[str, OutputSpec] | None = None,
        task: Task | None = None,
        tta: TestTimeAugmentation | None = None,
        tiling: Tiling | None = None,
    ) -> None:
        if not getattr(model, "inputs", None):
            raise InputError(
                f"{model.name} says nothing of its inputs; expected a functional model, or a Sequential after keras.Input"
            )
        self.name = model.name
        self.task = task or task_of(model, dataset)
        if specs is None and model_output(model) is None:
            specs = _answered_specs(model, self.task)
        self._predictor = Predictor(model, size, tta, tiling, specs)
        check_fit(model, self._predictor.specs, dataset, self.task)
        self.size, self.procedure = self._predictor.size, procedure_text(self._predictor.tta, tiling)
        self._seen: dict[tuple[int, ...], int] = {}  # what is fed in, (H, W) → images in the largest batch of it

    def answers(self, samples: list[Sample], times: list[float]) -> list[Output]:
        """One answer a sample, decoded; the seconds per image go into `times`."""
        pictures = [sample.image for sample in samples]
        size = self.size or pictures[0].shape[:2]
        first = self._seen.get(size, 0) < len(pictures)
        if first:  # it traces and is no measure of time
            self._seen[size] = len(pictures)
            output = self._predictor.predict(pictures)
        if not first or len(times) < LEAST_TIMED:
            start = time.perf_counter()
            output = self._predictor.predict(pictures)
            times.append((time.perf_counter() - start) / len(pictures))
        return self._predictor.decoded(output, [picture.shape[:2] for picture in pictures])


class _CallableScorer:
    """Answers of anything that answers one image."""

    size = procedure = None

    def __init__(self, runner: Callable[[np.ndarray], np.ndarray], dataset: Dataset) -> None:
        if not callable(runner):
            raise InputError(f"{runner!r} cannot be evaluated; expected a keras.Model or a function of one image")
        self._runner, self._seen = runner, False
        self.name = getattr(runner, "name", None) or getattr(runner, "__name__", type(runner).__name__)
        self.task = task_of_data(dataset)

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[Output]:
        for sample in samples:
            start = time.perf_counter()
            prediction = self._runner(self.task.asked(sample.image))
            if self._seen:
                times.append(time.perf_counter() - start)
            self._seen = True
            yield prediction


def task_of_data(dataset: Dataset) -> Task:
    """The task that a data set says, or else the one that learns from such targets."""
    return tasks.of_target(dataset.target) if dataset.task is None else tasks.get(dataset.task)


def task_of(model: keras.Model, dataset: Any = None) -> Task:
    """The task of a model's `ModelOutput`, or else of the data set, or else the one of such logits."""
    last = model_output(model)
    if last is not None:
        return tasks.get(last.task)
    return tasks.of_output(model.outputs[0].shape, assumed_spec(model).kind) if dataset is None else task_of_data(dataset)


def trained_specs(model: keras.Model, task: Task) -> dict[str, OutputSpec]:
    """The specs of a model's outputs before their activations, by name; of a model of others the task's default output."""
    specs = {layer.spec.name: layer.trained_on for layer in output_layers(model)}
    if specs:
        return specs
    spec = task.assumed_spec(model.outputs[0].shape)
    return {spec.name: spec}


def _answered_specs(model: keras.Model, task: Task) -> dict[str, OutputSpec]:
    """The specs of what a model of others gives: `trained_specs`, and the softmax or sigmoid that it ends in."""
    specs, ending = trained_specs(model, task), ending_of(model)
    if ending is None or not task.squashes:
        return specs
    return {name: replace(spec, activation=ending.activation) for name, spec in specs.items()}


def check_fit(model: keras.Model, specs: Mapping[str, OutputSpec], dataset: Dataset, task: Task) -> None:
    """Refuses a model whose answers are no answers to a data set's questions, or that does not take its images.

    Raises:
        InputError: saying what both have and how to build the model.
    """
    for spec in specs.values():
        task.check_fit(model.name, spec, dataset)
    channels = task.channels(dataset)
    if model.input_shape[-1] not in (channels, None):
        pictures = _CHANNELS.get(channels, channels)
        raise InputError(
            f"{model.name} takes images of {model.input_shape[-1]} channels and {dataset.name} has {pictures}; "
            f"build it with input_shape=(None, None, {channels}){_otherwise(dataset, model.input_shape[-1])}"
        )


def _otherwise(dataset: Dataset, channels: int) -> str:
    """How the pictures may be read as a model wants them, where they can."""
    try:
        dataset.read_as(channels=channels)
    except (AttributeError, InputError):
        return ""
    return f", or read the pictures as it takes them: PATH,channels={channels}"


def _batches(
    dataset: Dataset, count: int, batch_size: int, size: tuple[int, int] | None, workers: int
) -> Iterator[list[Sample]]:
    """The first `count` samples in order, together as long as images and targets are of one shape, and not too many at once.

    `size` is what images are resized to for the network, None for their own.
    """
    on_cpu = distribution.on_cpu()
    batch: list[Sample] = []
    for sample in in_order(dataset.__getitem__, count, workers):
        height, width = size or sample.image.shape[:2]
        most = min(batch_size, max(1, CPU_PIXELS // (height * width))) if on_cpu else batch_size
        if batch and (len(batch) >= most or sample.image.shape != batch[0].image.shape):
            yield batch
            batch = []
        batch.append(sample)
    yield batch


def _count(metrics: Sequence[Metric], sample: Sample, answer: Output) -> None:
    try:
        for metric in metrics:
            metric.update(sample.target, answer)
    except InputError as error:
        raise InputError(f"{sample.name}: {error}") from error


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value
