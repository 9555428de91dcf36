"""Sentences that compare two things: true of scenes, told by their order alone, in each split others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo.data
from zoo.data.datasets.scenes.grammar import Beside, Larger, Name, longest, said
from zoo.data.datasets.scenes.spoken import split_of
from zoo.data.datasets.scenes_comparisons import LENGTH, Comparisons, ahead
from zoo.errors import InputError
from zoo.outputs.vocabulary import END, Vocabulary


@pytest.fixture(scope="module", params=["english", "german"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


def opened(split: str, language: str = "english", count: int = 240) -> Comparisons:
    return zoo.data.open(f"scenes_comparisons:count={count},language={language}", split).source


@pytest.mark.parametrize(
    ("meaning", "first"),
    [
        (Beside(Name("star"), "left", Name("disk")), "star"),
        (Beside(Name("star", "grain"), "right", Name("disk"), shows=True), "disk"),
        (Beside(Name("box"), "above", Name("ring", "dots")), "box"),
        (Beside(Name("box"), "below", Name("ring")), "ring"),
        (Larger(Name("ring"), Name("triangle"), shows=True), "ring"),
    ],
)
def test_ahead_is_what_is_further_left_higher_or_larger(meaning: Beside | Larger, first: str) -> None:
    assert ahead(meaning) == first


def test_each_sentence_is_the_one_that_is_meant_and_of_its_thing(language: str) -> None:
    data = opened("train", language)
    seen = set()
    for index in range(len(data)):
        meaning, sample = data.meaning(index), data[index]
        numbers = sample.image.reshape(-1)
        words = [data.vocabulary[number] for number in numbers[: list(numbers).index(data.vocabulary.index(END))]]
        assert tuple(words) == said(meaning, language) and not numbers[len(words) + 1 :].any()
        assert data.classes[int(np.asarray(sample.target))] == ahead(meaning)
        seen.add((type(meaning), ahead(meaning)))
    assert sample.image.shape == (1, LENGTH, 1) and len(seen) == 2 * len(data.classes)
    known = Vocabulary(data.vocabulary)
    assert known.encode(known.text(numbers[: len(words)])) == numbers[: len(words)].tolist()  # nouns with large letters too


def test_with_its_names_exchanged_a_sentence_has_the_same_words_and_the_other_class() -> None:
    """So that of English sentences the words alone tell no more than one of two."""
    data = opened("val")
    for index in range(len(data)):
        meaning = data.meaning(index)
        other = replace(meaning, name=meaning.other, other=meaning.name)
        assert sorted(said(other)) == sorted(said(meaning)) and {ahead(meaning), ahead(other)} == {
            meaning.name.shape, meaning.other.shape,
        }  # fmt: skip


def test_splits_share_no_sentence_and_none_is_too_long() -> None:
    texts = {}
    for split in ("train", "val", "test"):
        data = opened(split)
        texts[split] = {said(data.meaning(index)) for index in range(len(data))}
        assert all(split_of(data.meaning(index)) == split for index in range(len(data)))
    assert not texts["train"] & texts["val"] and not texts["val"] & texts["test"] and len(texts["val"]) > 15
    names = (Name("disk", "dots"), Name("star", "grain"))
    for language in ("english", "german"):
        every = [Beside(*pair) for pair in ((names[0], side, names[1], True) for side in ("left", "above"))]
        every.append(Larger(*names, shows=True))
        assert max(len(said(meaning, language)) for meaning in every) < LENGTH <= longest("english", "german")


def test_another_language_is_an_error() -> None:
    with pytest.raises(InputError, match="french"):
        zoo.data.open("scenes_comparisons:language=french", "train")
