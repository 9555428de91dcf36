"""Tokens: the kind, how texts are written on from it, and how they become numbers and back."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from zoo import outputs
from zoo.errors import InputError
from zoo.outputs.decoding import GREEDY, Place, Sampling, beam_search, read, write_on
from zoo.outputs.tokens import token_output
from zoo.outputs.tolerances import OF_RECIPE
from zoo.outputs.vocabulary import Vocabulary

SPEC = token_output(("a", "b", "c"))
KIND = outputs.get("tokens")


class TestKind:
    def test_scores_become_logarithms_of_probabilities_whatever_their_size(self) -> None:
        scores = np.array([[[1.0, 2.0, 3.0], [1e4, 0.0, -1e4]]])
        answer = KIND.decode(scores, SPEC, (1, 2))
        np.testing.assert_allclose(np.exp(answer).sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(answer[0], scores[0, 0] - math.log(sum(map(math.exp, (1, 2, 3)))), rtol=1e-6)
        shares = token_output(("a", "b", "c"), "probabilities")
        np.testing.assert_allclose(KIND.decode(np.exp(answer[:1])[None], shares, (1, 1)), answer[:1], atol=1e-6)
        with pytest.raises(InputError, match="3 scores a position"):
            KIND.decode(np.zeros((1, 2, 4)), SPEC, (1, 2))

    def test_it_says_the_likeliest_tokens_and_writes_them(self, tmp_path: Path) -> None:
        answer = np.log(np.array([[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]], np.float32))
        assert KIND.describe(answer, SPEC) == "next: 'c' 60.0 %, 'b' 30.0 %, 'a' 10.0 %"
        path = KIND.write(answer, SPEC, tmp_path / "text")
        assert path.name == "text_tokens.csv" and path.read_text().splitlines()[1].startswith('0,"b",-0.356')
        page = KIND.draw(np.zeros((1, 2, 3), np.uint8), answer, SPEC)
        assert page.dtype == np.uint8 and page.std() > 1

    def test_files_are_compared_by_numbers_and_by_the_token_they_would_write(self) -> None:
        random = np.random.default_rng(0)
        expected = random.normal(size=(1, 1, 200, 3)).astype("float32")
        same = KIND.compare(expected, expected + 1e-6, SPEC, OF_RECIPE["float32"])
        assert same.passed and same.measures["agreement"] == 1
        turned = KIND.compare(expected, expected[..., ::-1], SPEC, OF_RECIPE["int8"])
        assert turned.passed is False and turned.measures["agreement"] < 0.6


class TestSampling:
    SCORES = np.log(np.array([0.1, 0.5, 0.15, 0.25]))

    def test_temperature_flattens_and_sharpens(self) -> None:
        np.testing.assert_allclose(Sampling().shares(self.SCORES), [0.1, 0.5, 0.15, 0.25])
        squares = np.array([0.1, 0.5, 0.15, 0.25]) ** 2
        np.testing.assert_allclose(Sampling(temperature=0.5).shares(self.SCORES), squares / squares.sum())
        np.testing.assert_array_equal(GREEDY.shares(self.SCORES), [0, 1, 0, 0])
        assert GREEDY.choose(np.zeros(4), np.random.default_rng(0)) == 0  # of equals the first

    def test_top_k_and_nucleus_leave_the_likeliest(self) -> None:
        np.testing.assert_allclose(Sampling(top_k=2).shares(self.SCORES), [0, 2 / 3, 0, 1 / 3])
        np.testing.assert_allclose(Sampling(nucleus=0.6).shares(self.SCORES), [0, 2 / 3, 0, 1 / 3])
        np.testing.assert_allclose(Sampling(nucleus=0.5).shares(self.SCORES), [0, 1, 0, 0])
        np.testing.assert_allclose(Sampling(nucleus=1.0).shares(self.SCORES), np.exp(self.SCORES))

    def test_what_is_drawn_has_those_shares(self) -> None:
        random = np.random.default_rng(0)
        drawn = [Sampling(top_k=3).choose(self.SCORES, random) for _ in range(3000)]
        np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 3000, [0, 5 / 9, 1.5 / 9, 2.5 / 9], atol=0.03)

    @pytest.mark.parametrize("wrong", [{"temperature": -1}, {"top_k": 0}, {"nucleus": 0.0}, {"nucleus": 1.5}])
    def test_numbers_out_of_range_are_errors(self, wrong: dict[str, float]) -> None:
        with pytest.raises(InputError, match=next(iter(wrong))):
            Sampling(**wrong)


def chain(table: np.ndarray):
    """A step whose next token depends on the last one alone; its states count the steps."""
    return lambda token, states: (table[token], (states or 0) + 1)


class TestSearch:
    RANDOM = np.random.default_rng(4)
    TABLE = np.log(RANDOM.dirichlet(np.full(5, 0.7), 5))
    END = 4

    def every_text(self, longest: int) -> dict[tuple[int, ...], float]:
        """Every text from token 0 on and its probability's logarithm, ended or cut off."""
        texts = {}
        for length in range(longest):
            for tokens in itertools.product(range(4), repeat=length):
                path = (0, *tokens, self.END)
                texts[tokens] = float(sum(self.TABLE[a, b] for a, b in itertools.pairwise(path)))
        for tokens in itertools.product(range(4), repeat=longest):
            texts[tokens] = float(sum(self.TABLE[a, b] for a, b in itertools.pairwise((0, *tokens))))
        return texts

    @pytest.mark.parametrize("normalization", [0.0, 0.6, 1.0])
    def test_with_beams_enough_it_finds_the_best_of_all_texts(self, normalization: float) -> None:
        def score(tokens: tuple[int, ...], log_probability: float) -> float:
            length = len(tokens) + (len(tokens) < 4)
            return log_probability / ((5 + length) / 6) ** normalization

        place = read(chain(self.TABLE), None, [0])
        results = beam_search(chain(self.TABLE), place, 400, 4, self.END, normalization)
        texts = self.every_text(4)
        ranked = sorted((score(*item) for item in texts.items()), reverse=True)
        assert [result.score for result in results[:10]] == pytest.approx(ranked[:10], rel=1e-9)
        for result in results[:10]:
            assert result.log_probability == pytest.approx(texts[result.tokens], rel=1e-9)

    def test_one_beam_is_greedy(self) -> None:
        place = read(chain(self.TABLE), None, [0])
        written = list(itertools.islice(write_on(chain(self.TABLE), place, GREEDY), 6))
        (found,) = beam_search(chain(self.TABLE), place, 1, 6)
        assert found.tokens == tuple(written)

    def test_states_go_their_own_way_in_each_text(self) -> None:
        seen = []

        def step(token: int, states: tuple[int, ...] | None) -> tuple[np.ndarray, tuple[int, ...]]:
            seen.append((*(states or ()), token))
            return np.log(np.array([0.5, 0.3, 0.2])), seen[-1]

        beam_search(step, read(step, None, [0]), 2, 3)
        assert all(text[0] == 0 for text in seen) and {(0, 0), (0, 1)} <= set(seen)

    def test_nothing_to_begin_with_is_an_error(self) -> None:
        with pytest.raises(InputError, match="prompt"):
            read(chain(self.TABLE), None, [])
        with pytest.raises(InputError, match="beams=0"):
            beam_search(chain(self.TABLE), Place(self.TABLE[0], None), 0, 3)


class TestVocabulary:
    def test_characters_come_back_as_they_were(self) -> None:
        vocabulary = Vocabulary(("\n", " ", "a", "b"))
        assert vocabulary.text(vocabulary.encode("a b\nab")) == "a b\nab"
        with pytest.raises(InputError, match="'c' is none of the 4 characters"):
            vocabulary.encode("abc")

    def test_words_come_back_with_blanks_between_them(self) -> None:
        vocabulary = Vocabulary(("<unknown>", "a", "circle", "left", "of", ",", ".", "it's"))
        numbers = vocabulary.encode("A circle, left of a square. It's")
        assert numbers == [1, 2, 5, 3, 4, 1, 0, 6, 7]
        assert vocabulary.text(numbers) == "a circle, left of a <unknown>. it's"
