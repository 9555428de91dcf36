"""Sentences that compare two things of a scene, with the thing that is ahead."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scenes, SceneSet
from zoo.data.datasets.scenes.grammar import LANGUAGES, Beside, Larger, Meaning, said, vocabulary
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.datasets.scenes.shapes import SHAPES
from zoo.data.datasets.scenes.spoken import A_SCENE, SIDE, SpokenScenes
from zoo.data.datasets.scenes_captions import LANGUAGE, numbered
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Label
from zoo.errors import unknown

LENGTH = 16  # words of the longest sentence in either language, its end with it
_AHEAD = ("left", "above")  # sides at which the thing that is spoken of is ahead


class Comparisons(SpokenScenes):
    """Text classification: a sentence that compares two things, and the shape of the one that is ahead, which is further left,
    higher up, or larger.

    "the star is right of the disk ." is about a disk that is ahead. With both names exchanged an English sentence has the same
    words and the other thing is ahead: who hears the words without their order is right in half of all sentences and no more.
    German tells by its cases.

    The image is uint8 1×length×1, the numbers in `vocabulary` of the words, of END, and PADDING, 0; the target is a `Label`,
    which of `classes` is ahead.

    Args:
        scenes: that are spoken of.
        language: of the sentences.
    """

    prefix = "scenes_comparisons"
    task = "text_classification"
    target = Label
    channels = 1
    classes = tuple(SHAPES)
    length = LENGTH

    def __init__(self, scenes: SceneSet, language: str = "english") -> None:
        super().__init__(scenes)
        self.language, self.vocabulary = language, vocabulary(language)

    def takes(self, meaning: Meaning) -> bool:
        """Comparisons of things of two shapes."""
        return isinstance(meaning, Beside | Larger) and meaning.name.shape != meaning.other.shape

    def sample(self, meaning: Meaning, name: str) -> Sample:
        words = numbered(said(meaning, self.language), self.vocabulary, self.length)
        return Sample(words[None, :, None].astype(np.uint8), Label(np.int32(self.classes.index(ahead(meaning)))), name)


def ahead(meaning: Beside | Larger) -> str:
    """The shape of the thing that is further left, higher up or larger."""
    first = isinstance(meaning, Larger) or meaning.side in _AHEAD
    return (meaning.name if first else meaning.other).shape


@dataset(
    "scenes_comparisons",
    spec="scenes_comparisons[:seed=N,count=N]",
    help="sentences in language=english or german that compare two things of the same scenes, and which one is ahead",
    options={name: OPTIONS[name] for name in ("seed", "count")} | {"language": LANGUAGE},
)
def scenes_comparisons(split: str, *, seed: int = 0, count: int = 20000, language: str = "english") -> Comparisons:
    """Sentences of which thing is ahead: `count` in train; in val and test what is true of a tenth of the scenes.

    Raises:
        InputError: for a count below 1, an unknown language, and what every data set of scenes refuses.
    """
    if language not in LANGUAGES:
        raise unknown("language", language, LANGUAGES)
    return Comparisons(open_scenes(Scenes, split, -(-count // A_SCENE), (SIDE, SIDE), seed), language)
