"""Boxes: where things are and of what class, chosen from what a network says of every place it looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.outputs.base import OneView, judged
from zoo.outputs.box_codings import candidates
from zoo.outputs.box_selection import Selection, best, intersection_over_union, select
from zoo.outputs.class_map import label_of
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.palettes import voc_palette
from zoo.outputs.spec import OutputSpec

COLUMNS = 6  # of an answer: x0, y0, x1, y1, class, score
SHOWN = 0.3  # the least score of what is described and drawn
_LINE = 2  # pixels, of a drawn box
_MOST_NAMED = 6  # classes that a description names
_CONFIDENT, _SAME = 0.3, 0.75  # boxes that a comparison looks for: their least score, and the overlap by which they are found
_UNPLACED = ("corners", "regions")  # codings whose rows have no place of their own
_CLOSE = 0.05  # by which shares of scores may differ, that boxes are as good as equal


class BoxesOutput(OneView):
    """Boxes, each with a class and a score.

    A raw output is h×w×C or P×C, and what its numbers are says `OutputSpec.options`: by which coding they become boxes
    (`zoo.outputs.box_codings`), and how those are chosen (`zoo.outputs.box_selection`). So the points of an anchor-free
    network, anchors with offsets, YOLO's cells and the corners that a second stage gives are one kind.

    An answer is float32 n×6: x0, y0, x1, y1 in pixels of the picture, where pixel i covers i to i + 1; the class; the score.
    The best comes first.
    """

    name = "boxes"
    refusal = "boxes of several views or tiles of a picture are not put together; ask for the whole picture once"
    pixelwise, framed = False, True

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 n×6: of each box x0, y0, x1, y1 in pixels, class and score, the best first.

        Raises:
            InputError: for an output that the spec's options do not fit.
        """
        return answer(select(*_clipped(output, spec), spec.options), size)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """How many of each class there are of a score from `SHOWN` on, the most numerous first."""
        labels = answer[answer[:, 5] >= SHOWN, 4].astype(int)
        if not labels.size:
            return "nothing found"
        classes, counts = np.unique(labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        parts = [f"{counts[place]} {label_of(spec, int(classes[place]))}" for place in order]
        rest = len(parts) - _MOST_NAMED
        return ", ".join(parts[:_MOST_NAMED]) + (f" and {rest} more kinds" if rest > 0 else "")

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The boxes of a score from `SHOWN` on in their classes' colours, the best on top, with names and scores."""
        from PIL import Image, ImageDraw

        canvas = Image.fromarray(picture)
        pen = ImageDraw.Draw(canvas)
        for row in answer[answer[:, 5] >= SHOWN][::-1]:
            label, colour = int(row[4]), colour_of(spec, int(row[4]))
            x0, y0, x1, y1 = _frame(row[:4], picture.shape[:2])
            pen.rectangle((x0, y0, x1, y1), outline=colour, width=_LINE)
            text = f"{label_of(spec, label)} {100 * row[5]:.0f} %"
            box = pen.textbbox((x0 + _LINE + 1, y0 + _LINE), text)
            pen.rectangle((x0, y0, box[2] + 1, box[3] + 1), fill=colour)
            pen.text((x0 + _LINE + 1, y0 + _LINE), text, fill=(0, 0, 0) if sum(colour) > 380 else (255, 255, 255))
        return np.array(canvas)

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_boxes.csv, a box a line."""
        path = stem.with_name(f"{stem.name}_boxes.csv")
        quoted = [label_of(spec, int(row[4])).replace('"', '""') for row in answer]
        lines = [
            f'"{label}",{row[5]:.6g},' + ",".join(f"{edge:.2f}" for edge in row[:4])
            for label, row in zip(quoted, answer.tolist(), strict=True)
        ]
        path.write_text("\n".join(["class,score,x0,y0,x1,y1", *lines]) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "matched_boxes": the share of boxes of a score from 0.3 on that the other side has too.

        A box is there if one of its class overlaps it by 0.75, whatever its score. Where the expected side itself held a
        candidate there that was as good but for some hundredths, and was suppressed, the choice was a near tie and is not
        held against the other. Where no box is that sure, the numbers speak alone.

        Rows of a second stage come in the order of its proposals, which a rounding changes: where numbers are not the same row
        by row, boxes alone are judged, and where none is that sure those half as sure as the best or more.
        """
        matched = total = 0
        for one, other in zip(expected, got, strict=True):
            there, ties, count = _matched(one, other, spec)
            matched, total, chosen_otherwise = matched + there, total + count, chosen_otherwise + ties
        measures = numeric(expected, got)
        if total:
            found = {"matched_boxes": matched / total}
            measures = measures_of(measures, found, spec, tolerance)
        return judged(spec.name, measures, tolerance, spec.classes, chosen_otherwise)


def measures_of(
    numbers: Mapping[str, float], found: Mapping[str, float], spec: OutputSpec, tolerance: Tolerance
) -> dict[str, float]:
    """What to judge by, of numbers row by row and of what is found: of rows that have no place of their own the latter alone,
    where the former would not pass."""
    moves = spec.options.get("coding") in _UNPLACED and bool(tolerance.broken(numbers))
    bounded = {"relative", "largest", "cosine"} if moves else set()
    return {name: value for name, value in numbers.items() if name not in bounded} | dict(found)


def box_output(
    labels: Sequence[str], palette: Sequence[Sequence[int]] = (), options: Mapping[str, Any] | None = None
) -> OutputSpec:
    """The spec of a network of boxes; what its last layer says of the coding comes to it when the network is built.

    Args:
        labels: one name a class.
        palette: one (r, g, b) in 0–255 a class.
        options: as of `zoo.outputs.box_codings` and `zoo.outputs.box_selection`.
    """
    colours = tuple(tuple(colour) for colour in palette or ())
    facts = {"labels": tuple(labels), "palette": colours, "options": dict(options or {})}
    return OutputSpec("boxes", channels=len(labels), unit="px", **facts)


def answer(selection: Selection, size: tuple[int, int]) -> np.ndarray:
    """Chosen boxes, whose edges are shares of the sides, as float32 n×6 for a picture of `size` (H, W)."""
    edges = selection.boxes * np.array([size[1], size[0], size[1], size[0]], np.float64)
    columns = [edges, selection.labels[:, None], selection.scores[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32).reshape(-1, COLUMNS)


def colour_of(spec: OutputSpec, label: int) -> tuple[int, int, int]:
    """The colour that a class is drawn in; black, VOC's background, would not be seen."""
    colour = spec.palette[label] if label < len(spec.palette) else voc_palette()[label % 256]
    return colour if any(colour) else voc_palette()[(label + 1) % 256]


def _clipped(output: np.ndarray, spec: OutputSpec) -> tuple[np.ndarray, np.ndarray]:
    """The candidates, boxes P×4 within the picture and scores P×K."""
    boxes, scores = candidates(output, spec.options)
    return np.clip(boxes, 0.0, 1.0), scores


def _matched(expected: np.ndarray, got: np.ndarray, spec: OutputSpec) -> tuple[int, int, int]:
    """Of one picture: how many sure boxes the other side has too, how many of those by a near tie, and how many there are."""
    boxes, scores = _clipped(expected, spec)
    placed = spec.options.get("coding") not in _UNPLACED
    least = _CONFIDENT if placed else min(_CONFIDENT, float(scores.max(initial=0.0)) / 2)
    sure = select(boxes, scores, {**spec.options, "threshold": least})
    low = {**spec.options, "threshold": least / 2}
    before, others = best(boxes, scores, low), select(*_clipped(got, spec), low)
    there = ties = 0
    for place in range(len(sure)):
        alike = _near(sure, place, others, _SAME)
        if alike.any():
            there += 1
            continue
        rivals = before[_near(sure, place, before, 0.0) & (before.scores >= sure.scores[place] * (1 - _CLOSE))]
        if any(_near(rivals, rival, others, _SAME).any() for rival in range(len(rivals))):
            there, ties = there + 1, ties + 1
    return there, ties, len(sure)


def _near(selection: Selection, place: int, others: Selection, overlap: float) -> np.ndarray:
    """Which of the others are of the class of that box, and overlap it by more."""
    return (others.labels == selection.labels[place]) & (
        intersection_over_union(selection.boxes[place], others.boxes) > overlap
    )


def _frame(edges: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The outermost whole pixels of a box in a picture of that size (H, W)."""
    x0, y0 = (int(np.clip(np.floor(edge), 0, side - 1)) for edge, side in zip(edges[:2], size[::-1], strict=True))
    x1, y1 = (int(np.clip(np.ceil(edge) - 1, 0, side - 1)) for edge, side in zip(edges[2:], size[::-1], strict=True))
    return x0, y0, max(x0, x1), max(y0, y1)
