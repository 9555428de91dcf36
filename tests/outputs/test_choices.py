"""Choices of answers, and what happens in every frame: kinds whose answer is no map of the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs.choices import choice_output
from zoo.outputs.frame_scores import frame_output
from zoo.outputs.tolerances import OF_RECIPE

WORDS = ("<padding>", "red", "blue")
EVENTS = ("still", "left", "right")
BLACK = np.zeros((60, 90, 3), np.uint8)


class TestChoices:
    kind, spec = outputs.get("choices"), choice_output(WORDS)

    def test_scores_become_shares_in_the_answers_order(self, tmp_path: Path) -> None:
        answer = self.kind.decode(np.array([1.0, 3.0, 2.0, 0.0]), self.spec, (60, 90))
        assert answer.sum() == pytest.approx(1) and answer.argsort().tolist() == [3, 0, 2, 1]
        shares = self.kind.decode(answer, choice_output(WORDS, "probabilities"), (60, 90))
        np.testing.assert_array_equal(shares, answer)
        assert self.kind.describe(answer, self.spec) == f"answer 2 of 4: {100 * answer[1]:.1f} %"
        assert self.kind.draw(BLACK, answer, self.spec).std() > 1
        path = self.kind.write(answer, self.spec, tmp_path / "scene")
        assert path.name == "scene_choices.csv" and path.read_text().splitlines()[2].startswith("2,0.64")
        with pytest.raises(InputError, match="two answers or more"):
            self.kind.decode(np.zeros(1), self.spec, (1, 1))
        with pytest.raises(InputError, match="unknown output"):
            choice_output(WORDS, "class_map")

    def test_files_are_compared_by_the_answer_that_they_choose(self) -> None:
        expected = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")
        assert self.kind.compare(expected, expected + 1e-7, self.spec, OF_RECIPE["float32"]).passed
        turned = self.kind.compare(expected, expected[:, ::-1], self.spec, OF_RECIPE["int8"])
        assert turned.passed is False and turned.measures["agreement"] < 0.5
        np.testing.assert_array_equal(self.kind.mirror(expected, self.spec), expected)


class TestFrames:
    kind, spec = outputs.get("frame_scores"), frame_output(EVENTS)

    def test_frames_of_one_class_are_told_together(self, tmp_path: Path) -> None:
        scores = np.eye(3, dtype=np.float32)[[[0, 0, 1, 2, 2, 2]]] * 5
        answer = self.kind.decode(scores, self.spec, (60, 90))
        assert answer.shape == (6, 3) and answer.sum(axis=1) == pytest.approx(1)
        assert self.kind.describe(answer, self.spec) == "1–2 still, 3 left, 4–6 right"
        assert self.kind.draw(BLACK, answer, self.spec).std() > 1
        path = self.kind.write(answer, self.spec, tmp_path / "film")
        assert path.name == "film_frames.csv" and path.read_text().splitlines()[3].startswith('3,"left",0.98')
        with pytest.raises(InputError, match="3 scores a frame"):
            self.kind.decode(scores[..., :2], self.spec, (60, 90))
        with pytest.raises(InputError, match="unknown output"):
            frame_output(EVENTS, output="class_map")

    def test_files_are_compared_frame_by_frame(self) -> None:
        expected = np.random.default_rng(0).normal(size=(9, 1, 6, 3)).astype("float32")
        assert self.kind.compare(expected, expected + 1e-7, self.spec, OF_RECIPE["float32"]).passed
        assert self.kind.compare(expected, expected[:, :, ::-1], self.spec, OF_RECIPE["int8"]).passed is False
        np.testing.assert_array_equal(self.kind.mirror(expected, self.spec), expected)
