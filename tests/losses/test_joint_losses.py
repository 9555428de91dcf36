"""Losses of joints: by hand, without the joints that are not known, and with a gradient that leads to the place."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.losses.joints import JointHeatLoss, JointPlaceLoss
from zoo.outputs import kind
from zoo.outputs.joints import joint_output

TARGETS = np.array([[[0.25, 0.5, 1], [0.8, 0.1, 1], [0, 0, 0]], [[0.6, 0.6, 1], [0, 0, 0], [0, 0, 0]]], np.float32)


def value(loss: keras.losses.Loss, targets: np.ndarray, predictions: np.ndarray) -> float:
    return float(keras.ops.convert_to_numpy(loss(targets, predictions)))


def hills(targets: np.ndarray, size: tuple[int, int], sigma: float) -> np.ndarray:
    """The maps that are learnt, by the definition."""
    rows, columns = np.indices(size) + 0.5
    each = [
        [np.exp(-((columns - x * size[1]) ** 2 + (rows - y * size[0]) ** 2) / (2 * sigma**2)) for x, y, _ in one]
        for one in targets
    ]
    return np.moveaxis(np.array(each), 1, -1).astype(np.float32)


def test_maps_of_zeros_cost_one_and_the_hills_nothing() -> None:
    for size in ((24, 32), (48, 64)):
        expected = hills(TARGETS, size, 2.0)
        assert value(JointHeatLoss(), TARGETS, expected) == pytest.approx(0, abs=1e-6)
        middle = TARGETS * (0, 0, 1) + (0.5, 0.5, 0)
        assert value(JointHeatLoss(), middle.astype(np.float32), np.zeros_like(expected)) == pytest.approx(1, abs=1e-3)
        answer = kind(joint_output("abc")).decode(expected[0], joint_output("abc", decode="soft_argmax"), (100, 100))
        np.testing.assert_allclose(answer[:2, :2], 100 * TARGETS[0, :2, :2], atol=1.0)
    noisy = expected + np.random.default_rng(0).normal(0, 0.1, expected.shape).astype(np.float32)
    squares = ((noisy - expected) ** 2).sum(axis=(1, 2)) / (np.pi * 4)
    weights = TARGETS[..., 2]
    assert value(JointHeatLoss(), TARGETS, noisy) == pytest.approx((squares * weights).sum() / weights.sum(), rel=1e-4)


def test_coordinates_cost_their_squared_distance() -> None:
    raw = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 6)).astype(np.float32)
    squares = ((raw.reshape(2, 3, 2) + 0.5 - TARGETS[..., :2]) ** 2).sum(axis=-1)
    weights = TARGETS[..., 2]
    assert value(JointPlaceLoss(), TARGETS, raw) == pytest.approx((squares * weights).sum() / weights.sum(), rel=1e-5)


@pytest.mark.parametrize("loss", [JointHeatLoss(), JointPlaceLoss()])
def test_a_batch_without_a_known_joint_costs_nothing_and_moves_nothing(loss: keras.losses.Loss) -> None:
    import tensorflow as tf

    shape = (2, 6, 8, 3) if isinstance(loss, JointHeatLoss) else (2, 6)
    prediction = tf.Variable(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    with tf.GradientTape() as tape:
        cost = loss(np.zeros((2, 3, 3), np.float32), prediction)
    assert float(cost) == 0 and not np.any(tape.gradient(cost, prediction).numpy())
    same = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(same) is type(loss) and same.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: JointHeatLoss(sigma=0), "sigma=0; expected a deviation"),
        (lambda: JointHeatLoss()(TARGETS, np.zeros((2, 6, 8, 4), np.float32)), r"targets of shape \(2, 3, 3\) for 4 joints"),
        (lambda: JointPlaceLoss()(TARGETS, np.zeros((2, 8), np.float32)), r"expected N×4×3"),
        (lambda: JointPlaceLoss()(TARGETS[..., :2], np.zeros((2, 6), np.float32)), "1 where the place is known"),
    ],
)
def test_bad_input(call, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
