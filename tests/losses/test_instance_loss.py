"""The loss of objects side by side: its outlines, its weights by U-Net's equation, and targets that it does not take."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.data.targets import UNKNOWN, InstanceMask
from zoo.errors import InputError
from zoo.losses.border import border_weights, weights_between
from zoo.losses.instances import OutlinedCrossEntropy

NUMBERS = np.zeros((12, 20), np.int32)
NUMBERS[2:9, 2:9], NUMBERS[2:9, 9:15], NUMBERS[:, 18:] = 1, 4, UNKNOWN
TARGET = InstanceMask(NUMBERS, [1, 0, 0, 0])


def prepared(**options: object) -> np.ndarray:
    return OutlinedCrossEntropy(**options).prepare(InstanceMask.stack([TARGET, TARGET.flip(0)]), 4)


def test_channels_are_ground_insides_and_outline() -> None:
    indices = prepared()[0, ..., 0]
    assert indices[5].tolist() == [0, 0, *[2] * 5, *[3] * 4, *[1] * 4, *[0] * 3, 255, 255]
    assert indices[11].tolist() == [0] * 18 + [255] * 2 and (indices[1] == 3).sum() == 4
    assert (prepared(reach=1)[0, 5, :, 0] == 3).sum() == 2
    assert (prepared()[..., 1:] == 1).all()


def test_weights_are_u_nets_equation() -> None:
    weights = prepared(class_weights=(1, 2, 3, 4), w0=10, sigma=5)[0, ..., 1]
    rows, columns = np.indices(NUMBERS.shape)
    distances = []
    for number in (1, 4):
        own = np.argwhere(number == NUMBERS)
        distances.append(np.sqrt(((np.stack([rows, columns], -1)[:, :, None] - own) ** 2).sum(-1).min(-1)))
    extra = 10 * np.exp(-((distances[0] + distances[1]) ** 2) / 50)
    indices = prepared()[0, ..., 0].astype(int)
    expected = np.array([1, 2, 3, 4])[np.minimum(indices, 3)] + np.where(np.isin(indices, (0, 3)), extra, 0)
    np.testing.assert_allclose(weights[:, :18], expected[:, :18], rtol=1e-5)
    inside = np.zeros(NUMBERS.shape, bool)
    inside[2:9, 2:8], inside[2:9, 11:15] = True, True
    numbers = np.where(np.arange(20) < 9, 1, 2) * inside
    np.testing.assert_array_equal(border_weights(inside), np.where(inside, 0, weights_between(numbers)))


def test_it_is_the_weighted_mean_over_what_counts() -> None:
    loss, logits = OutlinedCrossEntropy(class_weights=(1, 2, 3, 4), w0=5), np.random.default_rng(0).normal(size=(1, 12, 20, 4))
    targets = loss.prepare(InstanceMask.stack([TARGET]), 4)
    indices, weights = targets[0, ..., 0].astype(int), targets[0, ..., 1] * (targets[0, ..., 0] != 255)
    surprise = np.log(np.exp(logits[0]).sum(-1)) - np.take_along_axis(logits[0], np.minimum(indices, 3)[..., None], -1)[..., 0]
    value = float(loss(targets, logits.astype("float32")))
    assert value == pytest.approx((surprise * weights).sum() / weights.sum(), rel=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()


def test_an_empty_picture_and_one_of_which_nothing_is_known() -> None:
    """The first trains, the second costs nothing; neither gives NaN."""
    loss, logits = OutlinedCrossEntropy(w0=5), np.zeros((1, 8, 8, 3), np.float32)
    empty = InstanceMask(np.zeros((8, 8), int), [])
    assert float(loss(loss.prepare(InstanceMask.stack([empty]), 3), logits)) == pytest.approx(np.log(3), rel=1e-6)
    unknown = InstanceMask(np.full((8, 8), UNKNOWN), [])
    assert float(loss(loss.prepare(InstanceMask.stack([unknown]), 3), logits)) == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: OutlinedCrossEntropy(w0=-1), "w0=-1"),
        (lambda: OutlinedCrossEntropy(reach=0), "reach=0"),
        (lambda: prepared(class_weights=[1, 1, 1]), "3 class weights for 4"),
        (lambda: OutlinedCrossEntropy().prepare(InstanceMask.stack([TARGET]), 3), "targets of class 1, and 3 channels are"),
        (lambda: OutlinedCrossEntropy().prepare(NUMBERS[None], 4), r"shape \(1, 12, 20\); .* from zoo.data.InstanceMask"),
        (lambda: OutlinedCrossEntropy()(np.zeros((1, 4, 4)), np.zeros((1, 4, 4, 3))), "needs weights"),
    ],
)
def test_bad_input(call: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
