"""Class scores: a number for each class, of every pixel or of the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.errors import InputError, unknown
from zoo.outputs.base import Kind, judged
from zoo.outputs.class_map import MOST_CLASSES, draw_classes, label_of, share_of_classes, write_classes, write_words
from zoo.outputs.comparison import Comparison, Tolerance, class_agreement, numeric
from zoo.outputs.near_ties import at_near_ties, two_scores
from zoo.outputs.outlines import best_classes
from zoo.outputs.spec import OutputSpec

_LIKELIEST = 3
_CLOSE = 0.02  # of sums and ends of probabilities in 8 bits
# What a network that tells classes apart can be asked for → the kind and the activation that give it.
OUTPUTS = {
    "logits": ("class_scores", "linear"),
    "probabilities": ("class_scores", "softmax"),
    "class_map": ("class_map", "argmax"),
}


def class_output(
    labels: Sequence[str], palette: Sequence[Sequence[int]] = (), output: str = "logits", scale: int | None = 1
) -> OutputSpec:
    """The spec of a network that tells classes apart.

    Args:
        labels: one name a class.
        palette: one (r, g, b) in 0–255 a class; by default PASCAL VOC's colour map.
        output: a key of `OUTPUTS`.
        scale: as of `OutputSpec`; None for one class a picture.

    Raises:
        InputError: for an unknown output.
    """
    if output not in OUTPUTS:
        raise unknown("output", output, OUTPUTS)
    kind, activation = OUTPUTS[output]
    colours = tuple(tuple(colour) for colour in palette or ())
    return OutputSpec(kind, channels=len(labels), labels=tuple(labels), palette=colours, activation=activation, scale=scale)


class ClassScores(Kind):
    """Scores h×w×C, which become the best class of each pixel; or C, which become probabilities.

    A single channel is the score of the second of two classes, which is there from 0 on, or from 0.5 behind a sigmoid.
    """

    name = "class_scores"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """Dense: uint8 H×W, the best class after the scores were resized, so that edges fall between the coarse pixels.
        Else float32 (classes,), probabilities."""
        if not spec.dense:
            shares = probabilities(output.reshape(-1), spec)
            return np.concatenate([1 - shares, shares]) if shares.size == 1 else shares
        if max(output.shape[-1], spec.classes) > MOST_CLASSES:
            raise InputError(f"{output.shape[-1]} classes: a uint8 class map holds {MOST_CLASSES}; use the raw output")
        return best_classes(output, size, _cut(spec))

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The share of each class that is there, largest first; of a whole picture the three likeliest classes."""
        if spec.dense:
            return share_of_classes(answer, spec)
        order = np.argsort(answer)[::-1][:_LIKELIEST]
        return ", ".join(f"{label_of(spec, index)} {100 * answer[index]:.1f} %" for index in order)

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The classes' colours over the picture; of a whole picture the likeliest classes in its upper left corner."""
        if spec.dense:
            return draw_classes(picture, answer, spec)
        return write_words(picture, self.describe(answer, spec).replace(", ", "\n"))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_mask.png of a class map; STEM_classes.csv, a class a line, of probabilities."""
        if spec.dense:
            return write_classes(answer, spec, stem)
        path = stem.with_name(f"{stem.name}_classes.csv")
        names = (label_of(spec, index).replace('"', '""') for index in range(len(answer)))  # as CSV quotes a quotation mark
        lines = [f'"{name}",{share:.6g}' for name, share in zip(names, answer.tolist(), strict=True)]
        path.write_text("class,probability\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by the classes that they say ("agreement", of maps "iou")."""
        scores, other = _chosen_from(expected, spec), _chosen_from(got, spec).argmax(axis=-1)
        ties = at_near_ties(scores, other)
        agreement, classes = class_agreement(ties.chosen, other, spec.dense)
        count = chosen_otherwise + ties.otherwise
        result = judged(spec.name, numeric(expected, got) | agreement, tolerance, classes, count)
        if result.passed and classes < 2 and "agreement" in tolerance.bounds:
            reason = "one class is all that is said on these samples: equality proves little"
            return replace(result, passed=None, reason=reason)
        if result.passed and classes < 2 and spec.dense:
            return replace(result, reason="one class everywhere: judged by the scores alone")
        return result

    def contradiction(self, output: np.ndarray, spec: OutputSpec) -> str:
        """Probabilities lie from 0 to 1, those of a softmax add up to 1, and logits do so by no chance."""
        if not output.size or not np.isfinite(output).all():
            return ""
        unit = output.min() > -_CLOSE and output.max() < 1 + _CLOSE
        whole = output.shape[-1] > 1 and np.allclose(output.sum(axis=-1), 1, atol=_CLOSE)
        if spec.activation == "linear":
            return "the values add up to 1 as probabilities do, and are called logits" if unit and whole else ""
        if not unit:
            return f"the values lie from {output.min():.3g} to {output.max():.3g}, and are called a {spec.activation}"
        return "the values do not add up to 1, and are called a softmax" if spec.activation == "softmax" and not whole else ""

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Maps N×h×w×C are turned back; scores of whole pictures N×C have no left or right."""
        return output[:, :, ::-1] if output.ndim == 4 else output

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Probabilities, N×…×C."""
        return probabilities(output, spec)

    def pooled_spec(self, spec: OutputSpec) -> OutputSpec:
        """Probabilities stay such."""
        return replace(spec, activation="sigmoid" if spec.channels == 1 else "softmax")


def _chosen_from(scores: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Scores …×C whose largest is the class that `best_class` says: two where there is one."""
    return two_scores(scores - _cut(spec)) if scores.shape[-1] == 1 else scores


def _cut(spec: OutputSpec) -> float:
    return 0.5 if spec.activation == "sigmoid" else 0.0


def best_class(scores: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Scores …×C as class indices (…), as a reader of the answer would decide."""
    if scores.shape[-1] == 1:
        return (scores[..., 0] > _cut(spec)).astype(np.uint8)
    return scores.argmax(axis=-1)


def probabilities(scores: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Scores …×C as float32 probabilities, by the activation that is still missing."""
    scores = scores.astype(np.float32, copy=False)
    if spec.activation != "linear":
        return scores
    if scores.shape[-1] == 1:
        return 1 / (1 + np.exp(-scores))
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
