"""Tokens: how likely each token of a vocabulary is to come next, at every position of a text or behind its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind, judged
from zoo.outputs.class_map import label_of, write_words
from zoo.outputs.class_scores import ClassScores
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.near_ties import at_near_ties
from zoo.outputs.spec import OutputSpec

# What a network of tokens can be asked for → the activation that gives it.
OUTPUTS = {"logits": "linear", "probabilities": "softmax"}
_LIKELIEST = 3  # that a description names
_LEAST = np.finfo(np.float32).tiny  # probability of what a softmax rounds to 0
_PAGE = (96, 480)  # height and width of what is drawn, pixels


class TokenScores(Kind):
    """Scores h×w×V of what follows each position of a text, row by row, or V of what follows the last one.

    The answer is float32 n×V, natural logarithms of probabilities: what texts are scored and written on by
    (`zoo.outputs.decoding`).
    """

    name = "tokens"
    words = "next token"
    stretches = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 n×V, logarithms of probabilities, a row a position.

        Raises:
            InputError: for scores of another number of tokens than there are labels.
        """
        if not output.ndim or (spec.labels and output.shape[-1] != len(spec.labels)):
            expected = f"{len(spec.labels) or 'V'} scores a position"
            raise InputError(f"an output of shape {output.shape}; tokens are {expected}")
        return log_probabilities(output.reshape(-1, output.shape[-1]), spec)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The likeliest tokens behind the last position."""
        order = np.argsort(-answer[-1], kind="stable")[:_LIKELIEST]
        return "next: " + ", ".join(f"{label_of(spec, at)!r} {100 * np.exp(answer[-1, at]):.1f} %" for at in order)

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """A page with `describe`'s words: a text has no picture of its own."""
        page = np.full((*_PAGE, 3), 255, np.uint8)
        return write_words(page, self.describe(answer, spec).replace(", ", "\n"))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_tokens.csv: at each position the likeliest next token and the logarithm of its probability."""
        path = stem.with_name(f"{stem.name}_tokens.csv")
        best = answer.argmax(axis=-1)
        names = [label_of(spec, at).replace('"', '""') for at in best]
        rows = [f'{place},"{name}",{answer[place, at]:.6g}' for place, (name, at) in enumerate(zip(names, best, strict=True))]
        path.write_text("position,token,log_probability\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As logarithms of probabilities, and by "agreement", the share of positions with the same likeliest token."""
        expected, got = (log_probabilities(each, spec) for each in (expected, got))  # logits mean the same if all are shifted
        other = got.argmax(axis=-1)
        ties = at_near_ties(expected, other)
        measures = numeric(expected, got) | {"agreement": float(np.mean(ties.chosen == other))}
        return judged(spec.name, measures, tolerance, ties=chosen_otherwise + ties.otherwise)

    def contradiction(self, output: np.ndarray, spec: OutputSpec) -> str:
        """As of scores of classes."""
        return ClassScores().contradiction(output, spec)

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Itself: a text read backwards is another text."""
        return output

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Probabilities, N×…×V."""
        return np.exp(log_probabilities(output, spec))

    def pooled_spec(self, spec: OutputSpec) -> OutputSpec:
        """Probabilities stay such."""
        return replace(spec, activation="softmax")


def token_output(labels: Sequence[str] = (), output: str = "logits") -> OutputSpec:
    """The spec of a network of tokens.

    Args:
        labels: the text of each token of the vocabulary.
        output: a key of `OUTPUTS`.
    """
    return OutputSpec("tokens", channels=len(labels) or None, labels=tuple(labels), activation=OUTPUTS[output])


def log_probabilities(scores: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Scores …×V as float32 logarithms of probabilities, by the activation that is still missing."""
    scores = np.asarray(scores).astype(np.float32, copy=False)
    if spec.activation != "linear":
        return np.log(np.maximum(scores, _LEAST))
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
