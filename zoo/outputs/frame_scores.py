"""Frame scores: a number for each class, of every frame of a film."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from zoo.errors import InputError, unknown
from zoo.outputs.class_map import label_of, write_words
from zoo.outputs.class_scores import ClassScores, probabilities
from zoo.outputs.spec import OutputSpec

# What a network of frames can be asked for → the activation that gives it.
OUTPUTS = {"logits": "linear", "probabilities": "softmax"}


class FrameScores(ClassScores):
    """Scores 1×k×C of what happens in each of k frames, which become probabilities k×C."""

    name = "frame_scores"
    words = "what happens in every frame"
    pixelwise = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 k×C, probabilities, a row a frame.

        Raises:
            InputError: for scores of another number of classes than there are labels.
        """
        if output.ndim < 2 or (spec.labels and output.shape[-1] != len(spec.labels)):
            expected = f"{len(spec.labels) or 'C'} scores a frame"
            raise InputError(f"an output of shape {output.shape}; expected {expected}")
        return probabilities(output.reshape(-1, output.shape[-1]), spec)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """What happens from frame to frame, frames of one class together: "1–3 still, 4–8 left"."""
        place, parts = 1, []
        for index, frames in groupby(answer.argmax(axis=-1).tolist()):
            last = place + len(list(frames)) - 1
            parts.append(f"{place}{f'–{last}' if last > place else ''} {label_of(spec, index)}")
            place = last + 1
        return ", ".join(parts)

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """`describe`'s words in the first frame's upper left corner."""
        return write_words(picture, self.describe(answer, spec).replace(", ", "\n"))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_frames.csv: of each frame, from 1, the likeliest class and its probability."""
        path = stem.with_name(f"{stem.name}_frames.csv")
        best = answer.argmax(axis=-1).tolist()
        names = [label_of(spec, index).replace('"', '""') for index in best]
        rows = [f'{at + 1},"{name}",{answer[at, index]:.6g}' for at, (name, index) in enumerate(zip(names, best, strict=True))]
        path.write_text("frame,class,probability\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Itself: frames follow each other whichever way they are seen. What moves to the left does not, seen in a mirror."""
        return output


def frame_output(labels: Sequence[str] = (), palette: Sequence[Sequence[int]] = (), output: str = "logits") -> OutputSpec:
    """The spec of a network of frames.

    Args:
        labels: one name a class.
        palette: one (r, g, b) a class; by default PASCAL VOC's colour map.
        output: a key of `OUTPUTS`.

    Raises:
        InputError: for an unknown output.
    """
    if output not in OUTPUTS:
        raise unknown("output", output, OUTPUTS)
    colours = tuple(tuple(colour) for colour in palette or ())
    return OutputSpec("frame_scores", channels=len(labels), labels=tuple(labels), palette=colours, activation=OUTPUTS[output])
