"""Region machines: a support vector machine a class, taught by hard negatives, and a regression of boxes a class.

Girshick et al., "Rich feature hierarchies", 2014, sections 2.3 and 3.5, appendices B and C, and the authors' code, whose
numbers these are. scikit-learn's `LinearSVC` (LIBLINEAR, as theirs) and `Ridge`; it is of the extra `classical`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

BESIDE, NEAR = 0.3, 0.6  # overlaps with things of a class: below, no such thing; from there on, the regression learns
LENGTH, COST, BIAS, TWICE = 20.0, 0.001, 10.0, 2.0  # mean length of features; LIBLINEAR's C, bias and weight of things
HARD, EASY = -1.0, -1.2  # margins: what is no thing is learnt from if above the first, and no more once below the other
ENOUGH, RIDGE = 2000, 1000.0  # new ones until it learns again; weight of the regression's own size
_SIDES, _FARTHEST = 4, 4.0  # the latter: of the logarithm of a side's growth


class Windows(NamedTuple):
    """The windows of one picture: its proposals and then its things.

    Attributes:
        boxes: float32 n×4.
        overlaps: float32 n×K, the greatest intersection over union with a thing of each class.
        wanted: float32 n×K×4, that thing's box.
        things: int n, the class that a window is a thing of itself; −1 of proposals.
    """

    boxes: np.ndarray
    overlaps: np.ndarray
    wanted: np.ndarray
    things: np.ndarray


Pictured = tuple[Windows, np.ndarray]  # of one picture, and the features of each window


class Machines(NamedTuple):
    """A linear support vector machine a class, over features that were scaled to a mean length.

    Attributes:
        weights: features×K.
        bias: K.
        scale: that features are multiplied by before.
    """

    weights: np.ndarray
    bias: np.ndarray
    scale: float

    def margins(self, features: np.ndarray) -> np.ndarray:
        """n×K: above 0 for a thing of the class."""
        return features @ self.weights + self.bias

    @classmethod
    def learnt(cls, pictures: Callable[[], Iterator[Pictured]], classes: int) -> Machines:
        """Those that one pass over the pictures teaches: what a class's machine takes for a thing of it, or nearly so, and is
        none joins what it learns from; what it has long told apart leaves.

        Args:
            pictures: gives the windows and features of each.
            classes: how many.
        """
        things: list[list[np.ndarray]] = [[] for _ in range(classes)]
        lengths = []
        for windows, features in pictures():
            lengths.append(np.linalg.norm(features, axis=1))
            for label in range(classes):
                things[label].append(features[windows.things == label])
        scale = LENGTH / max(float(np.concatenate(lengths).mean()), 1e-9)
        width = features.shape[1]
        own = [_Machine(scale * np.concatenate(rows)) for rows in things]
        for windows, features in pictures():
            for label, machine in enumerate(own):
                machine.see(scale * features[windows.overlaps[:, label] < BESIDE])
        for machine in own:
            machine.learn()
        weights = np.stack([machine.weights for machine in own], axis=1).reshape(width, classes)
        return cls(weights, np.array([machine.bias for machine in own]), scale)


class _Machine:
    """The machine of one class while it learns."""

    def __init__(self, things: np.ndarray) -> None:
        self.things, self.others = things, np.zeros((0, things.shape[1]), things.dtype)
        self.weights, self._new = np.zeros(things.shape[1]), 0
        self.bias = 0.0 if len(things) else 2 * EASY  # without any thing of its class it says no to all

    def see(self, others: np.ndarray) -> None:
        """What is no thing of the class, in one more picture."""
        hard = others[others @ self.weights + self.bias > HARD]
        self.others, self._new = np.concatenate([self.others, hard]), self._new + len(hard)
        if self._new >= ENOUGH:
            self.learn()

    def learn(self) -> None:
        """Learns from what it has, and forgets what has become easy."""
        from sklearn.svm import LinearSVC

        if not len(self.things) or not len(self.others):
            return
        rows = np.concatenate([self.things, self.others])
        labels = np.arange(len(rows)) < len(self.things)
        settings = {"C": COST, "intercept_scaling": BIAS, "class_weight": {True: TWICE}}
        machine = LinearSVC(loss="hinge", dual=True, random_state=0, **settings)
        machine.fit(rows, labels)
        self.weights, self.bias, self._new = machine.coef_[0], float(machine.intercept_[0]), 0
        self.others = self.others[self.others @ self.weights + self.bias > EASY]


class BoxRegression(NamedTuple):
    """Linear regressions from features to how a proposal is to be moved, one a class.

    Attributes:
        weights: K×features×4.
        bias: K×4, of the centre's shift in sides of the proposal, and of the logarithms of the sides' growth.
    """

    weights: np.ndarray
    bias: np.ndarray

    def moved(self, boxes: np.ndarray, features: np.ndarray) -> np.ndarray:
        """n×K×4: where a thing of each class would be, in pixels."""
        shifts = np.einsum("nf,kfs->nks", features, self.weights) + self.bias
        sides, middles = boxes[:, None, 2:] - boxes[:, None, :2], (boxes[:, None, 2:] + boxes[:, None, :2]) / 2
        middles = middles + shifts[..., :2] * sides
        half = sides * np.exp(np.clip(shifts[..., 2:], -_FARTHEST, _FARTHEST)) / 2
        return np.concatenate([middles - half, middles + half], axis=-1)

    @classmethod
    def learnt(cls, pictures: Iterator[Pictured], scale: float, classes: int) -> BoxRegression:
        """Those that proposals near things teach; of a class without any, one that moves nothing.

        Args:
            pictures: windows and features of each.
            scale: of the features.
            classes: how many.
        """
        from sklearn.linear_model import Ridge

        near: list[list[np.ndarray]] = [[] for _ in range(classes)]
        shifts: list[list[np.ndarray]] = [[] for _ in range(classes)]
        for windows, features in pictures:
            for label in range(classes):
                chosen = (windows.overlaps[:, label] >= NEAR) & (windows.things < 0)
                near[label].append(scale * features[chosen])
                shifts[label].append(_shifts(windows.boxes[chosen], windows.wanted[chosen, label]))
        weights, bias = np.zeros((classes, features.shape[1], _SIDES)), np.zeros((classes, _SIDES))
        for label in range(classes):
            rows = np.concatenate(near[label])
            if len(rows):
                ridge = Ridge(alpha=RIDGE).fit(rows, np.concatenate(shifts[label]))
                weights[label], bias[label] = ridge.coef_.T, ridge.intercept_
        return cls(weights, bias)


def _shifts(boxes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How boxes n×4 are to be moved to be others."""
    sides, others = boxes[:, 2:] - boxes[:, :2], wanted[:, 2:] - wanted[:, :2]
    middles = (wanted[:, :2] + wanted[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2
    return np.concatenate([middles / sides, np.log(others / sides)], axis=1)
