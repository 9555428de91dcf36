"""Films: the loop around a file of one frame's step, which goes on from what another file, its encoder, sees of each frame.

    film.tflite               the file of a step, which is what a Runner opens
    film.encoder.tflite       beside it

>>> with edge.Runner("film.tflite") as runner:
...     for shares in edge.watch(runner, camera):
...         print(runner.card.labels[shares.argmax()])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge import texts
from edge.errors import InputError
from edge.images import Picture
from zoo import outputs

if TYPE_CHECKING:
    from edge.runner import Runner


def watch(runner: Runner, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """What happens in each frame of a film, as soon as it is there: float32 C, probabilities.

    Args:
        runner: of a file of one frame's step, its encoder beside it.
        frames: uint8 H×W×3 of any size, without an end if need be.

    Raises:
        InputError: for another file, one without its encoder, and what is no picture.
    """
    states = None
    for frame in frames:
        shares, states = step(runner, frame, states)
        yield shares


def step(runner: Runner, frame: np.ndarray, states: texts.States | None = None) -> tuple[np.ndarray, texts.States]:
    """What `Runner.step` gives of a frame."""
    if not runner.card.watches:
        raise InputError(f"{runner.path.name} watches no films; give a file of one frame's step, as zoo convert writes it")
    states = texts.beginning(runner) if states is None else states
    results, states = _raw_step(runner, runner.encoder.prepared(frame), states)
    spec = runner.card.spec
    return outputs.kind(spec).decode(results[spec.name][0], spec, frame.shape[:2])[-1], states


def reading(runner: Runner, film: Picture) -> np.ndarray:
    """float32 k×C: what happens in each frame of a film, as the network of all frames says it.

    Args:
        runner: of a file of one frame's step.
        film: any number of pictures, uint8 H×W×3 each, or them along the channels.

    Raises:
        InputError: as `watch`, and for no frames.
    """
    answers = list(watch(runner, frames_of(film)))
    if not answers:
        raise InputError(f"no frames given; {runner.path.name} watches one or more")
    return np.stack(answers)


def scores(runner: Runner, film: np.ndarray) -> np.ndarray:
    """float32 1×k×C: the raw scores of a film h×w×3k, which is as the encoder takes it, from step to step."""
    states, rows = texts.beginning(runner), []
    for frame in frames_of(film):
        results, states = _raw_step(runner, np.asarray(frame, np.float32)[None], states)
        rows.append(results[runner.card.spec.name][0])
    return np.concatenate(rows, axis=1)


def frames_of(film: Picture) -> Sequence[np.ndarray]:
    """The frames of a film, one by one; those that lie along the channels are taken apart."""
    if isinstance(film, np.ndarray) and film.ndim < 4:
        along = film.ndim == 3 and film.shape[-1] > 3 and film.shape[-1] % 3 == 0
        return np.split(film, film.shape[-1] // 3, axis=-1) if along else [film]
    return film


def _raw_step(runner: Runner, batch: np.ndarray, states: texts.States) -> tuple[dict[str, np.ndarray], texts.States]:
    """All outputs of a step by name, and the states for the next one."""
    results = runner.outputs({**runner.encoder.outputs(batch), **states})
    return results, {spec.name: results[spec.feedback] for spec in runner.card.states}
