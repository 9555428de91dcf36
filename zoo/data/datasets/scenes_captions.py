"""Scenes with a sentence that says what is in them, from left to right."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.grammar import LANGUAGES, Words, longest, said, vocabulary
from zoo.data.datasets.scenes.sentences import rows
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.datasets.scenes.things import things
from zoo.data.registry import Option, dataset
from zoo.data.targets import Sentence
from zoo.errors import InputError, unknown
from zoo.outputs.vocabulary import END, PADDING

LANGUAGE = Option("english or german", "english|german", str)


class CaptionScenes(SceneSet):
    """Captioning: the picture, uint8 H×W×3, and "from left to right : a dotted disk and a grainy star ." of it.

    The target is a `Sentence` of `length` numbers: the words', that of `zoo.outputs.vocabulary.END`, and 0, that of PADDING,
    which is also `ignore`. `classes` are the words, of which START is one: a network that is shown the words before each begins
    with it. Its references are the orders that are right where things stand nearly above each other.
    """

    prefix = "scenes_captions"
    task = "captioning"
    target = Sentence
    language = "english"

    def __init__(
        self, count: int = 2000, size: int | tuple[int, int] = (128, 128), seed: int = 0, split: str = "train"
    ) -> None:
        super().__init__(count, size, seed, split)
        if self.size[0] != self.size[1]:
            sides = f"{self.size[0]}×{self.size[1]}"
            raise InputError(f"{self.prefix}: size {sides}; only a square has few enough things for a sentence, give one side")
        self.classes = vocabulary(self.language)
        self.length = longest(self.language)
        self.ignore = self.classes.index(PADDING)

    def question(self, one: Scene) -> tuple[np.ndarray, Sentence]:
        right = [self.numbers(said(row, self.language)) for row in rows(things(one))]
        return one.image, Sentence(right[0], np.stack(right), self.ignore)

    def numbers(self, words: Words) -> np.ndarray:
        """A sentence as int32 `length`."""
        return numbered(words, self.classes, self.length)


class GermanCaptionScenes(CaptionScenes):
    """The same pictures and sentences in German."""

    language = "german"


def numbered(words: Iterable[str], tokens: Words, length: int) -> np.ndarray:
    """A sentence as int32 numbers of tokens: its words, END, and PADDING up to the length."""
    numbers = [tokens.index(word) for word in (*words, END)]
    return np.array(numbers + [tokens.index(PADDING)] * (length - len(numbers)), np.int32)


_SETS = {kind.language: kind for kind in (CaptionScenes, GermanCaptionScenes)}


@dataset(
    "scenes_captions",
    spec="scenes_captions[:…]",
    help="the same scenes, with a sentence in language=english or german that says what is there from left to right",
    options={**OPTIONS, "language": LANGUAGE},
)
def scenes_captions(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (128, 128), language: str = "english"
) -> CaptionScenes:
    """Scenes with captions.

    Raises:
        InputError: for an unknown language, a size that is no square, and what every data set of scenes refuses.
    """
    if language not in _SETS:
        raise unknown("language", language, LANGUAGES)
    return open_scenes(_SETS[language], split, count, size, seed)
