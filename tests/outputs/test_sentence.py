"""Sentences as answers: until their end, compared word by word, and no further than they agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs.sentence import sentence_output, text, until_end
from zoo.outputs.tolerances import OF_RECIPE
from zoo.outputs.vocabulary import SENTENCES

LABELS = (*SENTENCES, "a", "star", ".", "ring")
SPEC, KIND = sentence_output(LABELS), outputs.get("sentence")
END = LABELS.index("<end>")
STRICT = OF_RECIPE["float32"]


def scores(*sentences: list[int]) -> np.ndarray:
    """Scores of which these words are the best; what else they are is noise."""
    noise = np.random.default_rng(0).normal(size=(len(sentences), len(sentences[0]), len(LABELS)))
    return (noise + 9 * np.eye(len(LABELS))[np.array(sentences)]).astype(np.float32)


def test_a_sentence_goes_to_its_end_and_is_put_in_words(tmp_path: Path) -> None:
    answer = KIND.decode(scores([3, 4, 5, END, 6])[0], SPEC, (9, 9))
    assert answer.dtype == np.int32 and answer.tolist() == [3, 4, 5]
    assert KIND.describe(answer, SPEC) == "a star." == text(answer, LABELS)
    assert KIND.write(answer, SPEC, tmp_path / "x").read_text() == "a star.\n"
    picture = np.zeros((40, 200, 3), np.uint8)
    assert KIND.draw(picture, answer, SPEC).any()
    assert until_end(np.array([3, 4]), LABELS).tolist() == [3, 4]  # one that does not end


def test_behind_a_word_chosen_otherwise_nothing_is_compared() -> None:
    expected = scores([3, 4, 5, END], [3, 6, 5, END])
    same = KIND.compare(expected, expected + 1e-6, SPEC, STRICT)
    assert same.passed and same.measures["agreement"] == 1
    got = expected.copy()
    got[0, 1, 6] = 99  # another word, behind which all is another sentence
    got[0, 2:] = scores([4, 4])[0]
    other = KIND.compare(expected, got, SPEC, STRICT)
    assert not other.passed and other.measures["agreement"] == pytest.approx(1 - 1 / 6)
    got[0, 1] = expected[0, 1]
    assert KIND.compare(expected, got, SPEC, STRICT).measures["agreement"] < 1


def test_a_near_tie_is_not_held_against_the_other_side() -> None:
    expected = scores([3, 4, END], [3, 6, END])
    expected[0, 1, 6] = expected[0, 1, 4] - 1e-5
    got = expected.copy()
    got[0, 1, 6] += 2e-5
    result = KIND.compare(expected, got, SPEC, STRICT)
    assert result.passed and result.chosen_otherwise == 1


def test_what_is_no_sentence_is_an_error() -> None:
    with pytest.raises(InputError, match="a sentence is n×7"):
        KIND.decode(np.zeros((4, 5)), SPEC, (9, 9))
    for ask in (KIND.mirror, lambda x: KIND.resize(x, (2, 2)), lambda x: KIND.poolable(x, SPEC)):
        with pytest.raises(InputError, match="one view"):
            ask(np.zeros((1, 4, 7)))
