"""Losses of pictures and of vectors, against NumPy and the scores that they stand for."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.losses.charbonnier import Charbonnier
from zoo.losses.endpoint_error import EndpointErrorLoss
from zoo.losses.picture_quality import PictureQualityLoss
from zoo.metrics.psnr_ssim import psnr, ssim

RNG = np.random.default_rng(0)


def test_charbonnier_is_the_absolute_difference_but_for_epsilon() -> None:
    clean, picture = RNG.uniform(0, 255, (2, 3, 8, 9, 3)).astype("float32")
    difference = (picture - clean) / 255
    assert float(Charbonnier(0.1)(clean, picture)) == pytest.approx((np.sqrt(difference**2 + 0.01) - 0.1).mean(), rel=1e-5)
    assert float(Charbonnier(1e-6)(clean, picture)) == pytest.approx(np.abs(difference).mean(), rel=1e-4)
    assert float(Charbonnier()(clean, clean)) == pytest.approx(0, abs=1e-7)


def test_picture_quality_is_what_psnr_and_ssim_say() -> None:
    clean = RNG.integers(0, 256, (2, 16, 20, 3)).astype("float32")
    picture = np.clip(np.rint(clean + RNG.normal(0, [[[[5]]], [[[40]]]], clean.shape)), 0, 255).astype("float32")
    pairs = list(zip(clean, picture, strict=True))
    decibels = np.mean([20 * np.log10(255) - psnr(*pair) for pair in pairs])  # of the mean squared error, over one level's
    assert float(PictureQualityLoss(structure=0)(clean, picture)) == pytest.approx(decibels, rel=0.01)
    both = float(PictureQualityLoss(0.01, structure=20)(clean, picture)) - float(PictureQualityLoss(0.01, 0)(clean, picture))
    assert both == pytest.approx(20 * (1 - np.mean([ssim(*pair) for pair in pairs])), rel=1e-4)
    assert float(PictureQualityLoss()(clean, clean)) == pytest.approx(0, abs=1e-4)


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


@pytest.mark.parametrize("loss", [Charbonnier(0.01), EndpointErrorLoss(), PictureQualityLoss(2.0, 0.0)])
def test_losses_survive_saving(loss: keras.losses.Loss) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    values = RNG.normal(0, 3, (2, 1, 4, 4, 2)).astype("float32")
    assert float(again(*values)) == float(loss(*values))


def test_an_epsilon_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="epsilon=0"):
        Charbonnier(0)
    with pytest.raises(InputError, match="floor=0"):
        PictureQualityLoss(0)
