"""Scores of sentences: whether they are word for word right, BLEU, and CIDEr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import InputError
from zoo.metrics.base import Metric, Score
from zoo.metrics.cider import Words, cider
from zoo.outputs.vocabulary import END

_TEACHER_FORCED = 2  # axes of an answer that says what follows each word of the target


class SentenceScores(Metric):
    """Exact match, the share of sentences that are one of the right ones; of sentences that were written also BLEU and CIDEr.

    BLEU is sacrebleu's, of up to four words, over all sentences together; the words are those of the vocabulary, which is
    sacrebleu's tokenizer "none". It comes as a share, 0 to 1. CIDEr is CIDEr-D of the same words (`zoo.metrics.cider`).

    An answer may be scores of what follows each word of the target, as a network gives them that is shown the right words. If
    the likeliest is right everywhere, then greedily written is the very sentence, and otherwise it is not: so its exact match
    is that of the sentence that is learnt. The other scores need what was written and are left out.

    Args:
        tokens: the text of each.
        padding: the token that fills up sentences.
    """

    def __init__(self, tokens: Sequence[str], padding: int | None = None) -> None:
        if END not in tokens:
            raise InputError(f"a vocabulary of {len(tokens)} tokens without {END!r}; sentences end in one")
        self._tokens, self._padding, self._end = tuple(tokens), padding, tuple(tokens).index(END)
        self._exact: list[bool] = []
        self._written: list[Words] = []
        self._references: list[list[Words]] = []

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Scores one sentence.

        Args:
            target: a `zoo.data.targets.Sentence`, or the numbers of one.
            answer: numbers of the tokens that were written, up to END or longer; or n×tokens, scores of what follows each of
                the target's.

        Raises:
            InputError: for an answer of another shape.
        """
        values, answer = np.asarray(target).reshape(-1), np.asarray(answer)
        if answer.ndim == _TEACHER_FORCED:
            self._exact.append(self._follows(values, answer))
            return
        if answer.ndim != 1 or answer.dtype.kind not in "iu":
            raise InputError(f"an answer of shape {answer.shape} and type {answer.dtype}; expected the numbers of tokens, n")
        references = getattr(target, "references", values[None])
        right = [self.words(each) for each in references]
        written = self.words(answer)
        self._exact.append(written in right)
        self._written.append(written)
        self._references.append(right)

    def words(self, numbers: np.ndarray) -> Words:
        """The words before END, and before any padding."""
        cut = np.flatnonzero((numbers == self._end) | (numbers == self._padding))
        return [self._tokens[number] for number in numbers[: cut[0] if cut.size else None]]

    def merge(self, other: Metric) -> SentenceScores:
        self._exact += other._exact
        self._written += other._written
        self._references += other._references
        return self

    def scores(self) -> list[Score]:
        exact = Score("exact_match", float(np.mean(self._exact)) if self._exact else np.nan)
        if not self._written:
            return [exact]
        return [exact, Score("bleu", self._bleu()), Score("cider", float(cider(self._written, self._references).mean()), "")]

    def settings(self) -> dict[str, Any]:
        """How BLEU was computed, in sacrebleu's words; nothing where it was not."""
        return {"bleu": "sacrebleu, tokenize=none, smooth_method=exp"} if self._written else {}

    def _bleu(self) -> float:
        from sacrebleu.metrics import BLEU  # the extra "words"

        most = max(map(len, self._references))
        streams = [[" ".join(each[at]) if at < len(each) else None for each in self._references] for at in range(most)]
        score = BLEU(tokenize="none", force=True).corpus_score([" ".join(words) for words in self._written], streams)
        return score.score / 100

    def _follows(self, values: np.ndarray, answer: np.ndarray) -> bool:
        """Whether the likeliest token is right at every position that counts."""
        if len(answer) != len(values):
            raise InputError(f"{len(values)} tokens, and an answer of shape {answer.shape}; expected {len(values)}×tokens")
        counted = np.ones(len(values), bool) if self._padding is None else values != self._padding
        return bool((answer.argmax(axis=-1) == values)[counted].all())
