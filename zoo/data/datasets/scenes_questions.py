"""Scenes with questions about them, each with four answers to choose from."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from zoo.data.datasets.scenes import Scene, SceneSet
from zoo.data.datasets.scenes.questions import Question, blind_optimum, question, vocabulary
from zoo.data.datasets.scenes.scene import scene
from zoo.data.datasets.scenes.sets import OPTIONS, SPLITS, open_scenes
from zoo.data.registry import WHOLE, dataset
from zoo.data.sample import Sample
from zoo.data.sheets import QUESTION, sheet
from zoo.data.targets import Label
from zoo.errors import InputError

_KEPT = 256 << 20  # bytes of pictures that stay in memory


class QuestionScenes(SceneSet):
    """Question answering: a sheet (`zoo.data.sheets`) of the picture, the question and four answers, and which of them is true.

    `classes` are the words, of which the first fills up lines.

    Args:
        count: scenes.
        size: of a picture, a square.
        seed: another seed, other scenes.
        split: train, val or test.
        questions: about each scene; those that follow each other ask about the same one.
    """

    prefix = "scenes_questions"
    task = "question_answering"
    target = Label

    def __init__(
        self,
        count: int = 2000,
        size: int | tuple[int, int] = (64, 64),
        seed: int = 0,
        split: str = "train",
        questions: int = 1,
    ) -> None:
        super().__init__(count, size, seed, split)
        if self.size[0] != self.size[1] or questions < 1:
            raise InputError(f"{self.prefix}: size={self.size}, questions={questions}; expected a square and 1 or more")
        self.classes, self.questions = vocabulary(), questions
        self._kept: dict[int, tuple[np.ndarray, list[Question]]] = {}

    def __len__(self) -> int:
        return self.count * self.questions

    def __getitem__(self, index: int) -> Sample:
        at, number = divmod(self.position(index), self.questions)
        picture, asked = self._scene(at)
        name = f"{self.split}-{self.seed}-{at:05d}-{number}"
        return Sample(self.page(picture, asked[number]), Label(asked[number].truth), name)

    def asked(self, index: int) -> Question:
        """The question of sample `index`, in words."""
        at, number = divmod(self.position(index), self.questions)
        return self._scene(at)[1][number]

    def question(self, one: Scene) -> tuple[np.ndarray, Label]:
        first = question(one)
        return self.page(one.image, first), Label(first.truth)

    def page(self, picture: np.ndarray, asked: Question) -> np.ndarray:
        """The sheet of a picture and a question about it, which ends where the longest one would: it is read to there."""
        lines = [asked.words, *(answer.split() for answer in asked.answers)]
        first, *others = [[self.classes.index(word) for word in line] for line in lines]
        return sheet(picture, [[0] * (QUESTION - len(first)) + first, *others])

    @cached_property
    def blind(self) -> float:
        """The share that is right of who knows how often each answer is, of these very questions, and sees no picture."""
        every = [self.asked(index) for index in range(len(self))]
        return blind_optimum(every, every)

    def _scene(self, at: int) -> tuple[np.ndarray, list[Question]]:
        if at not in self._kept:
            one = self.scene(at * self.questions)
            result = one.image, [question(one, number) for number in range(self.questions)]
            if len(self._kept) * one.image.nbytes >= _KEPT:
                return result
            self._kept[at] = result
        return self._kept[at]

    def scene(self, index: int) -> Scene:
        """The whole scene behind sample `index`."""
        return scene(self.seed, self._first + self.position(index) // self.questions, self.size)


@dataset(
    "scenes_questions",
    spec="scenes_questions[:…]",
    help="the same scenes, with questions=1 about each and four answers to choose from",
    options={**OPTIONS, "questions": WHOLE},
)
def scenes_questions(
    split: str, *, seed: int = 0, count: int = 2000, size: tuple[int, int] = (64, 64), questions: int = 1
) -> QuestionScenes:
    """Scenes with questions; val and test ask one about each scene.

    Raises:
        InputError: for a size that is no square, and what every data set of scenes refuses.
    """
    if split == SPLITS[0]:
        return QuestionScenes(count, size, seed, split, questions)
    return open_scenes(QuestionScenes, split, count, size, seed)
