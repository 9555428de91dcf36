"""Choices: how likely each of the given answers to a question is to be the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.errors import InputError, unknown
from zoo.outputs.class_map import write_words
from zoo.outputs.class_scores import ClassScores, probabilities
from zoo.outputs.spec import InputSpec, OutputSpec
from zoo.outputs.vocabulary import Vocabulary

INPUTS = ("picture", "question", "answers")  # of a network that is asked, by name
# What a network of choices can be asked for → the activation that gives it.
OUTPUTS = {"logits": "linear", "probabilities": "softmax"}


class Choices(ClassScores):
    """Scores of the answers that were given beside a question, n, which become probabilities.

    The spec's labels are the vocabulary that questions and answers are written in, and not the answers: these are part of what
    is asked, and where its options have "answers", the texts that were given, an answer is called by its own.
    """

    name = "choices"
    words = "choice of answers"
    pixelwise = False
    asked = True
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
        """The likeliest answer, in its own words where they are known, else by its place, from 1."""
        best = int(np.argmax(answer))
        return f"{_names(answer, spec)[best]}: {100 * answer[best]:.1f} %"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """`describe`'s words in the picture's upper left corner."""
        return write_words(picture, self.describe(answer, spec).replace(": ", "\n"))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_choices.csv: the probability of each answer, by its words where they are known, else by its place from 1."""
        path = stem.with_name(f"{stem.name}_choices.csv")
        said = [text.replace('"', '""') for text in spec.options.get("answers", ())]
        names = [f'"{text}"' for text in said] or range(1, len(answer) + 1)
        rows = [f"{name},{share:.6g}" for name, share in zip(names, answer.tolist(), strict=True)]
        path.write_text("answer,probability\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Itself: a choice has no left or right."""
        return output


def _names(answer: np.ndarray, spec: OutputSpec) -> Sequence[str]:
    return spec.options.get("answers") or [f"answer {place} of {len(answer)}" for place in range(1, len(answer) + 1)]


def in_numbers(
    specs: Sequence[InputSpec], labels: Sequence[str], question: str, answers: Sequence[str], reader: str
) -> Mapping[str, np.ndarray]:
    """A question and its answers as the inputs beside the picture take them, float32 1×lines×words×1 by name.

    Args:
        specs: of the network's inputs.
        labels: its vocabulary.
        question: in words that it knows; with its mark, where it has learnt such.
        answers: as many as it compares.
        reader: its name, for messages.

    Raises:
        InputError: for a network that is asked nothing, words that it does not know, more of them than there is room for, and
            another number of answers.
    """
    inputs = {spec.name: spec for spec in specs}
    if set(inputs) != set(INPUTS):
        raise InputError(f"{reader} takes {', '.join(inputs)}; what is asked takes {', '.join(INPUTS)}")
    vocabulary, (count, _) = Vocabulary(labels), inputs["answers"].size
    if isinstance(answers, str) or len(answers) != count:
        given = 1 if isinstance(answers, str) else len(answers)
        raise InputError(f"{given} answers given; {reader} chooses among {count}")
    asked = _line(vocabulary, question, inputs["question"], in_front=True)
    said = np.concatenate([_line(vocabulary, answer, inputs["answers"]) for answer in answers])
    return {"question": asked[None, ..., None], "answers": said[None, ..., None]}


def _line(vocabulary: Vocabulary, text: str, spec: InputSpec, in_front: bool = False) -> np.ndarray:
    """A text as float32 1×length, filled up with 0 in front of it or behind."""
    numbers, (_, length) = vocabulary.encode(text), spec.size
    if not 1 <= len(numbers) <= length:
        raise InputError(f"{text!r} is of {len(numbers)} words; {spec.name!r} has room for 1 to {length}")
    rest = [0] * (length - len(numbers))
    return np.array([[*rest, *numbers] if in_front else [*numbers, *rest]], np.float32)


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
