"""Scores of sentences and of choices, held to other implementations' numbers."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from zoo.data.targets import Sentence
from zoo.errors import InputError
from zoo.metrics.choices import ChoiceScores
from zoo.metrics.cider import cider
from zoo.metrics.sentences import SentenceScores
from zoo.outputs.vocabulary import split

# What pycocoevalcap 1.2 says of these, already in words: Cider().compute_score and Bleu(4).compute_score.
REFERENCES = [
    ["a dotted disk is left of a star .", "the disk is left of the star ."],
    ["from left to right : a ring and a box ."],
    ["two stars can be seen .", "there are two stars .", "there are two grainy stars ."],
    ["the largest thing is the ring ."],
]
WRITTEN = [
    "the dotted disk is left of a star .",
    "from left to right : a box and a ring .",
    "there are two stars .",
    "the ring .",
]
CIDER = [6.702672005951733, 6.548611111111111, 5.408266354248234, 3.1859551097557204]
BLEU_4 = 0.6818745145066912
COCO_CIDER, COCO_BLEU_4 = 1.3930354585514908, 0.3338647969847467  # the first of each photo's captions against the others

TOKENS = ("<padding>", "<end>", *sorted({word for texts in (*REFERENCES, WRITTEN) for text in texts for word in text.split()}))


def numbers(text: str, length: int = 14) -> np.ndarray:
    found = [TOKENS.index(word) for word in text.split()] + [1]
    return np.array(found + [0] * (length - len(found)), np.int32)


def filled() -> SentenceScores:
    scores = SentenceScores(TOKENS, padding=0)
    for written, right in zip(WRITTEN, REFERENCES, strict=True):
        target = Sentence(numbers(right[0]), np.stack([numbers(each) for each in right]))
        scores.update(target, numbers(written))
    return scores


def test_cider_is_pycocoevalcaps() -> None:
    got = cider([text.split() for text in WRITTEN], [[each.split() for each in texts] for texts in REFERENCES])
    np.testing.assert_allclose(got, CIDER, rtol=1e-12)


def test_scores_of_written_sentences() -> None:
    values = {score.name: score.value for score in filled().scores()}
    assert values["exact_match"] == 1 / 4
    assert values["cider"] == pytest.approx(np.mean(CIDER), rel=1e-12)
    assert values["bleu"] == pytest.approx(BLEU_4, abs=1e-6)  # sacrebleu and pycocoevalcap agree where nothing is smoothed
    merged = filled().merge(filled())
    assert merged.scores()[0].value == 1 / 4 and merged.settings()["bleu"].startswith("sacrebleu, tokenize=none")


def test_on_real_captions() -> None:
    shared = os.environ.get("DENSEZOO_SHARED")
    if not shared:
        pytest.skip("DENSEZOO_SHARED is not set: COCO's captions")
    table = json.loads((Path(shared) / "data" / "coco" / "captions_val.json").read_text(encoding="utf-8"))
    captions = defaultdict(list)
    for each in table["annotations"]:
        captions[each["image_id"]].append(split(" ".join(each["caption"].split()), "words"))
    tokens = ("<end>", *sorted({word for texts in captions.values() for text in texts for word in text}))
    scores = SentenceScores(tokens)
    for first, *others in captions.values():
        most = max(map(len, others))
        rows = [[*map(tokens.index, text)] + [0] * (most + 1 - len(text)) for text in others]
        scores.update(Sentence(np.array(rows[0]), np.array(rows)), np.array([*map(tokens.index, first)]))
    values = {score.name: score.value for score in scores.scores()}
    assert values["cider"] == pytest.approx(COCO_CIDER, rel=1e-9)
    assert values["bleu"] == pytest.approx(COCO_BLEU_4, abs=1e-6)


def test_right_at_every_word_is_greedily_right() -> None:
    """Scores behind the true words say whether greedy writing gives that sentence, and no more."""
    target = numbers("there are two stars .")
    right = np.eye(len(TOKENS))[target]
    wrong = right.copy()
    wrong[2] = right[3]
    padded = right.copy()
    padded[-1] = right[0]  # behind the end nothing counts
    for answer, share in ((right, 1.0), (wrong, 0.0), (padded, 1.0)):
        scores = SentenceScores(TOKENS, padding=0)
        scores.update(target, answer)
        assert [(score.name, score.value) for score in scores.scores()] == [("exact_match", share)]
    with pytest.raises(InputError, match=r"expected 14×tokens"):
        SentenceScores(TOKENS, padding=0).update(target, right[:3])
    with pytest.raises(InputError, match="expected the numbers of tokens"):
        SentenceScores(TOKENS, padding=0).update(target, target.astype(float))
    with pytest.raises(InputError, match="sentences end in one"):
        SentenceScores(("a", "b"))


def test_choices_beside_chance_and_a_blind_model() -> None:
    scores = ChoiceScores(blind=0.5)
    for truth, answer in ((0, [2.0, 1, 0, 0]), (3, [0.0, 0, 0, 1]), (1, [1.0, 1, 0, 0]), (2, [0.0, 0, 5, 1])):
        scores.update(truth, np.array(answer))
    assert {score.name: score.value for score in scores.scores()} == {
        "choice_accuracy": 0.75, "chance": 0.25, "blind": 0.5, "gap": 0.25,
    }  # fmt: skip
    with pytest.raises(InputError, match="a score an answer"):
        scores.update(4, np.zeros(4))
