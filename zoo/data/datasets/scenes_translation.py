"""English sentences that are true of scenes, with their German."""

from __future__ import annotations

import itertools
import zlib

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet, scene
from zoo.data.datasets.scenes.grammar import LANGUAGES, Meaning, Total, longest, said, vocabulary
from zoo.data.datasets.scenes.sentences import meanings
from zoo.data.datasets.scenes.sets import OPTIONS, SPLITS, open_scenes
from zoo.data.datasets.scenes.things import things
from zoo.data.datasets.scenes_captions import numbered
from zoo.data.registry import dataset
from zoo.data.targets import Sentence
from zoo.outputs.vocabulary import PADDING

_STREAM = 7  # of random numbers, beside those of the scene
_NEXT = 1 << 32  # scenes further on, where one says nothing for its split
_TENTHS = {"val": (0,), "test": (1,), "train": tuple(range(2, 10))}  # of all sentences, by their checksum


class Translations(SceneSet):
    """Translation: an English sentence that is true of a scene, and the same in German.

    The image is int32 1×length×1, the numbers of the English words, of END, and PADDING, so that it goes every road that texts
    go; the target is a `Sentence` of `length` likewise. Both have one vocabulary, `classes`. PADDING is 0, and `ignore`.

    No sentence of val or test is said in train: each belongs to one split, by a checksum of its English. Only how many things
    there are is said in all, four sentences with words of their own. Kinds of which more can be said of a scene are said more
    often, by the square root of how much.
    """

    prefix = "scenes_translation"
    task = "translation"
    target = Sentence
    channels = 1

    def __init__(self, count: int = 20000, size: int | tuple[int, int] = 64, seed: int = 0, split: str = "train") -> None:
        super().__init__(count, size, seed, split)
        self.classes = vocabulary(*LANGUAGES)
        self.length = longest(*LANGUAGES)
        self.ignore = self.classes.index(PADDING)

    def question(self, one: Scene) -> tuple[np.ndarray, Sentence]:
        meaning = self._meaning(one)
        source, target = (numbered(said(meaning, language), self.classes, self.length) for language in LANGUAGES)
        return source[None, :, None], Sentence(target, padding=self.ignore)

    def _meaning(self, one: Scene) -> Meaning:
        """What is said of the scene, or of the next one of which something can be said in this split."""
        for step in itertools.count():
            seen = things(one if not step else scene(one.seed, one.index + step * _NEXT, one.size))
            by_kind: dict[type, list[Meaning]] = {}
            for meaning in meanings(seen):
                if isinstance(meaning, Total) or split_of(meaning) == self.split:
                    by_kind.setdefault(type(meaning), []).append(meaning)
            by_kind = by_kind if len(by_kind) > 1 else {}  # how many there are is said no more often for want of others
            if by_kind:
                random = np.random.default_rng((_STREAM, one.seed, one.index))
                chances = np.sqrt([len(each) for each in by_kind.values()])
                kind = list(by_kind)[random.choice(len(by_kind), p=chances / chances.sum())]
                return by_kind[kind][random.integers(len(by_kind[kind]))]
        raise AssertionError  # there is always another scene


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
    """Sentences to be translated."""
    return open_scenes(Translations, split, count, (64, 64), seed)
