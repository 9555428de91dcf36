"""Scores of objects side by side: how well cells are told apart, which pixels alone do not say.

A membrane with a gap of three pixels costs nothing in IoU and makes two cells one. These are the errors of ISBI's challenge
(Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics", 2015) and its
predecessor's (Jain et al., "Boundary learning by optimization with topological constraints", 2010), image by image and
averaged. An object is a connected part (over edges, not corners) of the object class.

* Rand and information scores are foreground-restricted (only pixels inside the target's objects count) and thinned: each
  pixel of the prediction outside of its objects first joins the nearest of them, so that thick borders cost nothing. The
  challenge grows objects by a watershed from the borders; here the nearest one wins, which is as good where borders are thin.
* No threshold is searched: the prediction is the class map as it is. The challenge takes the best threshold of a
  probability map, which flatters: `zoo.metrics.membranes` does so.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from zoo.errors import InputError
from zoo.metrics.confusion_matrix import checked_pair, mean_of_known

__all__ = ["SCORES", "ObjectScores", "agreement", "parts", "warped"]

SCORES = ("v_rand", "v_info", "rand_error", "rand_split", "rand_merge", "info_error", "warping_error", "pixel_error")
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))  # clockwise; odd places share an edge


class ObjectScores:
    """The scores of how well objects are told apart, filled image by image.

    Scores, each the mean over the images that have it, 0–1 (nan where none has):

        v_rand, v_info  V_rand and V_info of the challenge, 1 − rand_error and 1 − info_error.
        rand_error      1 − F-score of rand_split and rand_merge, the adapted Rand error.
        rand_split      of two pixels of one object in the target, the chance that the prediction has them in one too.
        rand_merge      of two pixels of one object in the prediction, the chance that the target has them in one too.
        info_error      1 − V_info: the same from mutual information over the two entropies.
        warping_error   share of pixels that still differ after the target was bent towards the prediction as far as its
                        topology allows: splits, merges, holes and strays, not shifted borders.
        pixel_error     share of pixels that differ.

    Args:
        objects: the class whose connected parts are the objects.
        ignore: the target value that is not scored, or None.
    """

    def __init__(self, objects: int, ignore: int | None = None) -> None:
        self.objects, self.ignore = objects, ignore
        self._found: dict[str, list[float]] = {name: [] for name in SCORES}

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Scores one image: integer arrays H×W of class indices.

        Raises:
            InputError: shapes differ or are not H×W, or values are not integers.
        """
        target, prediction = checked_pair(target, prediction)
        if target.ndim != 2:
            raise InputError(f"objects are of class maps H×W; an array of {target.ndim} axes was given")
        counted = np.ones(target.shape, bool) if self.ignore is None else target != self.ignore
        truth = (target == self.objects) & counted
        guess = np.where(counted, prediction == self.objects, truth)
        scores = agreement(parts(truth), thinned(parts(guess)))
        scores |= {"v_rand": 1 - scores["rand_error"], "v_info": 1 - scores["info_error"]}
        scores["warping_error"] = float((warped(truth, guess) != guess)[counted].mean()) if counted.any() else float("nan")
        scores["pixel_error"] = float((truth != guess)[counted].mean()) if counted.any() else float("nan")
        for name, value in scores.items():
            self._found[name].append(value)

    def merge(self, other: ObjectScores) -> ObjectScores:
        """Adds another's images to these (parts of a data set scored apart) and returns these."""
        if (other.objects, other.ignore) != (self.objects, self.ignore):
            raise InputError(f"cannot merge objects of class {other.objects} into those of class {self.objects}")
        for name, values in other._found.items():
            self._found[name] += values
        return self

    @property
    def scores(self) -> dict[str, float]:
        """The means by name."""
        return {name: mean_of_known(np.array(values)) for name, values in self._found.items()}


def parts(inside: np.ndarray) -> np.ndarray:
    """The connected parts of bool H×W numbered from 1, int32; 0 is outside."""
    from scipy.ndimage import label

    return label(inside)[0]


def thinned(numbered: np.ndarray) -> np.ndarray:
    """Objects grown until no border is left: every pixel has the number of the nearest. Without objects all stays 0."""
    from scipy.ndimage import distance_transform_edt

    if not numbered.any():
        return numbered
    nearest = distance_transform_edt(numbered == 0, return_distances=False, return_indices=True)
    return numbered[tuple(nearest)]


def agreement(target: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Rand and information scores of two numberings H×W, over the pixels where the target's is not 0; nan where none is.

    The prediction's 0 is a number like any other here. Pairs are of two different pixels.
    """
    inside = target > 0
    count = int(inside.sum())
    if count < 2:
        return dict.fromkeys(("rand_error", "rand_split", "rand_merge", "info_error"), float("nan"))
    pairs = target[inside].astype(np.int64) * (int(prediction.max()) + 1) + prediction[inside]
    both, theirs, ours = (_sizes(numbers) for numbers in (pairs, target[inside], prediction[inside]))
    together, in_target, in_prediction = (float(sizes @ sizes) - count for sizes in (both, theirs, ours))
    sides = in_target + in_prediction
    entropies = _entropy(theirs) + _entropy(ours)
    shared = entropies - _entropy(both)
    return {
        "rand_error": 1 - (2 * together / sides if sides else 1.0),
        "rand_split": together / in_target if in_target else 1.0,
        "rand_merge": together / in_prediction if in_prediction else 1.0,
        "info_error": 1 - (min(1.0, 2 * shared / entropies) if entropies > 1e-12 else 1.0),
    }


def _sizes(numbers: np.ndarray) -> np.ndarray:
    return np.unique(numbers, return_counts=True)[1].astype(np.float64)


def _entropy(sizes: np.ndarray) -> float:
    """In bits."""
    shares = sizes / sizes.sum()
    return float(-(shares * np.log2(shares)).sum())


def warped(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The target (bool H×W) bent towards the prediction without a change of its topology.

    Simple points, pixels whose change splits, joins, makes and removes no part and no hole, are flipped where the two
    differ, until none is left. Objects connect over edges, what is between them over corners too; beyond the picture is
    between. Which of several ends is reached depends on the order (here first come, first served), so what still differs is
    an upper bound of the warping error; Jain et al. compute theirs the same way.
    """
    height, width = target.shape
    bent = np.pad(target.astype(np.uint8), 1)
    end = np.pad(prediction.astype(np.uint8), 1)
    row = width + 2
    steps = [down * row + across for down, across in _AROUND]
    flat, goal = bytearray(bent.tobytes()), end.tobytes()
    waiting = deque(np.flatnonzero(bent.ravel() != end.ravel()).tolist())
    queued = set(waiting)
    while waiting:
        place = waiting.popleft()
        queued.discard(place)
        if flat[place] == goal[place]:
            continue
        if not _SIMPLE[sum(flat[place + step] << bit for bit, step in enumerate(steps))]:
            continue
        flat[place] = goal[place]
        for step in steps:  # what was not simple may be so now
            beside = place + step
            if flat[beside] != goal[beside] and beside not in queued:
                queued.add(beside)
                waiting.append(beside)
    return np.frombuffer(bytes(flat), np.uint8).reshape(height + 2, row)[1:-1, 1:-1].astype(bool)


def _simple(ring: int) -> bool:
    """Whether a pixel with these eight neighbours (a bit each, as in `_AROUND`) may change without changing the topology.

    It may if it touches exactly one part of the objects by an edge, and exactly one of what is between by edge or corner.
    """
    inside = [bool(ring >> bit & 1) for bit in range(8)]
    # Inside: runs of the ring joined side by side, of which only those with an edge's place count. A corner alone between
    # two others does not touch.
    objects = sum(any(bit % 2 for bit in run) for run in _runs(inside, corners=False))
    between = len(_runs([not value for value in inside], corners=True))
    return objects == 1 and between == 1


def _runs(members: list[bool], corners: bool) -> list[set[int]]:
    """The connected parts of a ring of eight; with `corners`, two places with an edge's side each touch over their corner."""
    parts: list[set[int]] = []
    for bit in (bit for bit in range(8) if members[bit]):
        beside = {(bit + 1) % 8, (bit - 1) % 8}
        if corners and bit % 2:
            beside |= {(bit + 2) % 8, (bit - 2) % 8}
        touching = [part for part in parts if part & beside]
        parts = [part for part in parts if not part & beside]
        parts.append({bit}.union(*touching))
    return parts


_SIMPLE = bytes(_simple(ring) for ring in range(256))
