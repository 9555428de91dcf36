"""English sentences about scenes, with their German."""

from __future__ import annotations

import numpy as np

from zoo.data.datasets.scenes import Scenes, SceneSet
from zoo.data.datasets.scenes.grammar import LANGUAGES, Meaning, longest, said, vocabulary
from zoo.data.datasets.scenes.sets import OPTIONS, open_scenes
from zoo.data.datasets.scenes.spoken import A_SCENE, SIDE, SpokenScenes, split_of
from zoo.data.datasets.scenes_captions import numbered
from zoo.data.registry import dataset
from zoo.data.sample import Sample
from zoo.data.targets import Sentence
from zoo.outputs.vocabulary import PADDING

__all__ = ["A_SCENE", "SIDE", "Translations", "scenes_translation", "split_of"]


class Translations(SpokenScenes):
    """Translation: an English sentence about a scene, and the same in German.

    The image is uint8 1×length×1, the numbers of the English words, of END, and PADDING, so that it goes every road that texts
    go; the target is a `Sentence` of `length` likewise. Both have one vocabulary, `classes`. PADDING is 0, and `ignore`.

    Args:
        scenes: that are spoken of.
    """

    prefix = "scenes_translation"
    task = "translation"
    target = Sentence
    channels = 1

    def __init__(self, scenes: SceneSet) -> None:
        super().__init__(scenes)
        self.classes = vocabulary(*LANGUAGES)
        self.length = longest(*LANGUAGES)
        self.ignore = self.classes.index(PADDING)

    def sample(self, meaning: Meaning, name: str) -> Sample:
        source, target = (numbered(said(meaning, language), self.classes, self.length) for language in LANGUAGES)
        image = source[None, :, None].astype(np.uint8)
        return Sample(image, Sentence(target, padding=self.ignore), name)


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
