"""Numbers: values whose meaning is not known, as the outputs of files that other people wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind
from zoo.outputs.spec import OutputSpec


class Numbers(Kind):
    """An array of any shape, which is compared as numbers and no answer to a picture."""

    name = "numbers"
    words = "unknown"
    known = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """No answer: a guess would be a wrong one without a word.

        Raises:
            InputError: always, naming what says more.
        """
        raise InputError(
            f"it can't be told what the numbers of {spec.name!r}, {shape_of(output)} a picture, mean: say it with "
            'output="logits", "probabilities" or "class_map", with labels= and input_range= '
            "(--output, --labels, --input-range), or take them as they are: run(tensor)"
        )

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The shape, and the least and the greatest value."""
        shape = shape_of(answer)
        ends = f" from {answer.min():.4g} to {answer.max():.4g}" if answer.size else ""
        return f"{shape} values{ends} {spec.unit}".rstrip()

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The picture with `describe`'s words in its upper left corner."""
        from zoo.outputs.class_scores import write_words

        return write_words(picture, self.describe(answer, spec))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM.npy."""
        path = stem.with_name(f"{stem.name}.npy")
        np.save(path, answer)
        return path

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Maps N×h×w×C are turned back; what has no positions has no left or right."""
        return output[:, :, ::-1] if output.ndim == 4 else output


def shape_of(values: np.ndarray) -> str:
    """An array's shape in words."""
    return "×".join(map(str, values.shape)) or "1"
