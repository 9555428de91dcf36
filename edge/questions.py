"""Questions about a picture, in words, by a file that takes picture, question and answers side by side.

>>> with edge.Runner("vqa.tflite") as runner:
...     shares = ask(runner, picture, "what is left of the disk ?", ["star", "ring", "box", "triangle"])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.outputs.choices import in_numbers

if TYPE_CHECKING:
    from edge.images import Picture
    from edge.runner import Runner


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
    words = in_numbers(runner.card.inputs, runner.card.labels, question, answers, runner.path.name)
    return runner({"picture": picture, **words})
