"""Sheets: a picture with lines of text below it, so that it goes every road that pictures go.

A text's line is one row of pixels, the number of a word each, the same in all channels, and 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError

QUESTION, ANSWER, CHOICES = 12, 2, 4  # words of a question and of an answer at most, and answers to choose from
LINES = 1 + CHOICES  # of text below a picture
MOST = 256  # numbers that a pixel holds


def sheet(picture: np.ndarray, lines: Sequence[Sequence[int]]) -> np.ndarray:
    """A picture, uint8 H×W×C, with its lines below it, uint8 (H + lines)×W×C.

    Raises:
        InputError: for a line that is longer than the picture is wide, and numbers that are no bytes.
    """
    rows = np.zeros((len(lines), *picture.shape[1:]), np.uint8)
    for row, line in zip(rows, lines, strict=True):
        if len(line) > len(row) or any(not 0 <= number < MOST for number in line):
            raise InputError(f"a line {list(line)}; this picture has room for {len(row)} numbers from 0 to {MOST - 1} below it")
        row[: len(line)] = np.asarray(line, np.uint8).reshape(-1, 1)
    return np.concatenate([picture, rows])


def apart(page: np.ndarray, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """What a sheet holds: the picture H×W×C, and its lines as numbers, lines×W."""
    height = page.shape[0] - lines
    return page[:height], page[height:, :, 0]
