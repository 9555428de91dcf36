"""Objects in a picture, and how boxes with masks in them become such: the coding "regions" of the kind `instances`.

A raw output is P×(4 + K + h·w): a box's edges as shares of the picture's sides and a share for each class, as the coding
"corners" of `zoo.outputs.box_codings`, and the log-odds of h·w places inside the box, row by row, that are the object's. An
`OutputSpec` says in its `options` (h, w), "mask", and (H, W) of the picture that the network saw, "picture".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.outputs.box_codings import candidates
from zoo.outputs.box_selection import select
from zoo.outputs.resize import bilinear
from zoo.outputs.spec import OutputSpec

_SIDES, _COLUMNS = 4, 6


@dataclass(frozen=True, eq=False)
class Instances:
    """Objects in a picture. `np.asarray` gives their numbers.

    Attributes:
        numbers: int32 H×W: 0 is the ground, k the pixels of object k.
        labels: int64 n, the classes of objects 1 … n.
        scores: float32 n, 0–1.
    """

    numbers: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numbers, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def areas(self) -> np.ndarray:
        """int64 n, pixels of each object."""
        return np.bincount(self.numbers.ravel(), minlength=len(self) + 1)[1 : len(self) + 1]

    def boxes(self) -> np.ndarray:
        """int64 n×4: x0, y0, x1, y1 around each object, where pixel i covers i to i + 1; zeros for one without a pixel."""
        result = np.zeros((len(self) + 1, 4), np.int64)
        result[:, :2] = max(self.numbers.shape)
        rows, columns = np.nonzero(self.numbers)
        which = self.numbers[rows, columns]
        for axis, places in ((1, rows), (0, columns)):
            np.minimum.at(result[:, axis], which, places)
            np.maximum.at(result[:, axis + 2], which, places + 1)
        result[result[:, 2] == 0] = 0
        return result[1:]

    def __getitem__(self, which: np.ndarray) -> Instances:
        """The objects of a bool array n, or of places in another order, numbered from 1 anew."""
        places = np.arange(len(self))[which]
        again = np.zeros(len(self) + 1, np.int32)
        again[places + 1] = np.arange(1, len(places) + 1)
        return Instances(again[self.numbers], self.labels[places], self.scores[places])


def by_regions(spec: OutputSpec) -> bool:
    """Whether the objects are told by boxes with masks."""
    return spec.options.get("coding") == "regions"


def picture_of(spec: OutputSpec) -> tuple[int, int]:
    """(H, W) of the picture that the network saw."""
    height, width = spec.options["picture"]
    return int(height), int(width)


def strange_regions(channels: int, spec: OutputSpec) -> str:
    """Why rows of so many numbers can't be regions, in words; empty where they can."""
    height, width = spec.options["mask"]
    expected = _SIDES + spec.classes + height * width
    return "" if channels == expected else f"{channels} numbers a region; {spec.classes} classes and masks have {expected}"


def laid(output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> Instances:
    """The objects of a raw output in a picture of `size` (H, W), the best on top.

    Raises:
        InputError: for rows of other numbers.
    """
    if reason := strange_regions(output.shape[-1], spec):
        raise InputError(f"{spec.name}: {reason}")
    ends = _SIDES + spec.classes
    boxes, scores = candidates(output[:, :ends], {**spec.options, "coding": "corners"})
    chosen = select(np.clip(boxes, 0.0, 1.0), scores, spec.options)
    rows = np.column_stack([chosen.boxes * ([size[1], size[0]] * 2), chosen.labels, chosen.scores])
    masks = np.asarray(output[chosen.rows, ends:], np.float32).reshape(-1, *spec.options["mask"])
    return pasted(rows, masks, size, threshold=0.0)  # of log-odds


def pasted(
    boxes: np.ndarray, masks: np.ndarray, size: tuple[int, int], threshold: float = 0.5, labels: np.ndarray | None = None
) -> Instances:
    """Masks of boxes, as a network of two stages gives them, as an answer: each stretched over its box, the best on top.

    Args:
        boxes: n×6: x0, y0, x1, y1 in pixels, class, score, as of the kind `boxes`.
        masks: float n×h×w, probabilities inside each box, or log-odds with a threshold of 0.
        size: (H, W) of the picture.
        threshold: from which a pixel is of the object.
        labels: classes, where not those of `boxes`.

    Raises:
        InputError: for another number of masks than of boxes.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
    if np.ndim(masks) != 3 or len(masks) != len(boxes):
        raise InputError(f"{len(boxes)} boxes and masks of shape {np.shape(masks)}; expected n×h×w, one a box")
    numbers = np.zeros(size, np.int32)
    for place in np.argsort(boxes[:, 5], kind="stable"):
        x0, y0, x1, y1 = np.clip(np.rint(boxes[place, :4]), 0, [size[1], size[0]] * 2).astype(int)
        if x1 > x0 and y1 > y0:
            inside = bilinear(np.asarray(masks[place], np.float32)[None, ..., None], (y1 - y0, x1 - x0))[0, ..., 0] >= threshold
            numbers[y0:y1, x0:x1][inside] = place + 1
    classes = boxes[:, 4].astype(np.int64) if labels is None else np.asarray(labels, np.int64)
    answer = Instances(numbers, classes, boxes[:, 5].astype(np.float32))
    return answer[answer.areas > 0]
