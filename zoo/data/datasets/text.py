"""Texts: a file's characters or words, in windows that follow each other, and what comes after each of them.

The first 90 % train and the rest is "val", uncut and unshuffled, as char-rnn and nanoGPT split them: neighbouring lines
belong together.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.registry import WHOLE, Option, dataset
from zoo.data.sample import Sample
from zoo.data.targets import Tokens
from zoo.errors import InputError, unknown
from zoo.outputs.vocabulary import UNITS, UNKNOWN
from zoo.outputs.vocabulary import split as split_text

SHARE = 0.9  # of the text that trains
SPLITS = ("train", "val")
HELD_OUT = 1024  # tokens of a window of held-out text, which are scored
CONTEXT = 128  # tokens before them, which are read and not scored
UNSCORED = -1  # a target that does not count
_SEVERAL = 2  # tokens that a vocabulary holds at least, and how often a word occurs to be one


class Text(Dataset):
    """A text in windows: the tokens 1×n×1, and as the target the token that follows each.

    Training windows lie side by side. `order` lays them out for states to be carried on: each sample of a batch goes on
    where the one in its place of the batch before ended, and from epoch to epoch too. Held-out windows are longer and have the
    text before them, which is read and not scored; each token of the split is scored once.

    Args:
        name: for tables and messages.
        tokens: the numbers of the split's tokens, in the text's order.
        vocabulary: the text of each token.
        length: tokens of a window that count.
        context: tokens before them that do not.

    Raises:
        InputError: for a text that is shorter than a window.
    """

    task = "language_model"
    target = Tokens
    ignore = UNSCORED
    channels = 1

    def __init__(self, name: str, tokens: np.ndarray, vocabulary: tuple[str, ...], length: int, context: int = 0) -> None:
        if len(tokens) < context + length + 1:
            raise InputError(
                f"{name}: {len(tokens)} tokens, and a window takes {context + length + 1}; give a longer text or length="
            )
        self.name, self.classes = name, vocabulary
        self._tokens, self._length, self._context = tokens, length, context
        answers = len(tokens) - 1
        self._count = -(-answers // length) if context else answers // length  # in training whole windows only

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        first = self.position(index) * self._length  # of the window's tokens that count
        last = min(first + self._length, len(self._tokens) - 1)
        width = self._context + self._length
        start = min(max(0, first - self._context), len(self._tokens) - 1 - width)
        window = self._tokens[start : start + width + 1]
        answers = window[1:].astype(np.int32)
        answers[: first - start] = UNSCORED
        answers[last - start :] = UNSCORED
        return Sample(window[None, :-1, None], Tokens(answers, padding=UNSCORED), f"{self.name} {first}")

    def order(self, epoch: int, batch_size: int, seed: int) -> np.ndarray:
        """Each place of a batch reads a part of the text, from window to window, and the next part in the next epoch."""
        steps = max(1, len(self) // batch_size)
        places = min(batch_size, len(self))
        parts = (np.arange(places) + epoch) % places
        return (parts[None] * steps + np.arange(steps)[:, None]).reshape(-1)


@dataset(
    "text",
    spec="text:PATH",
    help="a text file's characters (or unit=words), each learnt from those before it",
    options={
        "length": WHOLE,
        "unit": Option("characters or words", "characters|words", str),
    },
)
def text(path: Path, split: str, *, length: int = 64, unit: str = "characters") -> Text:
    """A UTF-8 file's first 90 % ("train") or the rest ("val").

    Args:
        path: of the file.
        split: one of `SPLITS`.
        length: tokens of a training window.
        unit: of `UNITS`. Words occur twice at least in the part that trains; others are "<unknown>".

    Raises:
        InputError: for a file that is missing, no text, or holds one token only.
    """
    if split not in SPLITS:
        raise unknown("split of text", split, SPLITS)
    if not path.is_file():
        raise InputError(f"text:{path}: there is no such file; give the path of a text in UTF-8")
    try:
        tokens = split_text(path.read_bytes().decode("utf-8"), unit)
    except UnicodeDecodeError as error:
        raise InputError(f"text:{path} is no text in UTF-8 ({error.reason} at byte {error.start})") from error
    cut = int(SHARE * len(tokens))
    vocabulary = _vocabulary(tokens, tokens[:cut], unit)
    if len(vocabulary) < _SEVERAL:
        raise InputError(f"text:{path} holds {len(vocabulary)} different {unit}; there is nothing to tell apart")
    numbers = {token: number for number, token in enumerate(vocabulary)}
    part = tokens[:cut] if split == SPLITS[0] else tokens[cut:]
    other = numbers.get(UNKNOWN, 0)
    values = np.array([numbers.get(token, other) for token in part], np.int32)
    name = f"{path.stem}/{split}"
    if split == SPLITS[0]:
        return Text(name, values, vocabulary, length)
    return Text(name, values, vocabulary, min(HELD_OUT, max(1, len(values) - CONTEXT - 1)), CONTEXT)


def _vocabulary(tokens: list[str], training: list[str], unit: str) -> tuple[str, ...]:
    """All characters of the file, in the order of their numbers; or the words that training sees often enough."""
    if unit == UNITS[0]:
        return tuple(sorted(set(tokens)))
    words, counts = np.unique(np.array(training, object).astype(str), return_counts=True)
    return (UNKNOWN, *words[counts >= _SEVERAL].tolist())
