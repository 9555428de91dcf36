"""English sentences about scenes, with their German."""

from __future__ import annotations

import functools
import zlib
from dataclasses import replace

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.datasets.scenes import SPLITS, Scenes, SceneSet, scene
from zoo.data.datasets.scenes.grammar import LANGUAGES, TEXTURES, Meaning, Total, longest, said, vocabulary
from zoo.data.datasets.scenes.sentences import meanings
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.datasets.scenes.things import things
from zoo.data.datasets.scenes_captions import numbered
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Sentence
from zoo.outputs.vocabulary import PADDING

A_SCENE = 8  # sentences are said of each scene
SIDE = 64  # pixels of it
_KEPT = 4096  # scenes and sentences that are remembered
_STREAM, _DRESSING = 7, 8  # of random numbers, beside those of the scene
_TENTHS = {"val": (0,), "test": (1,), "train": tuple(range(2, 10))}  # of all sentences, by their checksum


class Translations(Dataset):
    """Translation: an English sentence about a scene, and the same in German.

    The image is uint8 1×length×1, the numbers of the English words, of END, and PADDING, so that it goes every road that texts
    go; the target is a `Sentence` of `length` likewise. Both have one vocabulary, `classes`. PADDING is 0, and `ignore`.

    No sentence of val or test is said in train: each belongs to one split, by a checksum of its English. How many things there
    are is said in train alone, four sentences with words of their own.

    Things stand where they stand in the scenes, and wear any texture: a class wears its own there nearly always, and who
    translates would take the adjective from the noun.

    In train, `A_SCENE` sentences are drawn of each scene; kinds of which more can be said are said more often, by the square
    root of how much. In val and test all that is true of the scenes and belongs to the split is said, each sentence once, so
    that common ones do not count for more.

    Args:
        scenes: that are spoken of.
    """

    task = "translation"
    target = Sentence
    channels = 1

    def __init__(self, scenes: SceneSet) -> None:
        self.scenes, self.name = scenes, f"scenes_translation/{scenes.split}"
        self.classes = vocabulary(*LANGUAGES)
        self.length = longest(*LANGUAGES)
        self.ignore = self.classes.index(PADDING)

    def __len__(self) -> int:
        return len(self.scenes) * A_SCENE if self.scenes.split == SPLITS[0] else len(self._once)

    def __getitem__(self, index: int) -> Sample:
        place = self.position(index)
        meaning = self._drawn(place) if self.scenes.split == SPLITS[0] else self._once[place]
        source, target = (numbered(said(meaning, language), self.classes, self.length) for language in LANGUAGES)
        image = source[None, :, None].astype(np.uint8)
        return Sample(image, Sentence(target, padding=self.ignore), f"{self.name}-{place:05d}")

    @functools.cached_property
    def _once(self) -> tuple[Meaning, ...]:
        """What is true of the scenes and belongs to the split, in the order of the scenes."""
        numbers = map(self.scenes.index, range(len(self.scenes)))
        every = (each for number in numbers for kind in self._sayable(number) for each in kind)
        return tuple(dict.fromkeys(every))

    def _drawn(self, place: int) -> Meaning:
        number, said_before = self.scenes.index(place // A_SCENE), place % A_SCENE
        random = np.random.default_rng((_STREAM, self.scenes.seed, number, said_before))
        by_kind = self._sayable(number)
        chances = np.sqrt([len(each) for each in by_kind])
        kind = by_kind[random.choice(len(by_kind), p=chances / chances.sum())]
        return kind[random.integers(len(kind))]

    def _sayable(self, number: int) -> tuple[tuple[Meaning, ...], ...]:
        return _sayable(self.scenes.seed, number, self.scenes.split)


@functools.lru_cache(_KEPT)
def _sayable(seed: int, index: int, split: str) -> tuple[tuple[Meaning, ...], ...]:
    """What is true of a scene and belongs to a split, the meanings of one kind together."""
    random = np.random.default_rng((_DRESSING, seed, index))
    textures = tuple(TEXTURES)
    seen = [replace(thing, texture=textures[random.integers(len(textures))]) for thing in things(scene(seed, index, SIDE))]
    by_kind: dict[type, list[Meaning]] = {}
    for meaning in meanings(tuple(seen)):
        if split_of(meaning) == split:
            by_kind.setdefault(type(meaning), []).append(meaning)
    return tuple(map(tuple, by_kind.values()))


@functools.lru_cache(_KEPT)
def split_of(meaning: Meaning) -> str:
    """The split that a sentence belongs to, the same for ever."""
    if isinstance(meaning, Total):
        return SPLITS[0]
    tenth = zlib.crc32(" ".join(said(meaning)).encode()) % 10
    return next(split for split in SPLITS if tenth in _TENTHS[split])


@dataset(
    "scenes_translation",
    spec="scenes_translation[:seed=N,count=N]",
    help="English sentences about the same scenes and their German, in each split others",
    options={name: OPTIONS[name] for name in ("seed", "count")},
)
def scenes_translation(split: str, *, seed: int = 0, count: int = 20000) -> Translations:
    """Sentences to be translated: `count` in train; in val and test what is true of a tenth of the scenes.

    Raises:
        InputError: for a count below 1, and what every data set of scenes refuses.
    """
    return Translations(open_scenes(Scenes, split, -(-count // A_SCENE), (SIDE, SIDE), seed))
