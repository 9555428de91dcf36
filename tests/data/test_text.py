"""Texts as data: every token once, each beside the one that follows it, in an order in which states can be carried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo.data
from zoo.data import CachedDataset
from zoo.data.datasets.text import CONTEXT, UNSCORED
from zoo.errors import InputError

LETTERS = "abcdefgh \n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("text") / "play.txt"
    file.write_text("".join(np.random.default_rng(0).choice(list(LETTERS), 30_000)), encoding="utf-8")
    return file


def test_the_first_nine_tenths_train_and_every_token_of_the_rest_is_scored_once(path: Path) -> None:
    train, val = (zoo.data.open(f"text:{path},length=50", split) for split in ("train", "val"))
    text = path.read_text(encoding="utf-8")
    assert train.classes == tuple(sorted(LETTERS)) and (train.name, val.name) == ("play/train", "play/val")
    numbers = [train.classes.index(letter) for letter in text]
    assert np.concatenate([sample.target.values for sample in train]).tolist() == numbers[1:26_951]
    scored = np.concatenate([each[each != UNSCORED] for each in (sample.target.values for sample in val)])
    assert scored.tolist() == numbers[27_001:]
    for sample in val:
        image, target = sample.image[0, :, 0], sample.target.values
        assert len(image) == len(val[0].target.values)  # of one length, so that they go in batches
        counted = target != UNSCORED
        np.testing.assert_array_equal(target[:-1][counted[:-1]], image[1:][counted[:-1]])
    assert (val[1].target.values[:CONTEXT] == UNSCORED).all() and val[1].target.values[CONTEXT] != UNSCORED


def test_each_place_of_a_batch_goes_on_where_it_was_and_epochs_go_on_too(path: Path) -> None:
    batches = zoo.data.Batches(CachedDataset(zoo.data.open(f"text:{path},length=50", "train")), batch_size=8)
    count = len(batches)
    for one, other in (((0, 0), (0, 1)), ((0, count - 2), (0, count - 1)), ((3, 5), (3, 6))):
        (_, targets), (images, _) = batches.batch(*one), batches.batch(*other)
        np.testing.assert_array_equal(targets[:, -1], images[:, 0, 0, 0])
    (_, targets), (images, _) = batches.batch(0, count - 1), batches.batch(1, 0)
    assert (targets[:, -1] == images[:, 0, 0, 0])[:-1].all()  # the last place begins with the text anew
    places = sorted(place for index in range(count) for place in batches.members(2, index))
    assert places == list(range(8 * count))


def test_words_that_are_seen_twice_have_numbers(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("The cat sat. The cat ran.\n" * 40 + "A dog sat.", encoding="utf-8")
    train = zoo.data.open(f"text:{file},unit=words,length=5", "train")
    assert train.classes == ("<unknown>", "\n", ".", "cat", "ran", "sat", "the")
    assert [train.classes[number] for number in train[0].image[0, :, 0]] == ["the", "cat", "sat", ".", "the"]


@pytest.mark.parametrize(
    ("content", "spec", "message"),
    [
        (None, "", "no such file"),
        (b"\xff\xfe\x00", "", "no text in UTF-8"),
        (b"aaaa", "", "1 different characters"),
        (b"abab", "", "takes 65; give a longer text or length="),
        (b"abab", ",unit=letters", "unit"),
    ],
)
def test_what_is_no_text_is_an_error_that_says_so(tmp_path: Path, content: bytes | None, spec: str, message: str) -> None:
    file = tmp_path / "x.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        zoo.data.open(f"text:{file}{spec}", "train")
    with pytest.raises(InputError, match="test"):
        zoo.data.open(f"text:{file}", "test")
