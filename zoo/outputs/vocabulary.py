"""Vocabulary: texts as the numbers of their tokens, and back; a token is a character or a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.outputs.spec import OutputSpec

UNITS = ("characters", "words")
UNKNOWN = "<unknown>"  # the word that stands for all that have no number
START = "<start>"  # the word that a sentence begins behind
END = "<end>"  # the word that ends a sentence
PADDING = "<padding>"  # the word that fills up what is behind the end
SENTENCES = (PADDING, START, END)  # that a vocabulary of sentences begins with, and so their numbers
_WORDS = re.compile(r"\n|<\w+>|[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
_CLOSING = frozenset(".,;:!?)\n")  # marks that stand at the word before them


class Vocabulary:
    """The tokens that a network knows, by their numbers.

    Args:
        tokens: the text of each, as a network's labels have it. Where all are single characters, texts are taken by
            characters, else by words in small letters, marks and ends of lines.

    Raises:
        InputError: for no tokens.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        if not tokens:
            raise InputError("a vocabulary of no tokens; a network of texts names its tokens in its labels")
        self.tokens = tuple(tokens)
        self.unit = UNITS[0] if all(len(token) == 1 for token in tokens) else UNITS[1]
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        if self.unit == UNITS[1]:  # texts are read in small letters, and German writes nouns with large ones
            for number, token in enumerate(self.tokens):
                self._numbers.setdefault(token.lower(), number)

    def __len__(self) -> int:
        return len(self.tokens)

    def number(self, token: str) -> int | None:
        """The number of a token; None of one that is not there."""
        return self._numbers.get(token)

    def encode(self, text: str) -> list[int]:
        """A text as numbers.

        Raises:
            InputError: for a token that is not in the vocabulary, where none stands for those.
        """
        numbers = [self._numbers.get(token, self._numbers.get(UNKNOWN)) for token in split(text, self.unit)]
        if None in numbers:
            stray = split(text, self.unit)[numbers.index(None)]
            raise InputError(f"{stray!r} is none of the {len(self)} {self.unit} that the network knows; leave it out")
        return numbers

    def text(self, numbers: Iterable[int]) -> str:
        """The text of numbers: characters side by side, words with blanks between them."""
        tokens = [self.tokens[number] for number in numbers]
        if self.unit == UNITS[0]:
            return "".join(tokens)
        spaced = (token if token in _CLOSING else f" {token}" for token in tokens)
        return "".join(spaced).replace("\n ", "\n").strip(" ")


def split(text: str, unit: str) -> list[str]:
    """A text's tokens.

    Args:
        text: any.
        unit: of `UNITS`.
    """
    return list(text) if unit == UNITS[0] else _WORDS.findall(text.lower())


def words_of(spec: OutputSpec) -> tuple[str, ...]:
    """The words of the sentences that an output's network reads or says, by their numbers: its labels, unless those are classes
    of what is read."""
    return tuple(spec.options.get("vocabulary") or spec.labels)


def sentence(text: str, vocabulary: Sequence[str], reads: int, reader: str) -> np.ndarray:
    """A sentence as a picture of one row, uint8 1×reads×1: the number of each word, that of `END`, and that of `PADDING`.

    Args:
        text: words of the vocabulary.
        vocabulary: with END and PADDING.
        reads: words that are read, the end with them.
        reader: who reads, for messages.

    Raises:
        InputError: for an unknown word, no word, and more of them than are read.
    """
    numbers = [*Vocabulary(vocabulary).encode(text), vocabulary.index(END)]
    if not 1 < len(numbers) <= reads:
        raise InputError(f"{text!r} has {len(numbers) - 1} words; {reader} reads 1 to {reads - 1}")
    return np.array(numbers + [vocabulary.index(PADDING)] * (reads - len(numbers)), np.uint8)[None, :, None]
