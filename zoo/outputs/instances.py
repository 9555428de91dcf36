"""Instances: objects side by side, told apart, each with its class, its score and its pixels.

An `OutputSpec` of instances says in its `options`

    coding      "outlines", of a map of ground, insides and outlines, by default; or "regions", of boxes with masks in them
                (`zoo.outputs.instance_regions`), which are chosen as `zoo.outputs.box_selection` says
    sure        of "outlines": the least probability of a pixel that an object grows from, 0.8 by default: where two insides run
                together, they are often less sure between the two
    least       likewise: pixels of the network's map that an object grows from at least, 8 by default
    threshold   the least score of an object, 0 by default; of "regions" 0.05
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.box_codings import exponential
from zoo.outputs.boxes import measures_of
from zoo.outputs.class_map import label_of
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.instance_regions import Instances, by_regions, laid, picture_of, strange_regions
from zoo.outputs.palettes import voc_palette
from zoo.outputs.run_lengths import encoded
from zoo.outputs.spec import OutputSpec
from zoo.outputs.watershed import connected_parts, enlarged, flooded

OTHERS = 2  # channels beside those of the classes' insides: the ground, which is the first, and the outline, the last
DEFAULTS = {"sure": 0.8, "least": 8, "threshold": 0.0}
_CONFIDENT, _SAME = 0.5, 0.75  # objects that a comparison looks for: their least score, and the overlap by which they are found
_MOST = 65535  # objects that a picture of 16 bits numbers
_MOST_NAMED = 6  # classes that a description names
_FILLED = 0.45  # share of an object's colour in what is drawn of it
_NEVER = np.float32(-1e30)  # what stands for scores that are no numbers


class InstancesOutput(Kind):
    """Objects side by side.

    A raw output is h×w×(K + 2): scores of the ground, of the inside of each of K classes, and of outlines, where objects touch.
    The connected parts of what is surely an inside are an object each, and so is an inside with no such pixel. A watershed
    grows them over insides and outlines: the likelier a pixel is an inside, the sooner it is reached. That is done on the
    network's own map, so that what touches does not depend on the picture's size, and the map of numbers is brought to that
    size.

    An answer is `Instances`. An object's score is the mean probability of its class where it grew from.

    By regions, as Mask R-CNN gives them, it is P×(4 + K + h·w), and each box that is chosen has its mask laid over it.
    """

    name = "instances"
    pixelwise = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> Instances:
        """The objects, numbered by their insides' first pixels, row by row.

        Raises:
            InputError: for an output of other channels.
        """
        return laid(output, spec, size) if by_regions(spec) else self._at(self._on_map(output, spec), size)

    def describe(self, answer: Instances, spec: OutputSpec) -> str:
        """How many of each class there are, the most numerous first, and how large they are."""
        if not len(answer):
            return "nothing found"
        classes, counts = np.unique(answer.labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        parts = [f"{counts[place]} {label_of(spec, int(classes[place]))}" for place in order]
        rest = len(parts) - _MOST_NAMED
        named = ", ".join(parts[:_MOST_NAMED]) + (f" and {rest} more kinds" if rest > 0 else "")
        return f"{named}, {np.median(answer.areas):.0f} pixels each in the middle"

    def draw(self, picture: np.ndarray, answer: Instances, spec: OutputSpec) -> np.ndarray:
        """Each object in a colour of its own over the picture, and its outline in full."""
        colours = colours_of(answer.numbers).astype(np.float32)
        share = np.where(edges_of(answer.numbers), 1.0, np.where(answer.numbers > 0, _FILLED, 0.0))[..., None]
        return np.rint(picture * (1 - share) + colours * share).astype(np.uint8)

    def write(self, answer: Instances, spec: OutputSpec, stem: Path) -> Path:
        """STEM_instances.png, the numbers in 16 bits; and STEM_instances.json, COCO's results with run lengths.

        Categories are numbered from 1 in the order of the labels, which the file names too.

        Raises:
            InputError: for more objects than 16 bits number.
        """
        from PIL import Image

        if len(answer) > _MOST:
            raise InputError(f"{len(answer)} objects; a picture of 16 bits numbers {_MOST}")
        path = stem.with_name(f"{stem.name}_instances.png")
        Image.fromarray(answer.numbers.astype(np.uint16)).save(path)
        results = coco_results(answer, spec, stem.name)
        path.with_suffix(".json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "matched_instances": the share of objects of a score from 0.5 on that the other side has too.

        An object is there if one of its class overlaps it by 0.75. Where none is that sure, the numbers speak alone; of
        regions as of the kind `boxes`.
        """
        matched = total = 0
        for one, other in zip(expected, got, strict=True):
            sure = self._on_map(one, spec)
            sure = sure[sure.scores >= _CONFIDENT]
            others = self._on_map(other, spec)
            shares = overlaps(sure.numbers, others.numbers, len(sure), len(others))
            alike = sure.labels[:, None] == others.labels[None]
            matched, total = matched + int(((shares > _SAME) & alike).any(axis=1).sum()), total + len(sure)
        measures = numeric(expected, got)
        if total:
            measures = measures_of(measures, {"matched_instances": matched / total}, spec, tolerance)
        return judged(spec.name, measures, tolerance, spec.classes, chosen_otherwise)

    def contradiction(self, output: np.ndarray, spec: OutputSpec) -> str:
        """There is a channel a class, and two more; by regions a box's edges and a mask."""
        return _strange_channels(output.shape[-1], spec)

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Probabilities, N×h×w×C.

        Raises:
            InputError: for regions.
        """
        if by_regions(spec):
            raise InputError("regions of several views or tiles of a picture are not put together; ask for it whole and once")
        return shares_of(output, spec)

    def pooled_spec(self, spec: OutputSpec) -> OutputSpec:
        """Probabilities stay such."""
        return replace(spec, activation="softmax")

    def _on_map(self, output: np.ndarray, spec: OutputSpec) -> Instances:
        """The answer at the size of the network's map, by regions of its picture."""
        if by_regions(spec):
            return laid(output, spec, picture_of(spec))
        if reason := _strange_channels(output.shape[-1], spec):
            raise InputError(f"{spec.name}: {reason}")
        output = np.asarray(output, np.float32)
        output = np.where(np.isfinite(output), output, _NEVER)
        last = output.shape[-1] - 1
        best = output.argmax(axis=-1)
        inside = np.where(best == last, 0, best)
        shares = np.take_along_axis(shares_of(output, spec), best[..., None], axis=-1)[..., 0]
        parts, count = _seeds(inside, shares >= option(spec, "sure"), int(option(spec, "least")))
        places = np.full(count + 1, parts.size)
        np.minimum.at(places, parts.ravel(), np.arange(parts.size))
        labels = inside.ravel()[places[1:]] - 1
        sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        scores = np.bincount(parts.ravel(), weights=shares.ravel(), minlength=count + 1)[1:] / np.maximum(sizes, 1)
        seeds = Instances(parts, labels, scores.astype(np.float32))
        seeds = seeds[seeds.scores >= np.float32(option(spec, "threshold"))]
        landscape = output[..., last] - output[..., 1:last].max(axis=-1)
        return replace(seeds, numbers=flooded(seeds.numbers, landscape, best > 0))

    @staticmethod
    def _at(answer: Instances, size: tuple[int, int]) -> Instances:
        """The answer at the picture's size; what has no pixel there is left out."""
        whole = replace(answer, numbers=enlarged(answer.numbers, size))
        return whole if (whole.areas > 0).all() else whole[whole.areas > 0]


def instance_output(
    labels: Sequence[str], palette: Sequence[Sequence[int]] = (), options: Mapping[str, Any] | None = None
) -> OutputSpec:
    """The spec of a network of ground, insides and outlines.

    Args:
        labels: one name a class of objects.
        palette: one (r, g, b) in 0–255 a class.
        options: as the module says.
    """
    colours = tuple(tuple(colour) for colour in palette or ())
    facts = {"labels": tuple(labels), "palette": colours, "options": dict(options or {})}
    return OutputSpec("instances", channels=len(labels) + OTHERS, **facts)


def shares_of(scores: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Scores …×C as probabilities, float64, to the last bit what the app computes."""
    scores = np.asarray(scores, np.float64)
    if spec.activation != "linear":
        return scores
    powers = exponential(scores - scores.max(axis=-1, keepdims=True))
    total = np.zeros(powers.shape[:-1])
    for channel in range(powers.shape[-1]):  # one after the other, as the app adds up
        total = total + powers[..., channel]
    return powers / total[..., None]


def _seeds(inside: np.ndarray, sure: np.ndarray, least: int) -> tuple[np.ndarray, int]:
    """What objects grow from, numbered by first pixels, and how many there are.

    Args:
        inside: int h×w, 0 or 1 + the class.
        sure: bool h×w.
        least: pixels that one has at least.
    """
    parts, count = connected_parts(np.where(sure, inside, 0))
    parts[np.bincount(parts.ravel(), minlength=count + 1)[parts] < least] = 0
    whole, insides = connected_parts(inside)
    taken = np.zeros(insides + 1, bool)
    taken[whole[parts > 0]] = taken[0] = True
    taken |= np.bincount(whole.ravel(), minlength=insides + 1) < least
    return connected_parts(np.where(parts > 0, inside, np.where(taken[whole], 0, inside)))


def option(spec: OutputSpec, name: str) -> float:
    """An option of the spec, or its default."""
    return float(spec.options.get(name, DEFAULTS[name]))


def overlaps(one: np.ndarray, other: np.ndarray, count: int, others: int) -> np.ndarray:
    """The intersection over union of the objects 1 … count of a map with 1 … others of another: float64 count×others."""
    shared = shared_pixels(one, other, count, others)
    sizes = [np.bincount(each.ravel(), minlength=most + 1)[1:] for each, most in ((one, count), (other, others))]
    union = sizes[0][:, None] + sizes[1][None] - shared
    return shared / np.maximum(union, 1)


def shared_pixels(one: np.ndarray, other: np.ndarray, count: int, others: int) -> np.ndarray:
    """How many pixels the objects 1 … count of a map have in common with 1 … others of another: int64 count×others."""
    pairs = one.astype(np.int64).ravel() * (others + 1) + other.ravel()
    table = np.bincount(pairs, minlength=(count + 1) * (others + 1)).reshape(count + 1, others + 1)
    return table[1:, 1:]


def edges_of(numbers: np.ndarray) -> np.ndarray:
    """Which pixels of objects have a neighbour over an edge that is of no object or of another: bool H×W."""
    around = np.pad(numbers, 1, mode="edge")
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    return (numbers > 0) & np.any([each != numbers for each in beside], axis=0)


def colours_of(numbers: np.ndarray) -> np.ndarray:
    """A colour for each object, uint8 H×W×3: those of PASCAL VOC's map but black, over and over; the ground is black."""
    table = np.array(voc_palette(), np.uint8)
    return table[np.where(numbers > 0, (numbers - 1) % (len(table) - 1) + 1, 0)]


def coco_results(answer: Instances, spec: OutputSpec, image: str | int) -> dict[str, Any]:
    """What COCO's tools read: "annotations" are a list of results as `pycocotools.coco.COCO.loadRes` takes it."""
    boxes = answer.boxes().tolist()
    rows = [
        {
            "image_id": image,
            "category_id": int(label) + 1,
            "score": round(float(score), 6),
            "area": int(area),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "segmentation": encoded(answer.numbers == number),
        }
        for number, (label, score, area, (x0, y0, x1, y1)) in enumerate(
            zip(answer.labels, answer.scores, answer.areas, boxes, strict=True), start=1
        )
    ]
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(spec.labels)]
    return {"categories": categories, "annotations": rows}


def _strange_channels(channels: int, spec: OutputSpec) -> str:
    if by_regions(spec):
        return strange_regions(channels, spec)
    if channels == spec.classes + OTHERS:
        return ""
    expected = spec.classes + OTHERS
    return f"{channels} channels; objects of {spec.classes} classes have {expected}, with the ground and the outline"
