"""Sentences of scenes: true of what the pixels show, and right in both languages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import zoo.data
from zoo.data.datasets.scenes import CLASSES, Scene, scene
from zoo.data.datasets.scenes.grammar import (
    LANGUAGES,
    Beside,
    Corner,
    Count,
    Larger,
    Largest,
    Meaning,
    Name,
    Outermost,
    Row,
    Total,
    Wears,
    longest,
    said,
    vocabulary,
)
from zoo.data.datasets.scenes.render import render
from zoo.data.datasets.scenes.sentences import meanings, rows
from zoo.data.datasets.scenes.things import things
from zoo.errors import InputError
from zoo.outputs.vocabulary import Vocabulary

SIDE = 64


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [scene(4, index, SIDE) for index in range(60)]


def test_a_word_is_true_of_the_pixels(scenes: list[Scene]) -> None:
    """Held against the picture's masks alone, without what `things` makes of them."""
    told = 0
    for one in scenes:
        middles = {}
        for number in range(1, int(one.instances.max()) + 1):
            rows_seen, columns = np.nonzero(one.instances == number)
            shape = CLASSES[one.mask[rows_seen[0], columns[0]]]
            middles.setdefault(shape, []).append((rows_seen.mean(), columns.mean(), rows_seen.size))
        for meaning in meanings(things(one)):
            told += 1
            if isinstance(meaning, Count) and meaning.name.texture is None:
                assert len(middles.get(meaning.name.shape, ())) == meaning.count
            elif isinstance(meaning, Total):
                assert sum(map(len, middles.values())) == meaning.count
            elif isinstance(meaning, Beside) and None is meaning.name.texture is meaning.other.texture:
                before = [place[:2] for place in middles[meaning.name.shape]]
                [(row, column, _)] = middles[meaning.other.shape]
                tests = {
                    "left": lambda y, x, c=column: x < c,
                    "right": lambda y, x, c=column: x > c,
                    "above": lambda y, x, r=row: y < r,
                    "below": lambda y, x, r=row: y > r,
                }
                assert any(tests[meaning.side](*place) for place in before)
            elif isinstance(meaning, Row):
                order = [shape for _, shape in sorted((place[1], shape) for shape in middles for place in middles[shape])]
                assert sorted(order) == sorted(name.shape for name in meaning.names)
    assert told > 60 * len(scenes) / 4


def test_three_quarters_of_every_thing_are_seen(scenes: list[Scene]) -> None:
    """So that whatever is there can be spoken of: the share is that of the same thing drawn alone."""
    for one in scenes:
        shown = np.bincount(one.shown.ravel(), minlength=len(one.composition.layers))
        for number in range(1, len(one.composition.layers)):
            alone = dataclasses.replace(one.composition, layers=(one.composition.layers[0], one.composition.layers[number]))
            wide = render(alone, (2 * SIDE, 2 * SIDE), 0)[1]  # the sides are of the shorter side: the scene at twice its size
            assert shown[number] >= 0.75 * np.count_nonzero(wide) / 4


def test_the_order_of_what_stands_above_each_other_is_free(scenes: list[Scene]) -> None:
    several = [(things(one), rows(things(one))) for one in scenes if len(rows(things(one))) > 1]
    assert several
    for seen, right in several:
        assert right[0] == Row(tuple(Name(thing.shape, thing.texture) for thing in seen))
        assert all(sorted(map(str, row.names)) == sorted(map(str, right[0].names)) for row in right)


STAR, DISK, BOX = Name("star", "grain"), Name("disk", "dots"), Name("box")
TRANSLATIONS: list[tuple[Meaning, str, str]] = [
    (Row((DISK, STAR, BOX)), "from left to right: a dotted disk, a grainy star and a box.",
     "von links nach rechts: eine gepunktete Scheibe, ein körniger Stern und ein Rechteck."),
    (Total(1), "one thing can be seen.", "ein Ding ist zu sehen."),
    (Total(4), "four things can be seen.", "vier Dinge sind zu sehen."),
    (Count(STAR, 1), "there is a grainy star.", "es gibt einen körnigen Stern."),
    (Count(DISK, 0), "there are no dotted disks.", "es gibt keine gepunktete Scheibe."),
    (Count(Name("ring"), 0), "there are no rings.", "es gibt keinen Ring."),
    (Count(BOX, 3), "there are three boxes.", "es gibt drei Rechtecke."),
    (Count(Name("triangle", "stripes"), 2), "there are two striped triangles.", "es gibt zwei gestreifte Dreiecke."),
    (Beside(DISK, "left", STAR), "the dotted disk is left of the grainy star.",
     "die gepunktete Scheibe liegt links vom körnigen Stern."),
    (Beside(STAR, "right", DISK), "the grainy star is right of the dotted disk.",
     "der körnige Stern liegt rechts von der gepunkteten Scheibe."),
    (Beside(Name("ring"), "above", BOX, shows=True), "the picture shows a ring that is above the box.",
     "das Bild zeigt einen Ring, der über dem Rechteck liegt."),
    (Beside(Name("triangle", "checks"), "below", Name("disk"), shows=True),
     "the picture shows a checkered triangle that is below the disk.",
     "das Bild zeigt ein kariertes Dreieck, das unter der Scheibe liegt."),
    (Larger(BOX, Name("ring", "marble")), "the box is larger than the marbled ring.",
     "das Rechteck ist größer als der marmorierte Ring."),
    (Larger(DISK, STAR, shows=True), "the picture shows a dotted disk that is larger than the grainy star.",
     "das Bild zeigt eine gepunktete Scheibe, die größer als der körnige Stern ist."),
    (Largest(STAR), "the largest thing is the grainy star.", "das größte Ding ist der körnige Stern."),
    (Outermost(BOX, "above"), "the box is furthest up.", "das Rechteck liegt am weitesten oben."),
    (Corner(STAR, ("bottom", "right")), "at the bottom right there is a grainy star.",
     "unten rechts liegt ein körniger Stern."),
    (Wears("disk", "stripes"), "the disk is striped.", "die Scheibe ist gestreift."),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "english", "german"), TRANSLATIONS, ids=lambda value: type(value).__name__)
def test_both_languages_say_it_rightly(meaning: Meaning, english: str, german: str) -> None:
    for language, text in (("english", english), ("german", german)):
        words = vocabulary(*LANGUAGES)
        assert Vocabulary(words).text([words.index(word) for word in said(meaning, language)]) == text


def test_the_vocabulary_is_closed_and_no_sentence_is_longer_than_it_says(scenes: list[Scene]) -> None:
    for language in LANGUAGES:
        words, most = set(vocabulary(language)), longest(language)
        for one in scenes:
            for meaning in meanings(things(one)):
                sentence = said(meaning, language)
                assert set(sentence) <= words and len(sentence) < most
    assert Vocabulary(vocabulary("english")).encode("There are two boxes.")[-1] == vocabulary("english").index(".")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_caption_is_the_scene_from_left_to_right(language: str) -> None:
    data = zoo.data.open(f"scenes_captions:size={SIDE},count=160,language={language}", "val")
    words = Vocabulary(data.classes)
    for index in range(len(data)):
        image, target, _ = data[index]
        one = data.source.scene(index)
        assert np.array_equal(image, one.image)
        assert np.array_equal(target.values, target.references[0]) and len(target.values) == longest(language)
        for reference in target.references:
            cut = reference.tolist().index(words.number("<end>"))
            assert (reference[cut + 1 :] == data.ignore).all()
            assert tuple(words.tokens[token] for token in reference[:cut]) in {
                said(row, language) for row in rows(things(one))
            }


def test_what_a_sentence_cannot_list_is_refused() -> None:
    with pytest.raises(InputError, match="only a square"):
        zoo.data.open("scenes_captions:size=64x96", "train")
    with pytest.raises(InputError, match="sentences are of up to 4"):
        meanings(things(scene(0, 3, (64, 256))))


def test_a_translation_says_the_same_and_no_split_says_what_another_does() -> None:
    counts = {"train": 800, "val": 4000, "test": 4000}
    splits = {split: zoo.data.open(f"scenes_translation:count={count},seed=2", split) for split, count in counts.items()}
    said_in: dict[str, set[str]] = {}
    for split, data in splits.items():
        words, length = Vocabulary(data.classes), longest(*LANGUAGES)
        english, german = [], []
        for image, target, _ in data:
            assert image.shape == (1, length, 1) and target.shape == (length,) and data.ignore == 0
            for sentence, sentences in ((image[0, :, 0], english), (target.values, german)):
                cut = sentence.tolist().index(words.number("<end>"))
                assert not sentence[cut + 1 :].any()
                sentences.append(words.text(sentence[:cut]))
        pairs = dict(zip(english, german, strict=True))
        assert len(set(pairs.values())) == len(pairs)  # no two sentences are translated alike
        assert split == "train" or len(pairs) == len(data)  # what is scored, is said once
        said_in[split] = set(english)
    assert len(said_in["train"]) > 200 and len(said_in["val"]) > 40
    assert not said_in["train"] & (said_in["val"] | said_in["test"]) and not said_in["val"] & said_in["test"]
