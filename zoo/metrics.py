"""Scores from one confusion matrix over a whole data set, in float64, with an ignore label.

>>> matrix = ConfusionMatrix(("background", "cat"), ignore=255)
>>> matrix.update(np.array([[0, 1, 255]]), np.array([[0, 0, 1]]))
>>> matrix.pixel_accuracy
0.5

Conventions, which decide the last digits of a published figure:

* One matrix is summed over all images before anything is divided: a mean over images or batches is another number.
* A pixel whose target is the ignore label counts nowhere, whatever was predicted there.
* A class in neither targets nor predictions has no score: it is nan per class and left out of every mean. A class that
  is predicted but never in a target has IoU 0 and is in the mean; so does scikit-learn's `jaccard_score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError

__all__ = ["ConfusionMatrix"]


class ConfusionMatrix:
    """Counts of (target class, predicted class) pairs, int64, filled batch by batch.

    Args:
        classes: how many classes, or their names in order.
        ignore: the target value that is not scored, or None. It may lie inside or outside of 0..classes-1.

    Attributes:
        counts: int64 classes×classes; row = target, column = prediction.
        classes: the names, as a tuple.
    """

    def __init__(self, classes: int | Sequence[str], ignore: int | None = None) -> None:
        names = tuple(f"class {i}" for i in range(classes)) if isinstance(classes, int) else tuple(map(str, classes))
        if not names:
            raise InputError("a confusion matrix needs at least one class; 0 were given")
        self.classes: tuple[str, ...] = names
        self.ignore = ignore
        self.counts = np.zeros((len(names), len(names)), np.int64)

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Counts one batch: integer arrays of the same shape (any), class indices 0..classes-1.

        Raises:
            InputError: shapes differ, values are not integers, or a counted pixel has a class out of range.
        """
        target, prediction = np.asarray(target), np.asarray(prediction)
        if target.shape != prediction.shape:
            raise InputError(
                f"targets are {_times(target.shape)} and predictions {_times(prediction.shape)}; "
                "they must have one shape: resize predictions to the mask first"
            )
        for what, array in (("targets", target), ("predictions", prediction)):
            if array.dtype.kind not in "iub":
                raise InputError(
                    f"{what} are {array.dtype}; class indices (integers) are expected: take the argmax first"
                )
        target, prediction = target.ravel(), prediction.ravel()
        if self.ignore is not None:
            valid = target != self.ignore
            target, prediction = target[valid], prediction[valid]
        if not target.size:
            return
        count = len(self.classes)
        for what, array in (("target", target), ("prediction", prediction)):
            low, high = int(array.min()), int(array.max())
            if low < 0 or high >= count:
                raise InputError(
                    f"a {what} holds class {low if low < 0 else high}; classes are 0..{count - 1}"
                    + (f" and {self.ignore} is ignored" if self.ignore is not None else " and nothing is ignored")
                )
        pairs = target.astype(np.int64) * count + prediction
        self.counts += np.bincount(pairs, minlength=count * count).reshape(count, count)

    def merge(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Adds another matrix's counts to this one (parts of a data set scored apart) and returns this one."""
        if other.classes != self.classes:
            raise InputError(f"cannot merge a matrix over {other.classes} into one over {self.classes}")
        self.counts += other.counts
        return self

    @property
    def pixels(self) -> int:
        """How many pixels have been counted."""
        return int(self.counts.sum())

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union (Jaccard) of each class, float64, 0–1; nan for an empty class."""
        return _ratio(self._hits, self._targets + self._predictions - self._hits)

    @property
    def dice(self) -> np.ndarray:
        """2·intersection / (target + prediction) of each class (= F1), float64, 0–1; nan for an empty class."""
        return _ratio(2 * self._hits, self._targets + self._predictions)

    @property
    def recall(self) -> np.ndarray:
        """Share of each target class that was found, float64, 0–1; nan for a class that is in no target."""
        return _ratio(self._hits, self._targets)

    @property
    def precision(self) -> np.ndarray:
        """Share of each predicted class that was right, float64, 0–1; nan for a class that was never predicted."""
        return _ratio(self._hits, self._predictions)

    @property
    def miou(self) -> float:
        """Mean of `iou` over the classes that are not empty; nan when all are."""
        return _mean(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean of `dice` over the classes that are not empty; nan when all are."""
        return _mean(self.dice)

    @property
    def pixel_accuracy(self) -> float:
        """Share of pixels whose class is right, 0–1; nan when nothing was counted."""
        return float(_ratio(self._hits.sum(), self.counts.sum()))

    @property
    def mean_accuracy(self) -> float:
        """Mean of `recall` over the classes that are in a target ("class average" in CamVid's papers)."""
        return _mean(self.recall)

    @property
    def frequency_weighted_iou(self) -> float:
        """`iou` weighted by how often each class is in the targets (FCN, Long et al. 2015, section 5)."""
        present = self._targets > 0
        if not present.any():
            return float("nan")
        return float((self.iou[present] * self._targets[present]).sum() / self._targets.sum())

    def normalised(self) -> np.ndarray:
        """Each row divided by its sum, float64: where a class's pixels go. A class in no target is a row of nan."""
        return _ratio(self.counts.astype(np.float64), self._targets[:, None])

    def summary(self) -> dict[str, float]:
        """The single-number scores by name, the headline first."""
        return {
            "miou": self.miou,
            "pixel_accuracy": self.pixel_accuracy,
            "mean_accuracy": self.mean_accuracy,
            "frequency_weighted_iou": self.frequency_weighted_iou,
            "mean_dice": self.mean_dice,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row a class, for a table: class, iou, dice, precision, recall, pixels (of the target)."""
        columns = (self.classes, self.iou, self.dice, self.precision, self.recall, self._targets)
        keys = ("class", "iou", "dice", "precision", "recall", "pixels")
        return [
            {key: value if isinstance(value, str) else value.item() for key, value in zip(keys, row, strict=True)}
            for row in zip(*columns, strict=True)
        ]

    def picture(self, path: str | Path) -> Path:
        """Draws the row-normalised matrix as an image file (PNG by its suffix) and returns its path."""
        from matplotlib.figure import Figure

        path = Path(path)
        count, shares = len(self.classes), self.normalised()
        side = max(4.0, 0.45 * count + 2)
        figure = Figure(figsize=(side + 0.6, side), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1)
        axes.set_xticks(range(count), self.classes, rotation=90)
        axes.set_yticks(range(count), self.classes)
        axes.set_xlabel("predicted")
        axes.set_ylabel("target")
        axes.set_title(f"mIoU {100 * self.miou:.1f}, pixels right {100 * self.pixel_accuracy:.1f} %")
        if count <= 25:  # with more, numbers are specks
            for row, column in np.argwhere(shares >= 0.005):
                colour = "black" if shares[row, column] > 0.6 else "white"
                text = f"{100 * shares[row, column]:.0f}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
        figure.colorbar(image, label="share of the target's pixels", shrink=0.8)
        figure.savefig(path, dpi=120)
        return path

    @property
    def _hits(self) -> np.ndarray:
        return np.diagonal(self.counts).astype(np.float64)

    @property
    def _targets(self) -> np.ndarray:
        return self.counts.sum(axis=1)

    @property
    def _predictions(self) -> np.ndarray:
        return self.counts.sum(axis=0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below in float64, nan where below is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide(above, below, dtype=np.float64)


def _mean(values: np.ndarray) -> float:
    """The mean of what is not nan; nan when everything is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a scalar"
