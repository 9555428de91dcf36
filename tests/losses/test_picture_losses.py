"""Charbonnier and the end-point error as losses, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.losses.charbonnier import Charbonnier
from zoo.losses.endpoint_error import EndpointErrorLoss

RNG = np.random.default_rng(0)


def test_charbonnier_is_the_absolute_difference_but_for_epsilon() -> None:
    clean, picture = RNG.uniform(0, 255, (2, 3, 8, 9, 3)).astype("float32")
    difference = (picture - clean) / 255
    assert float(Charbonnier(0.1)(clean, picture)) == pytest.approx((np.sqrt(difference**2 + 0.01) - 0.1).mean(), rel=1e-5)
    assert float(Charbonnier(1e-6)(clean, picture)) == pytest.approx(np.abs(difference).mean(), rel=1e-4)
    assert float(Charbonnier()(clean, clean)) == pytest.approx(0, abs=1e-7)


def test_end_point_error_counts_valid_vectors_alone() -> None:
    target, field = RNG.normal(0, 3, (2, 2, 5, 6, 2)).astype("float32")
    valid = RNG.random((2, 5, 6)) < 0.5
    distance = np.hypot(*np.moveaxis(field - target, -1, 0))
    assert float(EndpointErrorLoss()(target, field)) == pytest.approx(distance.mean(), rel=1e-4)
    marked = np.concatenate([target, valid[..., None].astype("float32")], axis=-1)
    marked[..., :2][~valid] = np.nan
    assert float(EndpointErrorLoss()(marked, field)) == pytest.approx(distance[valid].mean(), rel=1e-4)
    marked[..., 2] = 0
    assert float(EndpointErrorLoss()(marked, field)) == 0


@pytest.mark.parametrize("loss", [Charbonnier(0.01), EndpointErrorLoss()])
def test_losses_survive_saving(loss: keras.losses.Loss) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    values = RNG.normal(0, 3, (2, 1, 4, 4, 2)).astype("float32")
    assert float(again(*values)) == float(loss(*values))


def test_an_epsilon_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="epsilon=0"):
        Charbonnier(0)
