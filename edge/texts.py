"""Texts: the loop around a file of one step, which takes a token and states and gives scores of the next token and states.

>>> with edge.Runner("char_lstm.tflite") as runner:
...     print(write_on(runner, "ROMEO:", 200, Sampling(temperature=0.8)))
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import InputError
from zoo import outputs
from zoo.outputs.decoding import Sampling, read
from zoo.outputs.decoding import write_on as continued
from zoo.outputs.vocabulary import Vocabulary

if TYPE_CHECKING:
    from edge.runner import Runner

States = Mapping[str, np.ndarray]  # by the names of the inputs that take them


def step(runner: Runner, token: int, states: States | None = None) -> tuple[np.ndarray, States]:
    """What `Runner.step` gives."""
    card = runner.card
    if not card.states:
        raise InputError(
            f"{runner.path.name} has no states: it is no file of one step; convert zoo.layers.step_network(model)"
        )
    known = card.classes or card.spec.channels
    if not 0 <= token < known:
        raise InputError(f"token {token}; {runner.path.name} knows the tokens 0 to {known - 1}")
    results, states = raw_step(runner, token, beginning(runner) if states is None else states)
    return outputs.kind(card.spec).decode(results[card.spec.name][0], card.spec, (1, 1))[-1], states


def raw_step(runner: Runner, token: int, states: States) -> tuple[dict[str, np.ndarray], States]:
    """All outputs of a step by name, as the file gives them, and what the next one is given beside its token."""
    card = runner.card
    results = runner.outputs({card.inputs[0].name: np.full((1, 1, 1, 1), token, np.float32), **states})
    return results, {**states, **{spec.name: results[spec.feedback] for spec in card.states}}


def beginning(runner: Runner) -> dict[str, np.ndarray]:
    """The states before a text: zeros.

    Raises:
        InputError: for a file whose texts are about something, which is to be looked at first (`edge.sentences`).
    """
    if runner.card.begun:
        raise InputError(f"{runner.path.name} writes about a picture, which it is to be given first: runner(image)")
    return {spec.name: np.zeros((1, spec.channels), np.float32) for spec in runner.card.states}


def reading(runner: Runner, text: np.ndarray) -> np.ndarray:
    """What is said of the token behind each one of a text, as the network of all steps says it.

    Args:
        runner: of a file of one step.
        text: 1×n×1 tokens.

    Returns:
        float32 n×V, logarithms of probabilities.

    Raises:
        InputError: for another shape.
    """
    if text.ndim != 3 or text.shape[0] != 1 or text.shape[2] != 1 or not text.size:
        raise InputError(f"a text of shape {text.shape}; {runner.path.name} reads 1×n×1, the number of a token each")
    states, rows = None, []
    for token in text.reshape(-1).tolist():
        scores, states = step(runner, int(token), states)
        rows.append(scores)
    return np.stack(rows)


def write_on(runner: Runner, prompt: str, length: int, sampling: Sampling | None = None, seed: int = 0) -> str:
    """A text written on from a prompt: so many tokens behind it, without the prompt.

    Args:
        runner: of a file of one step whose labels are its vocabulary.
        prompt: of one token or more.
        length: tokens to write.
        sampling: how each is drawn; by default by its probability.
        seed: of what is drawn.

    Raises:
        InputError: for a file that is not one of a step, and a prompt of tokens that it does not know.
    """
    vocabulary = Vocabulary(runner.card.labels)
    place = read(runner.step, None, vocabulary.encode(prompt))
    written = continued(runner.step, place, sampling or Sampling(), np.random.default_rng(seed))
    return vocabulary.text(itertools.islice(written, length))
