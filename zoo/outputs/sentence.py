"""Sentence: words one after the other, each said behind the words before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import OneView, judged
from zoo.outputs.class_map import write_words
from zoo.outputs.comparison import Comparison, Tolerance, numeric
from zoo.outputs.near_ties import NEAR, spread
from zoo.outputs.spec import OutputSpec
from zoo.outputs.vocabulary import END, PADDING, START, Vocabulary

_LINE = 44  # characters of a line under a picture


class SentenceOutput(OneView):
    """Scores n×V of the word at each place of a sentence, where each place goes on from the likeliest word of the one before.

    An answer is int32 n, the numbers of the likeliest words before the one that ends the sentence; all of them where none does.
    """

    name = "sentence"
    refusal = "sentences are of one view of a picture; leave out flip=, scales= and tiles="
    pixelwise = False

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """int32 n, words before the end.

        Raises:
            InputError: for an output that is not n×V, or scores of another number of words than there are labels.
        """
        if output.ndim != 2 or (spec.labels and output.shape[-1] != len(spec.labels)):
            expected = f"n×{len(spec.labels) or 'V'}"
            raise InputError(f"an output of shape {output.shape}; a sentence is {expected}, scores of every word at each place")
        return until_end(output.argmax(axis=-1), spec.labels)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The sentence."""
        return text(answer, spec.labels)

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The picture with the sentence in its upper left corner, in lines."""
        import textwrap

        return write_words(picture, "\n".join(textwrap.wrap(self.describe(answer, spec), _LINE)))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM.txt."""
        path = stem.with_name(f"{stem.name}.txt")
        path.write_text(self.describe(answer, spec) + "\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers over the places that both reached by the same words, and by "agreement", the share of words alike.

        Behind a word that one side chose otherwise all is another sentence: that word counts against the other side, and what
        follows it does not; where the expected side's own scores tie but for rounding, not even that.
        """
        words, margin = expected.argmax(axis=-1), NEAR * spread(expected)
        others, right, total = got.argmax(axis=-1), 0, 0
        held: list[tuple[int, int]] = []
        for index, sentence in enumerate(words):
            count = min(len(until_end(sentence, spec.labels)) + 1, len(sentence))
            for place in range(count):
                held.append((index, place))
                total += 1
                if sentence[place] == others[index, place]:
                    right += 1
                    continue
                scores = expected[index, place]
                if scores[sentence[place]] - scores[others[index, place]] <= margin:
                    chosen_otherwise, total = chosen_otherwise + 1, total - 1
                break
        places = tuple(np.array(held).T)
        measures = numeric(expected[places], got[places]) | {"agreement": right / total if total else 1.0}
        return judged(spec.name, measures, tolerance, ties=chosen_otherwise)


def sentence_output(labels: Sequence[str] = ()) -> OutputSpec:
    """The spec of a network that says a sentence.

    Args:
        labels: the vocabulary, with what fills up, begins and ends a sentence in front.
    """
    return OutputSpec("sentence", channels=len(labels) or None, labels=tuple(labels))


def until_end(numbers: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """int32 n, the words of a sentence before its end."""
    end = labels.index(END) if END in labels else -1
    ends = np.flatnonzero(np.asarray(numbers) == end)
    return np.asarray(numbers, np.int32)[: ends[0] if ends.size else None]


def text(numbers: Sequence[int] | np.ndarray, labels: Sequence[str]) -> str:
    """A sentence in letters, without the marks that begin and fill it up; numbers where the words are not known."""
    if not labels:
        return " ".join(map(str, np.asarray(numbers).tolist()))
    marks = {labels.index(mark) for mark in (PADDING, START, END) if mark in labels}
    return Vocabulary(labels).text(number for number in np.asarray(numbers).tolist() if number not in marks)
