"""English sentences that are true of scenes, with their German."""

from __future__ import annotations

import functools
import itertools
import zlib

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.datasets.scenes import SPLITS, Scenes, SceneSet, scene
from zoo.data.datasets.scenes.grammar import LANGUAGES, Meaning, Total, longest, said, vocabulary
from zoo.data.datasets.scenes.sentences import meanings
from zoo.data.datasets.scenes.sets import OPTIONS
from zoo.data.datasets.scenes.things import things
from zoo.data.datasets.scenes_captions import numbered
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Sentence
from zoo.outputs.vocabulary import PADDING

A_SCENE = 8  # sentences are said of each scene
SIDE = 64  # pixels of it
_KEPT = 4096  # scenes and sentences that are remembered
_STREAM = 7  # of random numbers, beside those of the scene
_NEXT = 1 << 32  # scenes further on, where one says nothing for its split
_TENTHS = {"val": (0,), "test": (1,), "train": tuple(range(2, 10))}  # of all sentences, by their checksum


class Translations(Dataset):
    """Translation: an English sentence that is true of a scene, and the same in German.

    The image is uint8 1×length×1, the numbers of the English words, of END, and PADDING, so that it goes every road that texts
    go; the target is a `Sentence` of `length` likewise. Both have one vocabulary, `classes`. PADDING is 0, and `ignore`.

    No sentence of val or test is said in train: each belongs to one split, by a checksum of its English. Only how many things
    there are is said in all, four sentences with words of their own. Kinds of which more can be said of a scene are said more
    often, by the square root of how much.

    Args:
        scenes: that are spoken of, `A_SCENE` sentences about each.
        count: sentences.
    """

    task = "translation"
    target = Sentence
    channels = 1

    def __init__(self, scenes: SceneSet, count: int) -> None:
        self.scenes, self.count, self.name = scenes, count, f"scenes_translation/{scenes.split}"
        self.classes = vocabulary(*LANGUAGES)
        self.length = longest(*LANGUAGES)
        self.ignore = self.classes.index(PADDING)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        place = self.position(index)
        number, said_before = self.scenes.index(place // A_SCENE), place % A_SCENE
        meaning = self._meaning(number, np.random.default_rng((_STREAM, self.scenes.seed, number, said_before)))
        source, target = (numbered(said(meaning, language), self.classes, self.length) for language in LANGUAGES)
        return Sample(source[None, :, None].astype(np.uint8), Sentence(target, padding=self.ignore), f"{self.name}-{place:05d}")

    def _meaning(self, number: int, random: np.random.Generator) -> Meaning:
        """What is said of a scene, or of the next one of which something can be said in this split."""
        for step in itertools.count():
            by_kind = _sayable(self.scenes.seed, number + step * _NEXT, self.scenes.split)
            if len(by_kind) > 1:  # how many there are is said no more often for want of others
                chances = np.sqrt([len(each) for each in by_kind])
                kind = by_kind[random.choice(len(by_kind), p=chances / chances.sum())]
                return kind[random.integers(len(kind))]
        raise AssertionError  # there is always another scene


@functools.lru_cache(_KEPT)
def _sayable(seed: int, index: int, split: str) -> tuple[tuple[Meaning, ...], ...]:
    """What is true of a scene and belongs to a split, the meanings of one kind together."""
    by_kind: dict[type, list[Meaning]] = {}
    for meaning in meanings(things(scene(seed, index, SIDE))):
        if isinstance(meaning, Total) or split_of(meaning) == split:
            by_kind.setdefault(type(meaning), []).append(meaning)
    return tuple(map(tuple, by_kind.values()))


@functools.lru_cache(_KEPT)
def split_of(meaning: Meaning) -> str:
    """The split that a sentence belongs to, the same for ever."""
    tenth = zlib.crc32(" ".join(said(meaning)).encode()) % 10
    return next(split for split in SPLITS if tenth in _TENTHS[split])


@dataset(
    "scenes_translation",
    spec="scenes_translation[:seed=N,count=N]",
    help="English sentences about the same scenes and their German, in each split others",
    options={name: OPTIONS[name] for name in ("seed", "count")},
)
def scenes_translation(split: str, *, seed: int = 0, count: int = 20000) -> Translations:
    """Sentences to be translated.

    Raises:
        InputError: for a count below 1, and what every data set of scenes refuses.
    """
    if split != SPLITS[0] and count > 0:
        count = max(count // 10, 16)
    return Translations(Scenes(-(-count // A_SCENE), SIDE, seed, split), count)
