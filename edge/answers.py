"""From a model's raw output to its task's answer, for one picture: a row a task, a row a head."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.errors import InputError
from edge.tflite_file import Card

_STRIP = 64  # rows resized at a time: logits of 21 classes for a 12-megapixel picture would be 1 GB at once

Answer = Callable[[np.ndarray, Card, tuple[int, int]], np.ndarray]


def answer(output: np.ndarray, card: Card, size: tuple[int, int]) -> np.ndarray:
    """The task's answer for a picture of `size` (height, width), from the raw output of a batch of 1.

    Raises InputError for a task that this package has no answer for.
    """
    if card.task not in ANSWERS:
        known = ", ".join(sorted(ANSWERS))
        raise InputError(f"{card.name} has task {card.task!r}; expected {known}; run(tensor) gives its raw output")
    return ANSWERS[card.task](output, card, size)


# ------------------------------------------------------------------------------------------------ segmentation


def _segmentation(output: np.ndarray, card: Card, size: tuple[int, int]) -> np.ndarray:
    if card.classes > 256:
        raise InputError(f"{card.name} has {card.classes} classes; a uint8 class map holds 256: use run(tensor)")
    return _MAPS[card.head](output[0], size)


def _best_class(threshold: float) -> Callable[[np.ndarray, tuple[int, int]], np.ndarray]:
    """Scores h×w×classes → uint8 H×W. Scores are resized, not classes: edges then fall between the coarse pixels.

    A single channel is the foreground's score, and class 1 where it is above the threshold.
    """

    def best(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        result = np.empty(size, np.uint8)
        for start in range(0, size[0], _STRIP):
            strip = resize_rows(scores, size, start, min(start + _STRIP, size[0]))
            single = strip.shape[-1] == 1
            result[start : start + _STRIP] = strip[..., 0] > threshold if single else strip.argmax(-1)
        return result

    return best


def _nearest_class(classes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    classes = classes[..., 0] if classes.ndim == 3 else classes
    rows, columns = (
        np.minimum(((np.arange(out) + 0.5) * side / out).astype(int), side - 1)
        for out, side in zip(size, classes.shape, strict=True)
    )
    return classes[rows[:, None], columns[None, :]].astype(np.uint8)


_MAPS = {"logits": _best_class(0.0), "probabilities": _best_class(0.5), "classes": _nearest_class}


def resize_rows(values: np.ndarray, size: tuple[int, int], start: int, stop: int) -> np.ndarray:
    """Rows start:stop of `values` h×w×c resized to `size`, bilinear with half-pixel centres, float32."""
    values = values.astype(np.float32, copy=False)
    if values.shape[:2] == size:
        return values[start:stop]
    above, below, weight = _taps(values.shape[0], size[0])
    rows = slice(start, stop)
    part = weight[rows, None, None]
    tall = values[above[rows]] * (1 - part) + values[below[rows]] * part
    left, right, weight = _taps(values.shape[1], size[1])
    return tall[:, left] * (1 - weight[None, :, None]) + tall[:, right] * weight[None, :, None]


def _taps(side: int, out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(index before, index after, weight of the one after) for each output pixel; edges are repeated."""
    centre = np.clip((np.arange(out) + 0.5) * side / out - 0.5, 0, side - 1)
    before = np.floor(centre).astype(int)
    return before, np.minimum(before + 1, side - 1), (centre - before).astype(np.float32)


# ---------------------------------------------------------------------------------------------- classification


def _classification(output: np.ndarray, card: Card, size: tuple[int, int]) -> np.ndarray:
    return _SHARES[card.head](output.reshape(-1), card.classes)


def _softmax(logits: np.ndarray, _: int) -> np.ndarray:
    powers = np.exp((logits - logits.max()).astype(np.float32))
    return powers / powers.sum()


def _as_they_are(probabilities: np.ndarray, _: int) -> np.ndarray:
    return probabilities.astype(np.float32)


def _certain(classes: np.ndarray, count: int) -> np.ndarray:
    return (np.arange(count) == classes[0]).astype(np.float32)


_SHARES = {"logits": _softmax, "probabilities": _as_they_are, "classes": _certain}

ANSWERS: dict[str, Answer] = {"segmentation": _segmentation, "classification": _classification}
