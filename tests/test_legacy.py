"""Models saved by 0.1 load and give the numbers that they gave: answers.npz was written by the version that wrote them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo

FOLDER = Path(__file__).parent / "legacy"
ANSWERS = FOLDER / "answers.npz"
SIDE = 33  # of the picture where the model takes any size


def picture(shape: tuple[int | None, ...]) -> np.ndarray:
    """The one that the answers are of."""
    height, width, channels = shape[1:]
    return np.random.default_rng(0).uniform(0, 255, (1, height or SIDE, width or SIDE, channels)).astype("float32")


@pytest.mark.parametrize("name", sorted(np.load(ANSWERS).files))
def test_a_saved_model_answers_as_it_did(name: str) -> None:
    expected = np.load(ANSWERS)[name]
    model = zoo.load(FOLDER / f"{name}.keras")
    answer = keras.ops.convert_to_numpy(model(picture(model.input_shape), training=False))
    assert answer.dtype == expected.dtype and answer.shape == expected.shape
    if answer.dtype.kind == "i":
        np.testing.assert_array_equal(answer, expected)
    else:
        np.testing.assert_allclose(answer, expected, atol=1e-5 * max(1.0, np.abs(expected).max()), rtol=0)


def test_every_saved_model_has_an_answer() -> None:
    assert {path.stem for path in FOLDER.glob("*.keras")} == set(np.load(ANSWERS).files)
