"""CIDEr: how far a sentence says what people say of a picture, by the words that not everyone says of every picture.

As Vedantam et al. define it ("CIDEr: Consensus-based Image Description Evaluation", CVPR 2015,
https://arxiv.org/abs/1411.5726), in the form CIDEr-D that COCO's evaluation computes: words as they are, counts clipped to the
reference's, and a penalty for another length. tests/metrics/test_sentences.py holds it to pycocoevalcap 1.2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

LONGEST = 4  # words of an n-gram
SPREAD = 6.0  # of the penalty for length, words
_FACTOR = 10.0  # that scores are given by
Words = Sequence[str]
_Vector = dict[tuple[str, ...], float]


def cider(sentences: Sequence[Words], references: Sequence[Sequence[Words]]) -> np.ndarray:
    """float64 N, CIDEr-D of each sentence, 0 to 10; of the whole set it is their mean.

    How telling a word is depends on the whole set: one that the references of every picture have weighs nothing, so that of a
    single picture all is 0.

    Args:
        sentences: one a picture, in words.
        references: of each picture one or more.
    """
    seen: Counter[tuple[str, ...]] = Counter()  # pictures of which something is said
    for each in references:
        seen.update({gram for reference in each for gram in _grams(reference)})
    log_count = math.log(len(references)) if references else 0.0
    result = []
    for sentence, right in zip(sentences, references, strict=True):
        mine = _vectors(sentence, seen, log_count)
        shares = [_likeness(mine, _vectors(other, seen, log_count), _bigrams(sentence) - _bigrams(other)) for other in right]
        result.append(_FACTOR * float(np.mean(shares)))
    return np.array(result)


def _grams(words: Words) -> Counter[tuple[str, ...]]:
    """How often each n-gram stands there."""
    starts = [(start, length) for length in range(1, LONGEST + 1) for start in range(len(words) - length + 1)]
    return Counter(tuple(words[start : start + length]) for start, length in starts)


def _bigrams(words: Words) -> int:
    """COCO's length of a sentence."""
    return max(0, len(words) - 1)


def _vectors(words: Words, seen: Counter[tuple[str, ...]], log_count: float) -> list[_Vector]:
    """The n-grams of each length by their frequency and how few pictures they are said of."""
    vectors: list[_Vector] = [{} for _ in range(LONGEST)]
    for gram, count in _grams(words).items():
        vectors[len(gram) - 1][gram] = count * (log_count - math.log(max(1, seen[gram])))
    return vectors


def _likeness(one: list[_Vector], other: list[_Vector], longer: int) -> float:
    """The mean over lengths of the clipped cosine, by the penalty for a sentence that is so much longer."""
    cosines = []
    for mine, theirs in zip(one, other, strict=True):
        shared = sum(min(weight, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, weight in mine.items())
        lengths = math.sqrt(sum(weight**2 for weight in mine.values()) * sum(weight**2 for weight in theirs.values()))
        cosines.append(shared / lengths if lengths else 0.0)
    return float(np.mean(cosines)) * math.exp(-(longer**2) / (2 * SPREAD**2))
