"""Kind: what an output's numbers mean, and with it how they are decoded, compared, put in words and drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from zoo.errors import InputError
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.resize import bilinear
from zoo.outputs.spec import OutputSpec


class Kind(ABC):
    """One meaning of numbers; tasks that mean the same share it. NumPy only, without state.

    A *raw output* is what the model or file gives for one picture, without the batch's axis: h×w×C, h×w, C or a scalar.
    An *answer* is what a person or a metric wants, at the picture's own resolution: an array, or what has `__array__`.
    """

    name: ClassVar[str]
    words: ClassVar[str] = ""  # what people call it, by default the name
    known: ClassVar[bool] = True  # whether there is an answer to ask for
    # Whether the raw output of what has an answer for every pixel is a map of the output's size, with a channel a label.
    pixelwise: ClassVar[bool] = True
    asked: ClassVar[bool] = False  # whether a question in words stands beside what it is about
    framed: ClassVar[bool] = False  # whether an answer is upright boxes around things
    stretches: ClassVar[bool] = True  # whether what is asked about may be brought to another size, as a picture may

    @property
    def title(self) -> str:
        """The name for people."""
        return self.words or self.name.replace("_", " ")

    @abstractmethod
    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """The answer to a picture of `size` (H, W) in pixels, from the raw output.

        Raises:
            InputError: for an output that this kind cannot be.
        """

    @abstractmethod
    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The answer in one line of words."""

    @abstractmethod
    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The answer to look at, uint8 H×W×3, from the picture (uint8 H×W×3, of several frames the first) and the answer."""

    @abstractmethod
    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """Writes the answer beside a picture's name, as `stem` with an ending of the kind's own, and returns the path."""

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """The distance of two raw outputs, N×… each, and whether that is within the tolerance.

        By default as numbers; a kind whose numbers stand for something else adds its own measures.

        Args:
            expected: what one side says.
            got: what the other says of the same samples.
            spec: of the output.
            tolerance: to judge by.
            chosen_otherwise: positions where the expected side was given the other's choice at a near tie, to be told of.
        """
        return judged(spec.name, numeric(expected, got), tolerance, ties=chosen_otherwise)

    def contradiction(self, output: np.ndarray, spec: OutputSpec) -> str:
        """Why raw outputs N×… can't be what the spec calls them, in words; empty where they can."""
        return ""

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The raw outputs N×h×w×… of mirrored pictures, turned back: left becomes right."""
        return output[:, :, ::-1]

    def resize(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Raw outputs N×h×w×C at another size (H, W), bilinearly: for pictures that were asked at several scales."""
        return bilinear(output, size)

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Raw outputs as what may be averaged over several views of one picture."""
        return output

    def pooled_spec(self, spec: OutputSpec) -> OutputSpec:
        """The meaning of such an average."""
        return spec


class OneView(Kind):
    """A kind whose answers to several views or tiles of a picture are not put together."""

    refusal: ClassVar[str]  # what who asks for that is told

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Nothing of a mirrored picture.

        Raises:
            InputError: always.
        """
        raise InputError(self.refusal)

    def resize(self, output: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Likewise.

        Raises:
            InputError: always.
        """
        raise InputError(self.refusal)

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Likewise.

        Raises:
            InputError: always.
        """
        raise InputError(self.refusal)


def judged(output: str, measures: dict[str, float], tolerance: Tolerance, classes: int = 0, ties: int = 0) -> Comparison:
    """The comparison of these measures, with its verdict.

    Args:
        output: the output's name.
        measures: of `zoo.outputs.comparison.numeric` and of the kind.
        tolerance: to judge them by.
        classes: that the expected answer has, where it has any.
        ties: positions chosen otherwise at near ties.
    """
    broken, constant = tolerance.broken(measures), tolerance.constant(measures)
    measures = {name: value for name, value in measures.items() if name not in ("spread", "range")}
    if math.isinf(measures["max_abs"]):
        return Comparison(output, measures, classes, ties, False, "holds NaN or infinity")
    if broken:
        return Comparison(output, measures, classes, ties, False, "; ".join(broken))
    if constant:
        reason = "the answer is constant on these samples: equality proves little"
        return Comparison(output, measures, classes, ties, None, reason)
    return Comparison(output, measures, classes, ties, True, "within the tolerance")
