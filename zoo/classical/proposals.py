"""Proposals: classical methods that say where there may be something, whatever it is, as boxes in an order."""

from __future__ import annotations

import numpy as np

from zoo.classical.method import Meaning, MethodRunner
from zoo.outputs import OutputSpec
from zoo.outputs.boxes import box_output

TASK = "proposals"
LABELS, COLOURS = ("something",), ((230, 120, 40),)
_HALVED = 20  # ranks after which a score has fallen to a half: some fifty boxes are drawn, from 0.3 on


class ProposalMeaning(Meaning):
    """The meaning of proposals: boxes of one class."""

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return box_output(self.labels, self.palette)


class Proposer(MethodRunner):
    """A runner of methods whose function gives boxes float n×4 (x0, y0, x1, y1) in pixels, the most promising first."""

    @property
    def meaning(self) -> Meaning:
        """The meaning of the answers."""
        return ProposalMeaning(self.method.task, LABELS, COLOURS)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The proposals of an image, float32 n×6: x0, y0, x1, y1 in its pixels, 0, and a score that falls with the rank.

        Args:
            image: uint8 H×W×3, RGB, 16×16 pixels at least.

        Raises:
            InputError: for another kind of array, or a parameter out of range.
        """
        (picture,), parameters = self._frames(image)
        boxes = np.asarray(self.method.function(picture, **parameters), np.float32).reshape(-1, 4)
        across, down = (seen / own for seen, own in zip(np.shape(image)[1::-1], picture.shape[1::-1], strict=True))
        scores = _HALVED / (_HALVED + np.arange(len(boxes), dtype=np.float32))
        return np.column_stack([boxes * np.float32([across, down] * 2), np.zeros_like(scores), scores])

    predict = __call__
