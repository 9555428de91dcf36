"""Questions about scenes: one answer of four is true, and the picture is needed to tell which."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data.datasets.scenes import CLASSES, Scene, scene
from zoo.data.datasets.scenes.questions import (
    ANSWERS,
    CHOICES,
    CORNERS,
    COUNTS,
    KINDS,
    Question,
    blind_optimum,
    question,
    vocabulary,
)

SIDE, COUNT = 32, 500


@pytest.fixture(scope="module")
def asked() -> list[tuple[Scene, Question]]:
    scenes = [scene(6, index, SIDE) for index in range(COUNT)]
    return [(one, question(one)) for one in scenes]


def places(one: Scene) -> list[tuple[str, float, float]]:
    """(class, row, column) of the mean of each object's pixels, from the picture's middle."""
    result = []
    for number in range(1, int(one.instances.max()) + 1):
        rows, columns = np.nonzero(one.instances == number)
        middle = (SIDE - 1) / 2
        result.append((CLASSES[one.mask[rows[0], columns[0]]], rows.mean() - middle, columns.mean() - middle))
    return result


def test_every_question_has_four_answers_of_which_one_is_true(asked: list[tuple[Scene, Question]]) -> None:
    words = set(vocabulary())
    for _, each in asked:
        assert len(set(each.answers)) == CHOICES and set(each.answers) <= set(ANSWERS) and 0 <= each.truth < CHOICES
        assert set(each.words) <= words and each.words[-1] == "?"
    assert {each.kind for _, each in asked} == set(KINDS)
    assert question(scene(6, 3, SIDE)) == asked[3][1]


def test_the_true_answer_is_what_the_masks_show(asked: list[tuple[Scene, Question]]) -> None:
    checked = set()
    for one, each in asked:
        seen, true = places(one), each.answers[each.truth]
        if each.kind == "total":
            assert true == COUNTS[len(seen)]
        elif each.kind == "count":
            shape = next(name for name in CLASSES[1:] if each.words[2].startswith(name))
            assert true == COUNTS[sum(name == shape for name, *_ in seen)]
        elif each.kind == "where":
            [(row, column)] = [place for name, *place in seen if name == each.words[3]]
            assert true == CORNERS[2 * (row > 0) + (column > 0)]
        elif each.kind == "at corner":
            down, across = (1 if word in ("bottom", "right") else -1 for word in each.words[4:6])
            assert [name for name, row, column in seen if row * down > 0 and column * across > 0] == [true]
        elif each.kind == "outermost":
            axis, sign = {"left": (2, -1), "right": (2, 1), "up": (1, -1), "down": (1, 1)}[each.words[-2]]
            assert max(seen, key=lambda place: place[axis] * sign)[0] == true
        else:
            continue
        checked.add(each.kind)
    assert len(checked) == 5


def test_who_never_sees_the_picture_is_mostly_wrong(asked: list[tuple[Scene, Question]]) -> None:
    """Even with every question of the set known by heart, each with the answer that is right most often."""
    every = [each for _, each in asked]
    assert 1 / CHOICES < blind_optimum(every, every) <= 0.5
    of_truths = np.bincount([each.truth for each in every], minlength=CHOICES) / COUNT
    assert np.abs(of_truths - 1 / CHOICES).max() < 4 * np.sqrt(0.1875 / COUNT)  # four standard deviations of a fair draw


def test_what_was_learnt_of_other_scenes_helps_no_more(asked: list[tuple[Scene, Question]]) -> None:
    every = [each for _, each in asked]
    assert blind_optimum(every[:300], every[300:]) < 0.45
