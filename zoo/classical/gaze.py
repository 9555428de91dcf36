"""Gaze maps: classical methods that say where in a picture people look, as heat of every pixel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import tasks
from zoo.classical.method import LEAST_SIDE, Meaning, Method, shrunk, within
from zoo.errors import InputError, unknown
from zoo.outputs import OutputSpec
from zoo.outputs.heatmap import heat_output
from zoo.outputs.resize import bilinear

if TYPE_CHECKING:
    from zoo.data import Dataset, Sample

TASK = "saliency"


class HeatMeaning(Meaning):
    """The meaning of a gaze map: heat, of which nothing has a label."""

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return heat_output(output="heat")


class GazeMap:
    """A method with its parameters, as a function of one image: what `zoo.evaluate` and `zoo predict` take.

    Its function gives numbers h×w of any range, more where people look more.

    Args:
        method: which.
        **parameters: of the method, and `side`.

    Raises:
        InputError: for a parameter that the method has not.
    """

    def __init__(self, method: Method, **parameters: Any) -> None:
        for key in parameters:
            if key not in method.defaults:
                raise unknown(f"parameter of {method.name}", key, method.defaults)
        self.method, self.parameters = method, parameters
        text = ",".join(f"{key}={value}" for key, value in parameters.items())
        self.name = f"{method.name}:{text}" if text else method.name

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
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < LEAST_SIDE:
            raise InputError(
                f"{self.name} was given {image.dtype} of shape {image.shape}; an RGB picture is expected: uint8, "
                f"H×W×3, {LEAST_SIDE}×{LEAST_SIDE} pixels at least"
            )
        parameters = {**self.method.defaults, **self.parameters}
        side = parameters.pop("side")
        within("side", side, 0, None)
        if 0 < side < LEAST_SIDE:
            raise InputError(f"side={side}: give {LEAST_SIDE} pixels or more, or 0 for the picture's own size")
        values = np.asarray(self.method.function(np.ascontiguousarray(shrunk(image, side)), **parameters), np.float32)
        values = bilinear(values[None, ..., None], image.shape[:2])[0]
        low, high = float(values.min()), float(values.max())
        return (values - low) / (high - low) if high > low else np.zeros_like(values)

    predict = __call__

    def scorer_on(self, dataset: Dataset) -> GazeScorer:
        """The scorer that `zoo.evaluate` asks for."""
        return GazeScorer(self, dataset)


class GazeScorer:
    """Answers of a gaze map to samples, timed.

    Args:
        gaze_map: the method.
        dataset: whose samples it will see.

    Raises:
        InputError: for data of another task.
    """

    size = procedure = None

    def __init__(self, gaze_map: GazeMap, dataset: Dataset) -> None:
        if dataset.task not in (None, gaze_map.method.task):
            raise InputError(f"{gaze_map.name} is for {gaze_map.method.task}, {dataset.name} for {dataset.task}")
        self.task, self.name, self._gaze_map = tasks.get(gaze_map.method.task), gaze_map.name, gaze_map

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        """One map a sample; the seconds per image go into `times`."""
        for sample in samples:
            start = time.perf_counter()
            answer = self._gaze_map(sample.image)
            times.append(time.perf_counter() - start)
            yield answer
