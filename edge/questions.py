"""Questions about a picture, in words, by a file that takes picture, question and answers side by side.

>>> with edge.Runner("vqa.tflite") as runner:
...     shares = ask(runner, picture, "what is left of the disk ?", ["star", "ring", "box", "triangle"])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import InputError
from zoo.outputs import InputSpec
from zoo.outputs.vocabulary import Vocabulary

if TYPE_CHECKING:
    from edge.images import Picture
    from edge.runner import Runner

INPUTS = ("picture", "question", "answers")


def ask(runner: Runner, picture: Picture, question: str, answers: Sequence[str]) -> np.ndarray:
    """How likely each of the given answers is, float32 n, sum 1.

    Args:
        runner: of a file of a network of questions, whose labels are its vocabulary.
        picture: uint8 H×W×3 of any size.
        question: in words that it knows; with its mark, where it has learnt such.
        answers: as many as it compares.

    Raises:
        InputError: for another file, words that it does not know, more of them than there is room for, and another number of
            answers.
    """
    specs = {spec.name: spec for spec in runner.card.inputs}
    if set(specs) != set(INPUTS):
        raise InputError(f"{runner.path.name} takes {', '.join(specs)}; a file that is asked takes {', '.join(INPUTS)}")
    vocabulary, (count, _) = Vocabulary(runner.card.labels), specs["answers"].size
    if isinstance(answers, str) or len(answers) != count:
        given = 1 if isinstance(answers, str) else len(answers)
        raise InputError(f"{given} answers given; {runner.path.name} chooses among {count}")
    asked = _line(vocabulary, question, specs["question"], in_front=True)
    said = np.concatenate([_line(vocabulary, answer, specs["answers"]) for answer in answers])
    return runner({"picture": picture, "question": asked[None, ..., None], "answers": said[None, ..., None]})


def _line(vocabulary: Vocabulary, text: str, spec: InputSpec, in_front: bool = False) -> np.ndarray:
    """A text as float32 1×length, filled up with 0 in front of it or behind."""
    numbers, (_, length) = vocabulary.encode(text), spec.size
    if not 1 <= len(numbers) <= length:
        raise InputError(f"{text!r} is of {len(numbers)} words; {spec.name!r} has room for 1 to {length}")
    rest = [0] * (length - len(numbers))
    return np.array([[*rest, *numbers] if in_front else [*numbers, *rest]], np.float32)
