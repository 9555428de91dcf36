"""Report: one HTML page of an evaluation that needs nothing beside it, on the disk or in the net, whatever the task."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from zoo import outputs
from zoo.data.image_files import as_rgb
from zoo.evaluation.evaluate import COLUMNS, Evaluation
from zoo.metrics.base import SHARE, Grid, Score
from zoo.outputs import OutputSpec
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.data import Dataset, Sample
    from zoo.evaluation.predictor import Output

LONGEST = 480  # pixels of a picture's longer side on the page
PLOT = (300, 170, 38, 8, 10, 22)  # width, height, left, right, top, bottom margins of a curve


class Example(NamedTuple):
    """One picture with its truth and its answer drawn (uint8 H×W×3 each), and its score."""

    name: str
    score: Score
    image: np.ndarray
    truth: np.ndarray
    answer: np.ndarray


class Extremes:
    """The best and the worst answers of an evaluation, by the task's headline score of each picture alone.

    Args:
        dataset: that is evaluated.
        task: that it is evaluated for.
        spec: of the answers, whose kind draws them.
        count: how many of each to keep.
    """

    def __init__(self, dataset: Dataset, task: Task, spec: OutputSpec, count: int) -> None:
        self._dataset, self._task, self._spec, self._count = dataset, task, spec, count
        self.best: list[Example] = []
        self.worst: list[Example] = []

    def __call__(self, sample: Sample, answer: Output) -> None:
        """Looks at one more answer, as `zoo.evaluate(seen=)` passes them."""
        metric = self._task.metrics(self._dataset)[0]
        metric.update(sample.target, answer)
        score = next(score for score in metric.scores() if score.name == self._task.headline)
        if math.isnan(score.value):  # all of it is ignored
            return
        if any(self._enters(score, examples, best) for examples, best in self._lists):
            example = self._drawn(sample, answer, score)
            for examples, best in self._lists:
                examples.append(example)
                upwards = best != score.higher_is_better
                examples.sort(key=lambda one: one.score.value, reverse=not upwards)
                del examples[self._count :]

    @property
    def _lists(self) -> tuple[tuple[list[Example], bool], ...]:
        return (self.best, True), (self.worst, False)

    def _enters(self, score: Score, examples: list[Example], best: bool) -> bool:
        if len(examples) < self._count:
            return True
        last = examples[-1].score
        return score.better_than(last.value) if best else last.better_than(score.value)

    def _drawn(self, sample: Sample, answer: Output, score: Score) -> Example:
        kind, picture = outputs.kind(self._spec), as_rgb(sample.image)
        truth = self._task.target_as_answer(sample.target, self._spec)
        drawn = (kind.draw(picture, values, self._spec) for values in (truth, answer))
        return Example(sample.name, score, picture, *drawn)


def run_of(path: Path) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """The epochs and the settings of a run's folder; nothing of anything else."""
    from zoo.training.checkpoints import Checkpoints

    log = path / "log.csv"
    if not log.is_file():
        return [], {}
    with log.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    state = Checkpoints(path).load()
    return rows, {} if state is None else dict(state.settings)


def page(
    name: str,
    evaluation: Evaluation,
    palette: Sequence[Sequence[int]],
    rows: Sequence[Mapping[str, float]],
    settings: Mapping[str, Any],
    extremes: Extremes,
) -> str:
    """The page as text.

    Args:
        name: of the model.
        evaluation: of the whole split.
        palette: of the rows of its tables, where they have colours.
        rows: of the run, one dict an epoch; none where there was no run.
        settings: of the run, likewise.
        extremes: the best and the worst pictures, the first of each the most so.
    """
    how = "" if evaluation.procedure is None else f", {evaluation.procedure}"
    speed = "" if math.isnan(evaluation.ms_per_image) else f", {evaluation.ms_per_image:.1f} ms each"
    own = "their own size" if evaluation.procedure else "the file's size"
    size = own if evaluation.size is None else "×".join(map(str, evaluation.size))
    values = {
        "title": escape(f"{name} on {evaluation.dataset}"),
        "summary": escape(f"{evaluation.images} images at {size}{speed}{how}."),
        "scores": "".join(map(_score, evaluation.results)),
        "parts": _parts(evaluation.rows(), palette),
        "grids": "".join(_grid(grid) for metric in evaluation.metrics for grid in metric.grids()),
        "learnt": _learnt(rows, evaluation.task.headline),
        "headline": escape(_words(evaluation.task.headline)),
        "worst": "".join(map(_example, extremes.worst)),
        "best": "".join(map(_example, extremes.best)),
        "settings": _settings(settings),
    }
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    return template.substitute(values)


def _score(score: Score) -> str:
    number, unit = _number(score)
    return f"<div><b>{number}</b><span>{escape(_words(score.name))}{escape(unit and f', {unit}')}</span></div>"


def _number(score: Score) -> tuple[str, str]:
    """The value as text, and its unit."""
    unit = "%" if score.unit == SHARE else score.unit
    if math.isnan(score.value):
        return "–", unit
    return (_percent(score.value) if score.unit == SHARE else f"{score.value:.4g}"), unit


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f}"


def _words(name: str) -> str:
    return name.replace("miou", "mean IoU").replace("iou", "IoU").replace("_", " ")


def _parts(rows: Sequence[Mapping[str, Any]], palette: Sequence[Sequence[int]]) -> str:
    """The table of the answer's parts, as classes; nothing where there are none."""
    if not rows:
        return ""
    headings = "".join(f"<th>{escape(COLUMNS.get(name, name))}</th>" for name in rows[0])
    colours = [*palette, *[None] * len(rows)]
    lines = "".join(_part(row, colour) for row, colour in zip(rows, colours, strict=False))
    table = f'<table class="classes"><thead><tr>{headings}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<h2>Class by class</h2><div class="scroll">{table}</div>'


def _part(row: Mapping[str, Any], colour: Sequence[int] | None) -> str:
    swatch = "" if colour is None else f'<i style="background:rgb({",".join(map(str, colour))})"></i>'
    texts = [_cell(value) for value in row.values()]
    return f"<tr><td>{swatch}{texts[0]}</td>{''.join(f'<td>{text}</td>' for text in texts[1:])}</tr>"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return _percent(value)
    return escape(f"{value:,}" if isinstance(value, int) else str(value))


def _grid(grid: Grid) -> str:
    """A table of shares, the darker the more."""
    columns = "".join(f"<th>{escape(label)}</th>" for label in grid.labels)
    lines = "".join(_grid_row(grid, *each) for each in zip(grid.labels, grid.shares, strict=True))
    table = f'<table class="matrix"><thead><tr><td></td>{columns}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<h2>{escape(grid.title)}</h2><p>{escape(grid.note)}</p><div class="scroll">{table}</div>'


def _grid_row(grid: Grid, row: str, shares: np.ndarray) -> str:
    cells = []
    for column, share in zip(grid.labels, shares, strict=True):
        value = 0.0 if math.isnan(share) else float(share)
        text = "" if value < 0.005 else f"{100 * value:.0f}"
        colour = f"rgb(31 111 139 / {value:.3f})"
        ink = "; color: #fff" if value > 0.6 else ""
        about = escape(f"{grid.relation.format(row=row, column=column)}: {100 * value:.2f} %", quote=True)
        cells.append(f'<td style="background: {colour}{ink}" title="{about}">{text}</td>')
    return f"<tr><th>{escape(row)}</th>{''.join(cells)}</tr>"


def _learnt(rows: Sequence[Mapping[str, float]], headline: str) -> str:
    names = [name for name in ("loss", f"val_{headline}", "learning_rate") if any(name in row for row in rows)]
    if not names:
        return ""
    seconds = sum(row.get("seconds", 0.0) for row in rows)
    summary = f"<p>{len(rows)} epochs in {seconds / 60:.1f} minutes.</p>"
    curves = "".join(_curve(name, [(row["epoch"], row[name]) for row in rows if name in row]) for name in names)
    return f'<h2>How it learnt</h2>{summary}<div class="curves">{curves}</div>'


def _curve(name: str, points: Sequence[tuple[float, float]]) -> str:
    """A curve as SVG: epochs to the right, from the least to the greatest value upwards."""
    width, height, left, right, top, bottom = PLOT
    across, up = ([point[axis] for point in points if math.isfinite(point[1])] for axis in (0, 1))
    if not up:
        return ""
    low, high = min(up), max(up)
    least, most = min(across), max(across)

    def place(epoch: float, value: float) -> tuple[float, float]:
        x = left + (epoch - least) / (most - least or 1) * (width - left - right)
        return x, height - bottom - (value - low) / (high - low or 1) * (height - top - bottom)

    places = [place(*point) for point in zip(across, up, strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in places) if len(places) < 40 else ""
    texts = [(left - 4, height - bottom, "end", low), (left - 4, top + 8, "end", high)]
    ticks = "".join(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{value:.3g}</text>' for x, y, anchor, value in texts)
    ends = f'<text x="{left}" y="{height - 6}">{least:g}</text>'
    ends += f'<text x="{width - right}" y="{height - 6}" text-anchor="end">epoch {most:g}</text>'
    axes = f'<path class="axis" fill="none" d="M{left} {top}V{height - bottom}H{width - right}"/>'
    drawn = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(_words(name), quote=True)}">'
    drawn += f'{axes}{ticks}{ends}<polyline points="{line}"/>{dots}</svg>'
    title = _words(name.removeprefix("val_")) + (", validation" if name.startswith("val_") else "")
    return f"<figure style='margin:0'><figcaption>{escape(title)}</figcaption>{drawn}</figure>"


def _example(example: Example) -> str:
    number, unit = _number(example.score)
    caption = f"{escape(example.name)}: {number} {escape(unit)}".rstrip()
    parts = (("picture", example.image, "JPEG"), ("truth", example.truth, "PNG"), ("answer", example.answer, "PNG"))
    images = "".join(f'<img src="{_data(array, form)}" alt="{escape(example.name)}: {what}">' for what, array, form in parts)
    return f'<figure class="picture"><figcaption>{caption}</figcaption>{images}</figure>'


def _data(array: np.ndarray, form: str) -> str:
    picture, file = Image.fromarray(array), io.BytesIO()
    if form == "JPEG":
        picture.thumbnail((LONGEST, LONGEST))
        picture.save(file, "JPEG", quality=85)
    else:
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.NEAREST)
        picture.quantize(256).save(file, "PNG", optimize=True)
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def _settings(settings: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<tr><td>{escape(str(name))}</td><td>{escape(json.dumps(value, ensure_ascii=False))}</td></tr>"
        for name, value in settings.items()
        if value is not None
    )
    inside = f'<table class="settings"><tbody>{lines}</tbody></table>'
    return f"<details><summary>Settings of the run</summary>{inside}</details>" if lines else ""
