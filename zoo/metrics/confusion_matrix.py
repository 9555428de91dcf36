"""Scores over a whole data set, from one confusion matrix and from contours, in float64, with an ignore label.

>>> matrix = ConfusionMatrix(("background", "cat"), ignore=255)
>>> matrix.update(np.array([[0, 1, 255]]), np.array([[0, 0, 1]]))
>>> matrix.pixel_accuracy
0.5

Conventions, which decide the last digits of a published figure:

* One matrix is summed over all images before anything is divided: a mean over images or batches is another number.
* A pixel whose target is the ignore label counts nowhere, whatever was predicted there.
* A class in neither targets nor predictions has no score: it is nan per class and left out of every mean. A class that
  is predicted but never in a target has IoU 0 and is in the mean; so does scikit-learn's `jaccard_score`.
* Contours are scored image by image and averaged, class by class, as in the papers (`BoundaryScores`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError

__all__ = ["BoundaryScores", "ConfusionMatrix"]


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
        target, prediction = (array.ravel() for array in checked_pair(target, prediction))
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
        """The number of pixels that have been counted."""
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
        return mean_of_known(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean of `dice` over the classes that are not empty; nan when all are."""
        return mean_of_known(self.dice)

    @property
    def pixel_accuracy(self) -> float:
        """Share of pixels whose class is right, 0–1; nan when nothing was counted."""
        return float(_ratio(self._hits.sum(), self.counts.sum()))

    @property
    def mean_accuracy(self) -> float:
        """Mean of `recall` over the classes that are in a target ("class average" in CamVid's papers)."""
        return mean_of_known(self.recall)

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
        axes.set_xticks(range(count), self.classes, rotation=90, parse_math=False)  # a name may hold dollars
        axes.set_yticks(range(count), self.classes, parse_math=False)
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


class BoundaryScores:
    """The scores of contours: boundary precision, recall and F-score of each class, filled image by image.

    Csurka et al., "What is a good evaluation measure for semantic segmentation?", 2013; Perazzi et al., "DAVIS", 2016.
    The contour of a class is its pixels that have a neighbour of another class above, below, left or right; the border of
    the image is none. Precision is the share of the prediction's contour that lies within the tolerance of the target's,
    recall the share of the target's within the tolerance of the prediction's, F their harmonic mean.

    Conventions:

    * A class is scored in the images whose target holds it (Csurka et al.), and its score is the mean over those; the mean
      over classes counts each class the same. One that is in no target is nan and in no mean.
    * No contour in the prediction: precision 1, recall 0. None in the target (the class fills what counts): precision 0
      and recall 1, or 1 and 1 if the prediction has none either (DAVIS).
    * An ignored pixel is of no class, in the prediction too, and a neighbour of it is not on a contour for that.

    Args:
        classes: how many classes, or their names in order.
        ignore: the target value that is not scored, or None.
        tolerance: greatest Euclidean distance, in pixels, or below 1 as a share of the image's diagonal.
    """

    def __init__(self, classes: int | Sequence[str], ignore: int | None = None, tolerance: float = 0.0075) -> None:
        if not 0 < tolerance < float("inf"):
            raise InputError(f"tolerance={tolerance}; expected pixels, or below 1 a share of the image's diagonal")
        self.classes = ConfusionMatrix(classes).classes
        self.ignore, self.tolerance = ignore, float(tolerance)
        self._sums = np.zeros((3, len(self.classes)))  # of precision, recall and F over images
        self._images = np.zeros(len(self.classes), np.int64)

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Scores one image: integer arrays H×W of class indices.

        Raises:
            InputError: shapes differ or are not H×W, or values are not integers.
        """
        target, prediction = checked_pair(target, prediction)
        if target.ndim != 2:
            raise InputError(f"contours are of class maps H×W; {_times(target.shape)} was given")
        counted = np.ones(target.shape, bool) if self.ignore is None else target != self.ignore
        tolerance = self.tolerance * (np.hypot(*target.shape) if self.tolerance < 1 else 1)
        for c in range(len(self.classes)):
            truth = (target == c) & counted
            if truth.any():
                true, answer = (_contour(mask, counted) for mask in (truth, (prediction == c) & counted))
                precision, recall = _near(answer, true, tolerance), _near(true, answer, tolerance)
                both = precision + recall
                self._sums[:, c] += precision, recall, 2 * precision * recall / both if both else 0.0
                self._images[c] += 1

    def merge(self, other: BoundaryScores) -> BoundaryScores:
        """Adds another's images to these (parts of a data set scored apart) and returns these."""
        if (other.classes, other.tolerance) != (self.classes, self.tolerance):
            raise InputError(f"cannot merge contours of {other.classes} within {other.tolerance} into others")
        self._sums += other._sums
        self._images += other._images
        return self

    @property
    def precision(self) -> np.ndarray:
        """Of each class, float64, 0–1; nan for a class in no target."""
        return _ratio(self._sums[0], self._images)

    @property
    def recall(self) -> np.ndarray:
        """Of each class, float64, 0–1; nan for a class in no target."""
        return _ratio(self._sums[1], self._images)

    @property
    def f_score(self) -> np.ndarray:
        """Of each class, float64, 0–1; nan for a class in no target."""
        return _ratio(self._sums[2], self._images)

    @property
    def mean_f_score(self) -> float:
        """Mean of `f_score` over the classes that are in a target; nan when none is."""
        return mean_of_known(self.f_score)


def _contour(mask: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Places (P×2) of the pixels of H×W `mask` that have a counted neighbour outside of it."""
    other = np.pad(counted & ~mask, 1)
    beside = other[:-2, 1:-1] | other[2:, 1:-1] | other[1:-1, :-2] | other[1:-1, 2:]
    return np.argwhere(mask & beside)


def _near(places: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    """Share of the places that lie within the tolerance of any of the others; 1 where there are no places."""
    from scipy.spatial import KDTree

    if not len(places) or not len(others):
        return float(not len(places))
    distances, _ = KDTree(others).query(places, distance_upper_bound=np.nextafter(tolerance, np.inf))
    return float((distances <= tolerance).mean())


def checked_pair(target: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of integers of one shape."""
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape:
        raise InputError(
            f"targets are {_times(target.shape)} and predictions {_times(prediction.shape)}; "
            "they must have one shape: resize predictions to the mask first"
        )
    for what, array in (("targets", target), ("predictions", prediction)):
        if array.dtype.kind not in "iub":
            raise InputError(f"{what} are {array.dtype}; class indices (integers) are expected: take the argmax first")
    return target, prediction


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below in float64, nan where below is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide(above, below, dtype=np.float64)


def mean_of_known(values: np.ndarray) -> float:
    """The mean of what is not nan; nan when everything is."""
    numbers = values[~np.isnan(values)]
    return float(numbers.mean()) if numbers.size else float("nan")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a scalar"
