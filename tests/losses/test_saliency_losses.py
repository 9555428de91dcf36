"""Saliency losses: by NumPy, on fixations that are there and that are not, and what they teach."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.data.targets import Fixations
from zoo.errors import InputError
from zoo.losses.saliency import EuclideanMapLoss, GazeLoss
from zoo.metrics.saliency import divergence, standardised

SIZE = (12, 16)
RNG = np.random.default_rng(0)
TARGETS = [Fixations(RNG.uniform(0, SIZE[::-1], (9, 2)), SIZE, (1.5, 1.5)) for _ in range(2)]
BATCH = Fixations.stack(TARGETS)
LOGITS = RNG.normal(-1, 2, (2, *SIZE, 1)).astype(np.float32)


def value(loss: keras.losses.Loss, targets: np.ndarray = BATCH, logits: np.ndarray = LOGITS) -> float:
    return float(keras.ops.convert_to_numpy(loss(targets, logits)))


@pytest.mark.parametrize(
    ("weights", "measure"),
    [
        ((1, 0, 0), lambda heat, density, counts: divergence(heat, density)),
        ((0, 1, 0), lambda heat, density, counts: -np.corrcoef(heat.ravel(), density.ravel())[0, 1]),
        ((0, 0, 1), lambda heat, density, counts: -(standardised(heat) * counts).sum() / counts.sum()),
    ],
)
def test_each_part_is_what_is_scored(weights: tuple[float, ...], measure) -> None:
    heat = 1 / (1 + np.exp(-LOGITS[..., 0].astype(np.float64)))
    maps = np.moveaxis(BATCH.astype(np.float64), -1, 1)
    expected = [measure(each, density, counts) for each, (density, counts) in zip(heat, maps, strict=True)]
    assert value(GazeLoss(*weights)) == pytest.approx(np.mean(expected), rel=1e-3)  # its logarithms begin at 1e-7


def test_parts_are_weighed_and_survive_saving() -> None:
    parts = [value(GazeLoss(*weights)) for weights in np.eye(3)]
    loss = GazeLoss(2, 0.5, 0.1)
    assert value(loss) == pytest.approx(2 * parts[0] + 0.5 * parts[1] + 0.1 * parts[2], abs=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert value(again) == value(loss)
    for weights in ((0, 0, 0), (-1, 1, 1)):
        with pytest.raises(InputError, match="weights of 0 or more"):
            GazeLoss(*weights)


def test_the_euclidean_loss_is_of_maps_from_minus_one_to_one() -> None:
    density = BATCH[..., 0]
    low, high = (end(axis=(1, 2), keepdims=True) for end in (density.min, density.max))
    stretched = 2 * (density - low) / (high - low) - 1
    assert value(EuclideanMapLoss()) == pytest.approx(((LOGITS[..., 0] - stretched) ** 2).mean(), rel=1e-5)
    assert value(EuclideanMapLoss(), BATCH, stretched[..., None]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("loss", [GazeLoss(), EuclideanMapLoss()])
def test_a_picture_that_nobody_looked_at_does_not_count(loss: keras.losses.Loss) -> None:
    empty = np.zeros_like(BATCH[:1])
    both = value(loss, np.concatenate([BATCH, empty]), np.concatenate([LOGITS, LOGITS[:1]]))
    assert both == pytest.approx(value(loss), rel=1e-5)
    assert value(loss, empty, LOGITS[:1]) == 0
    assert np.isfinite(value(loss, BATCH, np.zeros_like(LOGITS))), "of a flat answer too"
