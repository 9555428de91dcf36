"""Joint scores: how near the joints of an answer lie to where they are.

- pck: the share of joints whose distance is at most a fifth of the longer side of the box around the thing (PCK of Yang &
  Ramanan, "Articulated Human Detection with Flexible Mixtures of Parts", 2013, at α = 0.2); pck_0.1 and pck_0.05 at less.
- pckh: at most half the size of the head (PCKh of Andriluka et al., "2D Human Pose Estimation", 2014), where that is known.
- oks: COCO's object keypoint similarity, the mean over the joints of exp(−d² / (2·area·κ²)), κ twice the joint's sigma.
- oks_ap, oks_ap50, oks_ap75: average precision by that similarity, the answer's score the mean of its joints'. Things that were
  cut out of one photograph are found in it together, as COCO has it: an answer about one may be nearest to another.
- error: the mean distance in pixels.

All joints whose place is known count, hidden ones too. `oks_precision` counts any number of things and answers a picture as
pycocotools does, to the last digit (tests/metrics/test_joints.py holds it to that).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.data.targets.joints import ABSENT, Joints
from zoo.errors import InputError
from zoo.metrics.average_precision import Row, average, coco_row, mean
from zoo.metrics.base import Metric, Score
from zoo.outputs.sides import side_of

SHARES = (0.2, 0.1, 0.05)  # of the box's longer side
OF_HEAD = 0.5
MOST = 20  # answers a picture, of COCO's
AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
# COCO's, by what a joint is called without its side; those that COCO does not know have the mean of the others.
SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062, "hip": 0.107, "knee": 0.087,
    "ankle": 0.089,
}  # fmt: skip
_UNKNOWN = 0.065
_COLUMNS = 3
_EPSILON = np.spacing(1.0)


@dataclass(frozen=True)
class Thing:
    """A thing of the truth, in the terms of COCO's annotations.

    Attributes:
        places: float K×2, x and y.
        known: bool K, whether a joint's place is.
        area: square pixels.
        box: x0, y0, width, height.
        crowd: whether it is a crowd of things.
    """

    places: np.ndarray
    known: np.ndarray
    area: float
    box: tuple[float, float, float, float]
    crowd: bool = False


def sigmas(labels: Sequence[str]) -> np.ndarray:
    """How far people who mark a joint differ, float K, in shares of the square root of the thing's area."""
    names = (label.replace("_", " ").casefold().replace(side_of(label), "", 1).strip() for label in labels)
    return np.array([SIGMAS.get(name, _UNKNOWN) for name in names])


def correct_share(distances: np.ndarray, length: float, share: float) -> float:
    """The percentage of correct keypoints as a share: of the distances, those up to `share` of a length; nan of none.

    Args:
        distances: float n, of joints from where they are, in pixels.
        length: that they are measured by, as the box's longer side or the head's size, in pixels.
        share: of it.
    """
    if not len(distances) or not math.isfinite(length):
        return math.nan
    return float((distances <= share * length).mean())


def similarity(thing: Thing, places: np.ndarray, joint_sigmas: np.ndarray) -> float:
    """COCO's object keypoint similarity of an answer's places K×2 and a thing, 0 to 1.

    Of a thing without joints, the distances are those from its box enlarged by its own size on every side.
    """
    known = thing.known
    if known.any():
        offsets = (places - thing.places)[known]
        spreads = (2 * joint_sigmas[known]) ** 2
    else:
        x, y, width, height = thing.box
        low, high = np.array([x - width, y - height]), np.array([x + 2 * width, y + 2 * height])
        offsets = np.maximum(0.0, low - places) + np.maximum(0.0, places - high)
        spreads = (2 * joint_sigmas) ** 2
    exponents = (offsets**2).sum(axis=1) / spreads / (thing.area + _EPSILON) / 2
    return float(np.exp(-exponents).sum() / len(exponents))


def oks_row(
    things: Sequence[Thing], answers: np.ndarray, scores: np.ndarray, joint_sigmas: np.ndarray, area: str = "all"
) -> Row:
    """One picture by COCO's rules for joints.

    Args:
        things: of the truth; crowds, and those without joints, are neither to be found nor wrong.
        answers: float n×K×2.
        scores: float n.
        joint_sigmas: float K, as of `sigmas`.
        area: of which things, a name of `AREAS`.
    """
    order = np.argsort(-scores, kind="mergesort")[:MOST]
    answers, scores = answers[order], scores[order]
    shares = [[similarity(thing, places, joint_sigmas) for thing in things] for places in answers]
    sides = np.ptp(answers, axis=1) if len(answers) else np.zeros((0, 2))
    areas = np.array([thing.area for thing in things])
    crowd = np.array([thing.crowd for thing in things], bool)
    ignored = crowd | np.array([not thing.known.any() for thing in things], bool)
    table = np.array(shares).reshape(len(answers), len(things))
    return coco_row(areas, crowd, sides.prod(axis=1), scores, table, AREAS[area], ignored)


def oks_precision(rows: Sequence[Row]) -> dict[str, float]:
    """COCO's "ap", "ap50", "ap75" and "ar" of pictures counted by `oks_row`; nan where the truth has no joint."""
    precision, recall = average(list(rows))
    return {"ap": mean(precision), "ap50": float(precision[0]), "ap75": float(precision[5]), "ar": mean(recall)}


class JointScores(Metric):
    """The scores over a data set of one thing a picture, or a cut of a photograph.

    Args:
        labels: names of the joints.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._sigmas = sigmas(self.labels)
        self._distances: list[np.ndarray] = []  # of each picture K, nan where the place is not known
        self._lengths: list[tuple[float, float]] = []  # of each picture the box's longer side, and the head's size
        self._similarities: list[float] = []
        self._found: dict[str, list[tuple[Thing, np.ndarray, float]]] = {}  # by photograph: things, answers' places and scores

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts one picture: `zoo.data.targets.Joints`, and an answer K×3 of the kind `zoo.outputs.joints`.

        Raises:
            InputError: for another target, or an answer of another number of joints.
        """
        answer = np.asarray(answer, np.float64)
        if not isinstance(target, Joints) or answer.shape != (len(target.values), _COLUMNS):
            expected = f"{len(target.values)}×3" if isinstance(target, Joints) else "K×3"
            raise InputError(
                f"a {type(target).__name__} and an answer of shape {answer.shape}; joints are scored against Joints, by "
                f"{expected}: x, y, score"
            )
        known = target.seen > ABSENT
        places = target.values.astype(np.float64)
        distances = np.linalg.norm(answer[:, :2] - places, axis=1)
        self._distances.append(np.where(known, distances, math.nan))
        self._lengths.append((target.side, target.head))
        if not math.isfinite(target.area):
            return
        low, high = (places[known].min(axis=0), places[known].max(axis=0)) if known.any() else (np.zeros(2), np.zeros(2))
        thing = Thing(places, known, target.area, (*low, *(high - low)))
        if known.any():
            self._similarities.append(similarity(thing, answer[:, :2], self._sigmas))
        away = np.asarray(target.origin, np.float64)
        thing = replace(thing, places=places + away, box=(low[0] + away[0], low[1] + away[1], *thing.box[2:]))
        alone = f"/{len(self._distances)}"  # no file's name
        own = self._found.setdefault(target.photograph or alone, [])
        own.append((thing, answer[:, :2] + away, float(answer[:, 2].mean())))

    def merge(self, other: Metric) -> JointScores:
        if not isinstance(other, JointScores) or other.labels != self.labels:
            raise InputError("cannot merge scores of other joints")
        self._distances += other._distances
        self._lengths += other._lengths
        self._similarities += other._similarities
        for number, (photograph, found) in enumerate(other._found.items()):
            alone = photograph.startswith("/")
            self._found.setdefault(f"{photograph}/{len(self._distances)}/{number}" if alone else photograph, []).extend(found)
        return self

    def _rows(self) -> list[Row]:
        """COCO's rows, one a photograph."""
        tables = (zip(*found, strict=True) for found in self._found.values())
        return [oks_row(things, np.array(places), np.array(scores), self._sigmas) for things, places, scores in tables]

    def scores(self) -> list[Score]:
        distances, lengths = self._table()
        precision = oks_precision(self._rows())
        near = {share: _near(distances, share * lengths[:, 0]) for share in SHARES}
        values = {
            "pck": near[SHARES[0]],
            **{f"pck_{share:g}": near[share] for share in SHARES[1:]},
            "pckh": _near(distances, OF_HEAD * lengths[:, 1]),
            "oks": mean(np.array(self._similarities)),
            **{f"oks_{name}": precision[name] for name in ("ap", "ap50", "ap75")},
        }
        return [*(Score(name, value) for name, value in values.items()), Score("error", mean(distances), "px", False)]

    def rows(self) -> list[dict[str, Any]]:
        """A row a joint."""
        distances, lengths = self._table()
        rows = []
        for label, column in zip(self.labels, distances.T, strict=True):
            known = int((~np.isnan(column)).sum())
            pck = _near(column[:, None], SHARES[0] * lengths[:, 0])
            rows.append({"class": label, "pck": pck, "error": mean(column), "joints": known})
        return rows

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """The distances, pictures × K, and the lengths, pictures × 2."""
        count = len(self._distances)
        return np.reshape(self._distances, (count, len(self.labels))), np.reshape(self._lengths, (count, 2))


def _near(distances: np.ndarray, bounds: np.ndarray) -> float:
    """The share of the known distances, pictures × K, up to their picture's bound; nan where none has one."""
    counted = ~np.isnan(distances) & ~np.isnan(bounds)[:, None]
    return float((distances <= bounds[:, None])[counted].mean()) if counted.any() else math.nan
