"""Motion: classical methods that say where every pixel of a picture is in the next one."""

from __future__ import annotations

import numpy as np

from zoo import tasks
from zoo.classical.method import Meaning, MethodRunner
from zoo.outputs import OutputSpec, kind

TASK = "optical_flow"
GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue in a picture's grey


class MotionMeaning(Meaning):
    """The meaning of a motion field: vectors, of which nothing has a label."""

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return tasks.get(self.task).output_spec()


class MotionField(MethodRunner):
    """A runner of methods whose function takes two grey frames, uint8 2×h×w, and gives vectors h×w×2 in their pixels."""

    frames = 2
    default_side = 0  # vectors of a shrunk picture are coarser

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
        pictures, parameters = self._frames(image)
        grey = np.stack([np.rint(picture @ GREY).astype(np.uint8) for picture in pictures])
        vectors = np.asarray(self.method.function(grey, **parameters), np.float32)
        return kind(self.meaning.spec).decode(vectors, self.meaning.spec, np.shape(image)[:2])

    predict = __call__
