"""Sayings: sentences said word by word about something that was looked at once, and where each word looked.

Around a step that takes a word and what goes with it, and gives outputs by name; NumPy alone, whatever computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.outputs.decoding import GREEDY, NORMALIZATION, Sampling, beam_search, read
from zoo.outputs.heatmap import relative
from zoo.outputs.resize import bilinear
from zoo.outputs.sentence import sentence_output, text, until_end
from zoo.outputs.spec import OutputSpec
from zoo.outputs.tokens import log_probabilities
from zoo.outputs.vocabulary import END

ATTENTION = "attention"  # the output that says where a step looked
_CELL, _COLUMNS = 96, 6  # least side of a picture on a sheet, pixels, and pictures in a row
_GAP, _TITLE = 6, 20  # pixels beside a picture and below it
_DIM = 0.25  # brightness of what a word did not look at
Outputs = Mapping[str, np.ndarray]
RawStep = Callable[[int, Any], tuple[Outputs, Any]]  # a word and what goes with it → all outputs; what goes with the next


@dataclass(frozen=True)
class Saying:
    """A sentence about something.

    Attributes:
        numbers: int32 n, its words, without the end.
        labels: the vocabulary.
        looks: float32 n×h×w, where each word looked, shares that sum to 1; None of a network that looks once.
    """

    numbers: np.ndarray
    labels: tuple[str, ...]
    looks: np.ndarray | None = None

    @property
    def text(self) -> str:
        """The sentence in letters."""
        return text(self.numbers, self.labels)

    @property
    def words(self) -> list[str]:
        """The sentence in words."""
        return [self.labels[number] for number in self.numbers]


def say(
    step: RawStep, states: Any, spec: OutputSpec, sampling: Sampling | None = None, beams: int = 0, seed: int = 0
) -> Saying:
    """A sentence, greedily by default.

    Args:
        step: of the network of one word.
        states: what goes with the first word.
        spec: of the scores, whose options say the number that begins a sentence ("start") and its words at most ("length").
        sampling: how each word is drawn.
        beams: beginnings that a search keeps; 0 searches nothing.
        seed: of what is drawn.
    """
    labels, (start, length) = spec.labels, _limits(spec)
    end = labels.index(END) if END in labels else None

    def scored(word: int, states: Any) -> tuple[np.ndarray, Any]:
        outputs, states = step(word, states)
        return log_probabilities(outputs[spec.name][0], spec), states

    if beams:
        place = read(scored, states, [start])
        numbers: list[int] = list(beam_search(scored, place, beams, length, end, NORMALIZATION)[0].tokens)
    else:
        sampling, random, numbers, word, at = sampling or GREEDY, np.random.default_rng(seed), [], start, states
        while len(numbers) < length and word != end:
            scores, at = scored(word, at)
            word = sampling.choose(scores, random)
            numbers.append(word)
    said = until_end(np.array(numbers, np.int32), labels)
    return Saying(said, labels, looks(step, states, spec, said))


def looks(step: RawStep, states: Any, spec: OutputSpec, numbers: np.ndarray) -> np.ndarray | None:
    """float32 n×h×w: where the network looks for each word of a sentence; None of one that does not say.

    Args:
        step, states, spec: as of `say`.
        numbers: the sentence's words.
    """
    maps, word = [], _limits(spec)[0]
    for number in np.asarray(numbers).tolist():
        outputs, states = step(word, states)
        if ATTENTION not in outputs:
            return None
        maps.append(outputs[ATTENTION][0, ..., 0])
        word = number
    return np.stack(maps).astype(np.float32) if maps else None


def greedy_scores(step: RawStep, states: Any, spec: OutputSpec) -> np.ndarray:
    """float32 length×V, the scores of a greedy sentence as a network of all words gives them; zeros behind its end."""
    word, length = _limits(spec)
    rows = np.zeros((length, len(spec.labels)), np.float32)
    end = spec.labels.index(END) if END in spec.labels else None
    for place in range(length):
        outputs, states = step(word, states)
        rows[place] = outputs[spec.name][0]
        word = int(rows[place].argmax())
        if word == end:
            break
    return rows


def meaning(spec: OutputSpec) -> OutputSpec:
    """The meaning of a sentence made of words of that meaning."""
    return replace(sentence_output(spec.labels), options=spec.options)


def sheets(picture: np.ndarray, saying: Saying) -> dict[str, np.ndarray]:
    """Pictures, uint8 H×W×3 by name, that show how a sentence came about: "attention", where each word looked.

    Args:
        picture: uint8 H×W×3.
        saying: about it.
    """
    return {} if saying.looks is None else {ATTENTION: _attention_sheet(picture, saying)}


def _attention_sheet(picture: np.ndarray, saying: Saying) -> np.ndarray:
    """The picture once a word, brightest where that word looked, the word below it."""
    from PIL import Image, ImageDraw

    factor = max(1, -(-_CELL // max(picture.shape[:2])))
    height, width = (factor * side for side in picture.shape[:2])
    large = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST))
    columns = min(_COLUMNS, len(saying.words))
    rows = -(-len(saying.words) // columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _TITLE) + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for index, (word, look) in enumerate(zip(saying.words, saying.looks, strict=True)):
        left, top = _GAP + index % columns * (width + _GAP), _GAP + index // columns * (height + _TITLE)
        heat = bilinear(relative(look[None, ..., None]), (height, width))[0]
        shown = large * (_DIM + (1 - _DIM) * heat)
        sheet.paste(Image.fromarray(np.rint(shown).astype(np.uint8)), (left, top))
        pen.text((left + 2, top + height + 1), word, fill="black")
    return np.asarray(sheet)


def _limits(spec: OutputSpec) -> tuple[int, int]:
    return int(spec.options["start"]), int(spec.options["length"])
