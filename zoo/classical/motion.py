"""Motion: classical methods that say where every pixel of a picture is in the next one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import tasks
from zoo.classical.method import LEAST_SIDE, Meaning, Method, shrunk, within
from zoo.errors import InputError, unknown
from zoo.outputs import OutputSpec, kind

if TYPE_CHECKING:
    from zoo.data import Dataset, Sample

TASK = "optical_flow"
FRAMES = 2
GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue in a picture's grey


class MotionMeaning(Meaning):
    """The meaning of a motion field: vectors, of which nothing has a label."""

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return tasks.get(self.task).output_spec()


class MotionField:
    """A method with its parameters, as a function of two frames: what `zoo.evaluate` and `zoo predict` take.

    Its function takes two grey frames, uint8 2×h×w, and gives vectors h×w×2 in their pixels.

    Args:
        method: which.
        **parameters: of the method, and `side`.

    Raises:
        InputError: for a parameter that the method has not.
    """

    default_side = 0  # vectors of a shrunk picture are coarser

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
        return MotionMeaning(self.method.task, (), ())

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The flow from the first frame to the second, float32 H×W×2 in pixels: (dx to the right, dy downwards).

        Args:
            image: uint8 H×W×6, two RGB frames along the channels, 16×16 pixels at least.

        Raises:
            InputError: for another kind of array, or a parameter out of range.
        """
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] != 3 * FRAMES or image.dtype != np.uint8 or min(image.shape[:2]) < LEAST_SIDE:
            raise InputError(
                f"{self.name} was given {image.dtype} of shape {image.shape}; two RGB frames along the channels are expected: "
                f"uint8, H×W×6, {LEAST_SIDE}×{LEAST_SIDE} pixels at least"
            )
        parameters = {**self.method.defaults, **self.parameters}
        side = parameters.pop("side")
        within("side", side, 0, None)
        if 0 < side < LEAST_SIDE:
            raise InputError(f"side={side}: give {LEAST_SIDE} pixels or more, or 0 for the picture's own size")
        frames = (shrunk(np.ascontiguousarray(image[..., 3 * frame : 3 * frame + 3]), side) for frame in range(FRAMES))
        vectors = self.method.function(np.stack([np.rint(frame @ GREY).astype(np.uint8) for frame in frames]), **parameters)
        return kind(self.meaning.spec).decode(np.asarray(vectors, np.float32), self.meaning.spec, image.shape[:2])

    predict = __call__

    def scorer_on(self, dataset: Dataset) -> MotionScorer:
        """The scorer that `zoo.evaluate` asks for."""
        return MotionScorer(self, dataset)


class MotionScorer:
    """Answers of a motion field to samples, timed.

    Args:
        field: the method.
        dataset: whose samples it will see.

    Raises:
        InputError: for data of another task.
    """

    size = procedure = None

    def __init__(self, field: MotionField, dataset: Dataset) -> None:
        if dataset.task not in (None, field.method.task):
            raise InputError(f"{field.name} is for {field.method.task}, {dataset.name} for {dataset.task}")
        self.task, self.name, self._field = tasks.get(field.method.task), field.name, field

    def answers(self, samples: list[Sample], times: list[float]) -> Iterator[np.ndarray]:
        """One field a sample; the seconds per pair go into `times`."""
        for sample in samples:
            start = time.perf_counter()
            answer = self._field(sample.image)
            times.append(time.perf_counter() - start)
            yield answer
