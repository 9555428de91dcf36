"""The page that `zoo report` leaves: one HTML file that needs nothing beside it, on the disk or in the net."""

from __future__ import annotations

import base64
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

if TYPE_CHECKING:
    from zoo.evaluation.evaluate import Evaluation
    from zoo.metrics.confusion_matrix import ConfusionMatrix

LONGEST = 480  # pixels of a picture's longer side on the page
PLOT = (300, 170, 38, 8, 10, 22)  # width, height, left, right, top, bottom margins of a curve
SHOWN = {"iou": "IoU", "dice": "Dice", "precision": "precision", "recall": "recall", "boundary_f_score": "boundary F"}


class Shown(NamedTuple):
    """One picture with its truth and answer in colours (uint8 H×W×3 each), and its score, 0–1."""

    name: str
    score: float
    image: np.ndarray
    truth: np.ndarray
    answer: np.ndarray


def page(
    name: str,
    evaluation: Evaluation,
    palette: Sequence[Sequence[int]],
    rows: Sequence[Mapping[str, float]],
    settings: Mapping[str, Any],
    best: Sequence[Shown],
    worst: Sequence[Shown],
) -> str:
    """The page as text.

    Args:
        name: of the model.
        evaluation: of the whole split.
        palette: of the classes.
        rows: of the run, one dict an epoch; none where there was no run.
        settings: of the run, likewise.
        best, worst: pictures, the first of each the most so.
    """
    how = "" if evaluation.procedure is None else f", {evaluation.procedure}"
    pace = "" if math.isnan(evaluation.ms_per_image) else f", {evaluation.ms_per_image:.1f} ms each"
    asked = "their own size" if evaluation.procedure else "the file's size"
    size = asked if evaluation.size is None else "×".join(map(str, evaluation.size))
    columns = [name for name in SHOWN if name in evaluation.rows()[0]]
    matrix = evaluation.metrics[0].matrix
    headings = ("class", *(SHOWN[name] for name in columns), "target pixels")
    values = {
        "title": escape(f"{name} on {evaluation.dataset}"),
        "summary": escape(f"{evaluation.images} images at {size}{pace}{how}. One confusion matrix over all of them."),
        "scores": "".join(_score(name, value) for name, value in evaluation.scores.items()),
        "headings": "".join(f"<th>{escape(heading)}</th>" for heading in headings),
        "classes": "".join(_class(row, columns, colour) for row, colour in zip(evaluation.rows(), palette, strict=False)),
        "columns": "".join(f"<th>{escape(name)}</th>" for name in matrix.classes),
        "matrix": _matrix(matrix),
        "learnt": _learnt(rows, evaluation.task.headline),
        "worst": "".join(map(_picture, worst)),
        "best": "".join(map(_picture, best)),
        "settings": _settings(settings),
    }
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    return template.substitute(values)


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f}"


def _score(name: str, value: float) -> str:
    return f"<div><b>{_percent(value)}</b><span>{escape(_words(name))}, %</span></div>"


def _words(name: str) -> str:
    return name.replace("miou", "mean IoU").replace("iou", "IoU").replace("_", " ")


def _class(row: Mapping[str, Any], columns: Sequence[str], colour: Sequence[int]) -> str:
    numbers = "".join(f"<td>{_percent(row[name])}</td>" for name in columns)
    swatch = f'<i style="background:rgb({",".join(map(str, colour))})"></i>'
    return f"<tr><td>{swatch}{escape(row['class'])}</td>{numbers}<td>{row['pixels']:,}</td></tr>"


def _matrix(matrix: ConfusionMatrix) -> str:
    lines = []
    for name, shares in zip(matrix.classes, matrix.normalised(), strict=True):
        cells = []
        for other, share in zip(matrix.classes, shares, strict=True):
            known = 0.0 if math.isnan(share) else float(share)
            text = "" if known < 0.005 else f"{100 * known:.0f}"
            colour = f"rgb(31 111 139 / {known:.3f})"
            ink = "; color: #fff" if known > 0.6 else ""
            about = escape(f"{name} answered as {other}: {100 * known:.2f} %", quote=True)
            cells.append(f'<td style="background: {colour}{ink}" title="{about}">{text}</td>')
        lines.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>")
    return "".join(lines)


def _learnt(rows: Sequence[Mapping[str, float]], headline: str) -> str:
    names = [name for name in ("loss", f"val_{headline}", "learning_rate") if any(name in row for row in rows)]
    if not names:
        return ""
    seconds = sum(row.get("seconds", 0.0) for row in rows)
    told = f"<p>{len(rows)} epochs in {seconds / 60:.1f} minutes.</p>"
    curves = "".join(_curve(name, [(row["epoch"], row[name]) for row in rows if name in row]) for name in names)
    return f'<h2>How it learnt</h2>{told}<div class="curves">{curves}</div>'


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


def _picture(shown: Shown) -> str:
    caption = f"{escape(shown.name)}: {_percent(shown.score)} %"
    parts = (("picture", shown.image, "JPEG"), ("truth", shown.truth, "PNG"), ("answer", shown.answer, "PNG"))
    images = "".join(f'<img src="{_data(array, form)}" alt="{escape(shown.name)}: {what}">' for what, array, form in parts)
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
    return f"<details><summary>TrainingConfig of the run</summary>{inside}</details>" if lines else ""
