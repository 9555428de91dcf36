"""Spoken scenes: sentences that are true of scenes, each in one split alone."""

from __future__ import annotations

import functools
import zlib
from abc import abstractmethod
from dataclasses import replace

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.datasets.scenes.grammar import TEXTURES, Meaning, Total, said
from zoo.data.datasets.scenes.scene import scene
from zoo.data.datasets.scenes.sentences import meanings
from zoo.data.datasets.scenes.sets import SPLITS, SceneSet
from zoo.data.datasets.scenes.things import things
from zoo.data.sample import Sample

A_SCENE = 8  # sentences are said of each scene
SIDE = 64  # pixels of it
_KEPT = 4096  # scenes and sentences that are remembered
_STREAM, _DRESSING = 7, 8  # of random numbers, beside those of the scene
_TENTHS = {"val": (0,), "test": (1,), "train": tuple(range(2, 10))}  # of all sentences, by their checksum


class SpokenScenes(Dataset):
    """A data set of sentences about scenes.

    No sentence of val or test is said in train: each belongs to one split, by a checksum of its English. How many things there
    are is said in train alone, four sentences with words of their own.

    Things stand where they stand in the scenes, and wear any texture: a class wears its own there nearly always, and who
    learns from sentences would take the adjective from the noun.

    In train, `A_SCENE` sentences are drawn of each scene; kinds of which more can be said are said more often, by the square
    root of how much. In val and test all that is true of the scenes and belongs to the split is said, each sentence once, so
    that common ones do not count for more.

    Args:
        scenes: that are spoken of.
    """

    prefix: str

    def __init__(self, scenes: SceneSet) -> None:
        self.scenes, self.name = scenes, f"{self.prefix}/{scenes.split}"

    def __len__(self) -> int:
        return len(self.scenes) * A_SCENE if self.scenes.split == SPLITS[0] else len(self._once)

    def __getitem__(self, index: int) -> Sample:
        place = self.position(index)
        return self.sample(self.meaning(place), f"{self.name}-{place:05d}")

    @abstractmethod
    def sample(self, meaning: Meaning, name: str) -> Sample:
        """What is made of a sentence."""

    def takes(self, meaning: Meaning) -> bool:
        """Whether a sentence is one of the data set's; by default all are."""
        return True

    def meaning(self, index: int) -> Meaning:
        """The sentence of sample `index`, as what it means."""
        place = self.position(index)
        return self._drawn(place) if self.scenes.split == SPLITS[0] else self._once[place]

    @functools.cached_property
    def _once(self) -> tuple[Meaning, ...]:
        """What is true of the scenes and belongs to the split, in the order of the scenes."""
        numbers = map(self.scenes.index, range(len(self.scenes)))
        every = (each for number in numbers for kind in self._sayable(number) for each in kind)
        return tuple(dict.fromkeys(every))

    def _drawn(self, place: int) -> Meaning:
        number, said_before = self.scenes.index(place // A_SCENE), place % A_SCENE
        random = np.random.default_rng((_STREAM, self.scenes.seed, number, said_before))
        while not (by_kind := self._sayable(number)):
            number += 1  # of another scene of the split, where nothing can be said of this one
        chances = np.sqrt([len(each) for each in by_kind])
        kind = by_kind[random.choice(len(by_kind), p=chances / chances.sum())]
        return kind[random.integers(len(kind))]

    def _sayable(self, number: int) -> tuple[tuple[Meaning, ...], ...]:
        """What is true of a scene, belongs to the split and is the data set's, the meanings of one kind together."""
        by_kind = _sayable(self.scenes.seed, number, self.scenes.split)
        own = (tuple(filter(self.takes, kind)) for kind in by_kind)
        return tuple(kind for kind in own if kind)


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
