"""Gaze maps: classical methods that say where in a picture people look, as heat of every pixel."""

from __future__ import annotations

import numpy as np

from zoo.classical.method import Meaning, MethodRunner
from zoo.outputs import OutputSpec
from zoo.outputs.heatmap import heat_output
from zoo.outputs.resize import bilinear

TASK = "saliency"


class HeatMeaning(Meaning):
    """The meaning of a gaze map: heat, of which nothing has a label."""

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return heat_output(output="heat")


class GazeMap(MethodRunner):
    """A runner of methods whose function gives numbers h×w of any range, more where people look more."""

    @property
    def meaning(self) -> Meaning:
        """The meaning of the answers."""
        return HeatMeaning(self.method.task, (), ())

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The heat of an image, float32 H×W×1: from 0 at its coldest place to 1 at its hottest.

        Args:
            image: uint8 H×W×3, RGB, 16×16 pixels at least.

        Raises:
            InputError: for another kind of array, or a parameter out of range.
        """
        (picture,), parameters = self._frames(image)
        values = np.asarray(self.method.function(picture, **parameters), np.float32)
        values = bilinear(values[None, ..., None], np.shape(image)[:2])[0]
        low, high = float(values.min()), float(values.max())
        return (values - low) / (high - low) if high > low else np.zeros_like(values)

    predict = __call__
