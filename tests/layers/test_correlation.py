"""Correlation against its definition, and what it says of itself."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.analysis.receptive_field import receptive_field
from zoo.errors import InputError
from zoo.layers import Correlation, Frame

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("displacement", "stride", "channels"), [(1, 1, 9), (3, 2, 9), (4, 1, 81), (20, 2, 441)])
def test_it_is_the_papers_definition(displacement: int, stride: int, channels: int) -> None:
    """Every displacement by itself: Σ over channels of f1(x)·f2(x + d), over the number of channels; zero beyond the edge."""
    first, second = RNG.normal(size=(2, 2, 5, 7, 6)).astype("float32")
    answer = keras.ops.convert_to_numpy(Correlation(displacement, stride)([first, second]))
    assert answer.shape == (2, 5, 7, channels)
    side = round(channels**0.5)
    for channel in {0, 1, side, channels // 2, channels - 2, channels - 1}:
        down, across = ((part - side // 2) * stride for part in divmod(channel, side))
        expected = np.zeros((2, 5, 7))
        for row in range(5):
            for column in range(7):
                if 0 <= row + down < 5 and 0 <= column + across < 7:
                    there = second[:, row + down, column + across]
                    expected[:, row, column] = (first[:, row, column] * there).mean(axis=-1)
        np.testing.assert_allclose(answer[..., channel], expected, atol=1e-5)


def test_the_best_displacement_is_how_the_picture_moved() -> None:
    texture = RNG.normal(size=(1, 30, 30, 32)).astype("float32")
    first, second = texture[:, 5:21, 5:21], texture[:, 3:19, 6:22]  # what was at (x, y) is at (x − 1, y + 2)
    answer = keras.ops.convert_to_numpy(Correlation(3)([first, second]))[0, 4:-4, 4:-4]
    assert (answer.argmax(axis=-1) == (2 + 3) * 7 + (-1 + 3)).mean() > 0.95


def test_it_counts_its_products_and_says_what_it_sees() -> None:
    frames = keras.Input((8, 6, 4))
    maps = [Frame(index, 2)(frames) for index in range(2)]
    model = keras.Model(frames, Correlation(4, 2)(maps))
    assert model.output_shape == (None, 8, 6, 25)
    assert zoo.macs(model) == 8 * 6 * 25 * 2 and receptive_field(model) == (9, 9)


def test_what_cannot_be_compared_is_refused() -> None:
    for arguments in ((0,), (3, 0), (3, 4)):
        with pytest.raises(InputError, match="displacement of 1 or more"):
            Correlation(*arguments)
    with pytest.raises(InputError, match="3 and 4 channels"):
        Correlation(1)([keras.Input((8, 8, 3)), keras.Input((8, 8, 4))])
