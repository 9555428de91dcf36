"""Choices: how likely each of the given answers to a question is to be the right one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.errors import InputError, unknown
from zoo.outputs.class_map import write_words
from zoo.outputs.class_scores import ClassScores, probabilities
from zoo.outputs.spec import OutputSpec

# What a network of choices can be asked for → the activation that gives it.
OUTPUTS = {"logits": "linear", "probabilities": "softmax"}


class Choices(ClassScores):
    """Scores of the answers that were given beside a question, n, which become probabilities.

    The spec's labels are the vocabulary that questions and answers are written in, and not the answers: these are part of what
    is asked.
    """

    name = "choices"
    words = "choice of answers"
    pixelwise = False
    stretches = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 n, probabilities in the answers' order.

        Raises:
            InputError: for one score alone, among which there is nothing to choose.
        """
        scores = output.reshape(-1)
        if scores.size < 2:
            raise InputError(f"an output of shape {output.shape}; a choice is among two answers or more, a score each")
        return probabilities(scores, spec)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The likeliest answer by its place, from 1."""
        best = int(np.argmax(answer))
        return f"answer {best + 1} of {len(answer)}: {100 * answer[best]:.1f} %"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """`describe`'s words in the picture's upper left corner."""
        return write_words(picture, self.describe(answer, spec).replace(": ", "\n"))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_choices.csv: the probability of each answer, by its place from 1."""
        path = stem.with_name(f"{stem.name}_choices.csv")
        rows = [f"{place},{share:.6g}" for place, share in enumerate(answer.tolist(), start=1)]
        path.write_text("answer,probability\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Itself: a choice has no left or right."""
        return output


def choice_output(labels: Sequence[str] = (), output: str = "logits") -> OutputSpec:
    """The spec of a network of choices.

    Args:
        labels: the vocabulary of questions and answers.
        output: a key of `OUTPUTS`.

    Raises:
        InputError: for an unknown output.
    """
    if output not in OUTPUTS:
        raise unknown("output", output, OUTPUTS)
    labels = tuple(labels)
    return OutputSpec("choices", channels=len(labels) or None, labels=labels, activation=OUTPUTS[output], scale=None)
