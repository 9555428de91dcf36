"""Best classes of enlarged scores, to the last pixel those of plain enlarging and `argmax`: near ties and rounding included."""

from __future__ import annotations

import numpy as np
import pytest

from zoo import outputs
from zoo.outputs.class_scores import best_class, class_output
from zoo.outputs.outlines import best_classes
from zoo.outputs.resize import resize_rows
from zoo.outputs.spec import OutputSpec

SIZES = [(1, 1), (17, 23), (18, 24), (40, 23), (17, 90), (9, 60), (51, 69), (101, 137), (5, 4), (160, 201)]


def expected(scores: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
    """The plain way: every score enlarged, then the largest."""
    return best_class(resize_rows(scores, size, 0, size[0]), spec)


def smooth(rng: np.random.Generator, height: int, width: int, classes: int) -> np.ndarray:
    """Scores with outlines: coarse noise, enlarged."""
    coarse = rng.normal(size=(4, 5, classes)).astype(np.float32)
    return resize_rows(coarse, (height, width), 0, height)


def forms(rng: np.random.Generator, classes: int) -> dict[str, np.ndarray]:
    """Maps 17×23 of what networks and chance give, and of what is hard: ties, near ties, huge and tiny scores."""
    scores = smooth(rng, 17, 23, classes)
    powers = np.exp(8 * scores)
    near = np.float32(3.0) + rng.integers(-1, 2, scores.shape).astype(np.float32) * np.float32(2.0**-22)
    return {
        "outlines": scores,
        "probabilities": powers / powers.sum(axis=-1, keepdims=True),
        "noise": rng.normal(size=scores.shape).astype(np.float32),
        "int8": np.rint(scores * 6) / np.float32(6),
        "whole numbers": np.rint(scores * 2).astype(np.int8),
        "near ties": near,
        "one value": np.full_like(scores, 0.3),
        "all zero": np.zeros_like(scores),
        "half": scores.astype(np.float16),
        "double": scores.astype(np.float64) * 1.1,
        "tiny": scores * np.float32(1e-42),
        "huge": np.float32(3.4e38) * np.sign(scores),
        "infinite": np.where(scores > 1, np.float32(np.inf), scores),
        "not a number": np.where(scores > 1.5, np.float32(np.nan), scores),
    }


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(("classes", "sizes"), [(1, SIZES), (2, SIZES), (3, SIZES), (11, SIZES), (256, [(18, 24), (40, 51)])])
def test_class_map_is_that_of_plain_enlarging(classes: int, sizes: list[tuple[int, int]]) -> None:
    rng = np.random.default_rng(classes)
    labels = [str(index) for index in range(classes)]
    for output in ("logits", "probabilities"):
        spec = class_output(labels, output=output) if classes > 1 else single("linear" if output == "logits" else "sigmoid")
        for name, scores in forms(rng, classes).items():
            for size in sizes:
                answer = outputs.kind(spec).decode(scores, spec, size)
                assert answer.dtype == np.uint8
                np.testing.assert_array_equal(answer, expected(scores, spec, size), f"{name}, {size}, {output}")


def single(activation: str) -> OutputSpec:
    return OutputSpec("class_scores", channels=1, labels=("no", "yes"), activation=activation)


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_single_channel_about_its_threshold(activation: str) -> None:
    """Scores a few roundings from where the second class begins, on either side of it."""
    rng = np.random.default_rng(5)
    middle = np.float32(0.5 if activation == "sigmoid" else 0)
    spec = single(activation)
    for step in (2.0**-25, 2.0**-24, 2.0**-22, 1e-3):
        scores = middle + np.float32(step) * rng.integers(-2, 3, (17, 23, 1)).astype(np.float32)
        for size in SIZES:
            np.testing.assert_array_equal(outputs.kind(spec).decode(scores, spec, size), expected(scores, spec, size))


def test_class_that_wins_between_scores_alone() -> None:
    """The second everywhere is the first half-way: outlines are no straight cut between two classes."""
    scores = np.zeros((2, 2, 3), np.float32)
    scores[:, 0], scores[:, 1] = (10, 0, 9), (0, 10, 9)
    answer = best_classes(scores, (4, 40))
    assert set(np.unique(answer)) == {0, 1, 2}
    np.testing.assert_array_equal(answer, resize_rows(scores, (4, 40), 0, 4).argmax(axis=-1))


def test_a_large_picture_of_many_outlines() -> None:
    scores = np.random.default_rng(1).normal(size=(40, 50, 6)).astype(np.float32)
    size = (901, 1203)
    np.testing.assert_array_equal(best_classes(scores, size), resize_rows(scores, size, 0, size[0]).argmax(axis=-1))
