"""`zoo report`."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import (
    MODEL_HELP,
    Accelerator,
    Data,
    Size,
    default_size,
    meaning_of,
    open_model,
    open_predictor,
    parse_size,
    shipped_file,
)
from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from zoo.cli.report_page import Shown
    from zoo.data import Dataset, Sample


class Watched:
    """Keeps the best and the worst answers of an evaluation, by the mean IoU of the classes in target or answer.

    Args:
        dataset: that is evaluated.
        count: how many of each.
    """

    def __init__(self, dataset: Dataset, count: int) -> None:
        self._dataset, self._count = dataset, count
        self.best: list[Shown] = []
        self.worst: list[Shown] = []

    def __call__(self, sample: Sample, prediction: np.ndarray) -> None:
        from zoo.cli.report_page import Shown
        from zoo.metrics.confusion_matrix import ConfusionMatrix
        from zoo.outputs.palettes import colourise

        matrix = ConfusionMatrix(self._dataset.classes, self._dataset.ignore)
        matrix.update(sample.target, prediction)
        score = matrix.miou
        if math.isnan(score):  # all of it is ignored
            return
        entered = (not kept or len(kept) < self._count or sign * score < sign * kept[-1].score for sign, kept in self._lists)
        if not any(entered):
            return
        truth, answer = (colourise(classes, self._dataset.palette) for classes in (sample.target, prediction))
        shown = Shown(sample.name, score, sample.image, truth, answer)
        for sign, kept in self._lists:
            kept.append(shown)
            kept.sort(key=lambda one, sign=sign: sign * one.score)
            del kept[self._count :]

    @property
    def _lists(self) -> tuple[tuple[int, list[Shown]], ...]:
        return (-1, self.best), (1, self.worst)


def report(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    data: Data,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    size: Size = None,
    accelerator: Accelerator = "cpu",
    pictures: Annotated[int, typer.Option(min=1, help="How many of the best and of the worst pictures to show.")] = 4,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the page goes; report.html beside the model.")] = None,
) -> None:
    """Score a segmenter and leave a page to look at: scores, confusion matrix, curves of its run, best and worst pictures.

    Example: zoo report runs/camvid --data camvid:PATH
    """
    import zoo
    import zoo.data
    from zoo.cli.evaluate import check_labels
    from zoo.cli.report_page import page

    samples = zoo.data.open(data, split)
    if samples.task not in (None, "segmentation"):
        raise InputError(f"zoo report draws class maps, and {data} is for {samples.task}; use zoo evaluate")
    start_keras()
    file, pixels = shipped_file(model), parse_size(size)
    told: dict[str, Any] = {}
    if file.suffix == ".tflite":
        subject, meaning = open_predictor(file, accelerator, pixels)
    else:
        subject = open_model(model)
        meaning, told["size"] = meaning_of(subject), pixels or default_size(model)
    check_labels(meaning.labels, samples.classes, model, data)
    watched = Watched(samples, pictures)
    evaluation = zoo.evaluate(subject, samples, limit=limit, seen=watched, **told)
    rows, settings = _run(model)
    target = out or (model / "report.html" if model.is_dir() else Path(f"{model.name}.report.html"))
    text = page(model.name, evaluation, samples.palette, rows, settings, watched.best, watched.worst)
    target.write_text(text, encoding="utf-8")
    print(f"{evaluation.task.headline} {evaluation.headline.shown:.2f} %; the page is {target}")


def _run(path: Path) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """The epochs and the settings of a run's folder; nothing of anything else."""
    from zoo.training.checkpoints import Checkpoints

    log = path / "log.csv"
    if not log.is_file():
        return [], {}
    with log.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    state = Checkpoints(path).load()
    return rows, {} if state is None else dict(state.settings)
