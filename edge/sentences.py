"""Sentences about pictures, by two files: an encoder looks once, and a file of one word says the sentence word by word.

    caption.tflite               the file of one word, which is what a Runner opens
    caption.encoder.tflite       beside it

>>> with edge.Runner("caption.tflite") as runner:
...     print(edge.say(runner, picture).text)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge import texts
from edge.errors import InputError
from edge.graph import Tensor
from edge.images import Picture
from zoo.outputs import InputSpec, OutputSpec, sayings
from zoo.outputs.decoding import Sampling
from zoo.outputs.vocabulary import sentence

if TYPE_CHECKING:
    from edge.runner import Runner

ENCODER = ".encoder.tflite"  # in place of .tflite


def encoder_path(path: str | Path) -> Path:
    """Where the encoder of a file of one word lies."""
    path = Path(path)
    return path.with_name(path.name.removesuffix(".tflite") + ENCODER)


def check_encoder(runner: Runner, encoder: Runner) -> None:
    """Refuses an encoder that is another file's.

    Raises:
        InputError: saying what is given and what is wanted.
    """
    card, own = encoder.card, runner.card
    given = _shapes(card.outputs, [encoder.graph.outputs[place] for place in card.read])
    places = dict(zip((spec.name for spec in own.inputs), own.fed, strict=True))
    needs = _shapes(own.encoded, [runner.graph.inputs[places[spec.name]] for spec in own.encoded])
    if given != needs:
        raise InputError(
            f"{card.path.name} gives {', '.join(sorted(given))}, and {own.path.name} begins with {', '.join(sorted(needs))}; "
            "take the encoder that was converted with it"
        )


def _shapes(specs: Sequence[InputSpec | OutputSpec], tensors: Sequence[Tensor]) -> set[str]:
    """Names of tensors with their shapes, in words."""
    return {f"{spec.name} {'×'.join(map(str, tensor.shape))}" for spec, tensor in zip(specs, tensors, strict=True)}


def begin(runner: Runner, batch: np.ndarray) -> texts.States:
    """What goes with the first word of a sentence about a picture, from the encoder.

    Args:
        runner: of a file of one word.
        batch: the picture, 1×h×w×c as the encoder takes it.

    Raises:
        InputError: for a file that says no sentences, and one without its encoder.
    """
    if not runner.card.begun:
        raise InputError(f"{runner.path.name} says no sentences about pictures; give a file of one word, of zoo convert")
    return runner.encoder.outputs(batch)


def worded(runner: Runner, text: str) -> np.ndarray:
    """A sentence as the picture that is read, uint8 1×n×1: the number of each word, the end, and padding.

    Args:
        runner: of a file that judges a sentence, or of one word that says anew what it read.
        text: words of the file's vocabulary.

    Raises:
        InputError: for a file that looks at pictures, an unknown word, and a sentence of more words than are read.
    """
    reads = runner.card.reads
    if reads is None:
        raise InputError(f"image is a str; expected a numpy array, uint8 H×W×3: {runner.path.name} reads no sentences")
    return sentence(text, runner.card.vocabulary, reads, runner.path.name)


def say(
    runner: Runner, image: Picture | str, sampling: Sampling | None = None, beams: int = 0, seed: int = 0
) -> sayings.Saying:
    """A sentence about a picture, or another sentence anew, with where each word looked.

    Args:
        runner: of a file of one word, its encoder beside it.
        image: uint8 H×W×3 of any size; or a text, for a file that reads one (`worded`).
        sampling: how each word is drawn; by default the likeliest.
        beams: beginnings that a search keeps; 0 searches nothing.
        seed: of what is drawn.

    Raises:
        InputError: as `begin`.
    """
    image = worded(runner, image) if isinstance(image, str) else image
    encoder = runner.encoder if runner.card.begun else runner
    check_width(runner, image)
    states = begin(runner, encoder.prepared(image))
    return sayings.say(lambda word, at: texts.raw_step(runner, word, at), states, runner.card.spec, sampling, beams, seed)


def check_width(runner: Runner, image: Picture) -> None:
    """Refuses words in another number than are read: they are no picture that could be stretched."""
    reads = runner.card.reads
    if reads is not None and np.shape(image) != (1, reads, 1):
        given = f"words of shape {np.shape(image)}"
        raise InputError(f"{given}; {runner.path.name} reads 1×{reads}×1, or give the sentence as text")


def scores(runner: Runner, batch: np.ndarray) -> np.ndarray:
    """float32 length×V: the scores of the greedy sentence about a picture, 1×h×w×c as the encoder takes it, as the network of
    all words gives them; zeros behind its end."""
    return sayings.greedy_scores(lambda word, at: texts.raw_step(runner, word, at), begin(runner, batch), runner.card.spec)
