"""Sheets of scenes with questions, and films of scenes with what happens in every frame: true, and the same for ever."""

from __future__ import annotations

import numpy as np
import pytest

import zoo.data
from zoo.data.datasets.scenes.questions import CHOICES, question
from zoo.data.datasets.scenes_events import EVENTS, FRAMES, STEP
from zoo.data.datasets.scenes_questions import QuestionScenes
from zoo.data.sheets import ANSWER, LINES, QUESTION, apart, sheet
from zoo.errors import InputError

SIZE = 32


def test_a_sheet_is_a_picture_and_lines_and_comes_apart_again() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    page = sheet(picture, [[7, 8], [255]])
    own, lines = apart(page, 2)
    np.testing.assert_array_equal(own, picture)
    assert page.shape == (8, 5, 3) and lines.tolist() == [[7, 8, 0, 0, 0], [255, 0, 0, 0, 0]]
    for wrong in ([1] * 6, [256], [-1]):
        with pytest.raises(InputError, match="room for 5 numbers from 0 to 255"):
            sheet(picture, [wrong])


def test_a_sheet_asks_what_is_asked_of_its_scene() -> None:
    data = QuestionScenes(5, SIZE, questions=3)
    assert len(data) == 15 and len({sample.name for sample in data}) == 15
    for index in (0, 1, 7):
        sample, asked = data[index], question(data.scene(index), index % 3)
        assert data.asked(index) == asked and int(np.asarray(sample.target)) == asked.truth
        picture, lines = apart(sample.image, LINES)
        np.testing.assert_array_equal(picture, data.scene(index).image)
        words = [[data.classes[number] for number in line if number] for line in lines]
        assert words == [list(asked.words), *(answer.split() for answer in asked.answers)]
        assert lines[0, QUESTION - 1] and not lines[0, QUESTION:].any() and not lines[1:, ANSWER:].any()
    np.testing.assert_array_equal(data[7].image, QuestionScenes(5, SIZE, questions=3)[7].image)
    np.testing.assert_array_equal(apart(data[6].image, LINES)[0], apart(data[8].image, LINES)[0])  # one scene
    assert len({data.asked(index) for index in range(15)}) > 10


def test_the_spec_opens_them_and_knows_what_the_blind_get() -> None:
    data = zoo.data.open(f"scenes_questions:count=60,size={SIZE},questions=2", "train")
    assert len(data) == 120 and len(zoo.data.open(f"scenes_questions:count=60,size={SIZE},questions=2", "val")) == 16
    assert 1 / CHOICES < data.blind < 0.6  # of few questions, known by heart
    with pytest.raises(InputError, match="expected a square"):
        zoo.data.open("scenes_questions:size=32x48", "train")


def middle(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(x, y) of what differs between two frames, in sides."""
    rows, columns = np.nonzero(np.abs(frame.astype(int) - other).sum(-1) > 24)
    return np.array([columns.mean(), rows.mean()]) / len(frame)


def test_films_show_what_their_labels_say() -> None:
    data = zoo.data.open("scenes_events:count=12,size=64", "train")
    seen = set()
    for film, target, _ in data:
        labels, frames = np.asarray(target), np.split(film, FRAMES, axis=-1)
        assert labels.shape == (FRAMES,) and labels[0] == EVENTS.index("still")
        for at in range(1, FRAMES):
            event = EVENTS[labels[at]]
            assert (frames[at - 1] != frames[at]).any() == (event != "still")
            seen.add(event)
            if event != "still" and at + 1 < FRAMES and labels[at] == labels[at + 1]:  # what changes moves along
                moved = middle(frames[at], frames[at + 1]) - middle(frames[at - 1], frames[at])
                axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[event]
                assert moved[axis] * sign > 0.3 * STEP
    assert seen == set(EVENTS)
    np.testing.assert_array_equal(data[3].image, zoo.data.open("scenes_events:count=12,size=64", "train")[3].image)
