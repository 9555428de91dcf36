"""Batches are a pure function of seed, epoch and index."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from data_toys import ALL, PLAIN, two_halves

import zoo.data
from zoo.data import Augment, Batches, Boxes, Dataset, Label, Mask, Sample, Scenes, calibration_images, spread
from zoo.errors import InputError


class Few(Dataset):
    """Samples given."""

    name, classes, palette = "few", ("a", "b", "c"), ((0, 0, 0), (9, 9, 9), (99, 99, 99))

    def __init__(self, samples: list[Sample], ignore: int | None = None) -> None:
        self.samples, self.ignore = samples, ignore

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def test_what_a_batch_is():
    batches = Batches(Scenes(10, 48), batch_size=4)
    images, targets = batches[0]
    assert (
        images.shape == (4, 48, 48, 3) and images.dtype == np.float32 and 0 <= images.min() < 50 < images.max() <= 255
    )
    assert targets.shape == (4, 48, 48) and targets.dtype == np.int32
    assert batches.ignore == 255


def test_a_batch_is_a_pure_function_of_seed_epoch_and_index():
    data = Scenes(12, 48)
    one, two = (Batches(data, 4, augment=ALL, seed=9) for _ in range(2))
    two[2], two[0]  # asking for others first changes nothing
    for left, right in zip(one[1], two[1], strict=True):
        np.testing.assert_array_equal(left, right)
    one.on_epoch_begin()
    one.on_epoch_end()
    resumed = Batches(data, 4, augment=ALL, seed=9, epoch=1)
    for left, right in zip(one[2], resumed[2], strict=True):
        np.testing.assert_array_equal(left, right)
    first = two[1][0]
    for other in (one[1], Batches(data, 4, augment=ALL, seed=8)[1], two[0]):
        assert (other[0] != first).any(axis=(1, 2, 3)).all()


def test_an_epoch_shows_each_sample_once():
    batches = Batches(Scenes(10, 32), 3, seed=1)
    orders = [[one for index in range(len(batches)) for one in batches.members(epoch, index)] for epoch in (0, 1)]
    assert orders[0] != orders[1]
    for order in orders:
        assert len(set(order)) == len(order) == batches.samples == 9
    plain = Batches(Scenes(10, 32), 3, shuffle=False)
    assert [one for index in range(4) for one in plain.members(5, index)] == list(range(10))


@pytest.mark.parametrize(
    ("count", "size", "shuffle", "batches", "last"), [(10, 4, True, 2, 4), (10, 4, False, 3, 2), (3, 4, True, 1, 3)]
)
def test_the_last_short_batch(count: int, size: int, shuffle: bool, batches: int, last: int):
    made = Batches(Scenes(count, 32), size, shuffle=shuffle)
    assert len(made) == batches and len(made[-1][0]) == last
    with pytest.raises(IndexError):
        made[batches]


def test_samples_of_different_sizes():
    mixed = Few([two_halves(40, 60), two_halves(60, 40)])
    with pytest.raises(InputError, match=r"few: halves is 40×60.*60×40.*size="):
        Batches(mixed, 2, shuffle=False)[0]
    images, targets = Batches(mixed, 2, size=(32, 48), shuffle=False)[0]
    assert images.shape == (2, 32, 48, 3) and set(np.unique(targets)) == {0, 1}
    assert Batches(mixed, 1, shuffle=False)[1][0].shape == (1, 60, 40, 3)


def test_padding_is_the_datasets_own_ignore_value():
    small = dataclasses.replace(PLAIN, scale=(0.5, 0.5))
    assert set(np.unique(Batches(Few([two_halves()], ignore=11), 1, augment=small)[0][1])) == {0, 1, 11}
    assert set(np.unique(Batches(Few([two_halves()]), 1, augment=small)[0][1])) == {0, 1, 255}


def test_calibration_images():
    data = Scenes(21, 48)
    images = calibration_images(data, 3, (32, 40))
    assert images.shape == (3, 32, 40, 3) and images.dtype == np.float32 and images.max() > 100
    whole = calibration_images(data, 3, (48, 48))
    for image, index in zip(whole, (0, 10, 20), strict=True):
        np.testing.assert_array_equal(image, data[index].image)


def test_calibration_images_have_the_channels_of_the_data():
    images = calibration_images(zoo.data.open("scenes_flow:count=3,size=48"), 2, (32, 40))
    assert images.shape == (2, 32, 40, 6) and np.abs(images[..., :3] - images[..., 3:]).mean() > 1


@pytest.mark.parametrize(("count", "of"), [(1, 1), (1, 9), (3, 21), (9, 9), (12, 9), (7, 100)])
def test_spread_is_even_and_names_none_twice(count: int, of: int):
    indices = spread(count, of)
    assert len(set(indices)) == len(indices) == min(count, of) and indices[0] == 0
    assert all(isinstance(index, int) for index in indices) and indices == sorted(indices)
    if count > 1:
        assert indices[-1] == of - 1 and np.ptp(np.diff(indices)) <= 1


@pytest.mark.parametrize(
    ("spec", "image", "target"),
    [
        ("scenes", (3,), (2, 40, 48)),
        ("scenes_denoising", (3,), (2, 40, 48, 3)),
        ("scenes_flow", (6,), (2, 40, 48, 3)),
        ("scenes_superres", (3,), (2, 80, 96, 3)),
    ],
)
@pytest.mark.parametrize("augment", [None, ALL], ids=["as it is", "augmented"])
def test_batches_of_any_target(spec: str, image: tuple[int, ...], target: tuple[int, ...], augment: Augment | None):
    data = zoo.data.open(f"{spec}:count=4,size=32x44")
    batches = Batches(data, 2, size=(40, 48), augment=augment, seed=1)
    images, targets = batches[0]
    assert images.shape == (2, 40, 48, *image) and targets.shape == target and images.dtype == np.float32
    for one, again in zip(batches[0], Batches(data, 2, size=(40, 48), augment=augment, seed=1)[0], strict=True):
        np.testing.assert_array_equal(one, again)


def test_batches_of_several_targets():
    class Several(Few):
        target = {"mask": Mask, "label": Label, "box": Boxes}  # noqa: RUF012

    samples = []
    for index in range(4):
        mask = two_halves(40, 60).target
        boxes = Boxes([[1, 2, 30, 40]] * index, [1] * index, (40, 60))
        samples.append(Sample(np.zeros((40, 60, 3), np.uint8), {"mask": mask, "label": Label(index), "box": boxes}, "a"))
    batches = Batches(Several(samples, ignore=7), 4, size=(20, 30), augment=dataclasses.replace(PLAIN, scale=(0.5, 0.5)))
    _, targets = batches[0]
    assert targets["mask"].shape == (4, 20, 30) and set(np.unique(targets["mask"])) == {0, 1, 7}
    assert sorted(targets["label"].tolist()) == [0, 1, 2, 3] and targets["box"]["boxes"].shape == (4, 3, 4)
    assert [int((row >= 0).sum()) for row in targets["box"]["labels"]] == targets["label"].tolist()


class Numbered(Batches):
    """Batches whose images say which batch of which epoch they are."""

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full((1, 4, 4, 3), 10 * epoch + index, np.float32), np.zeros((1, 4, 4), np.int32)


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_sees_every_epoch_from_the_first(workers: int):
    """Keras reads ahead, and ends an epoch before the first: the steps must see each batch of each epoch once."""
    import keras

    seen = []

    class Watching(keras.Model):
        def train_step(self, data):
            seen.append(int(np.asarray(data[0]).max()))
            return {"loss": 0.0}

    batches = Numbered(Scenes(9, 32), 4, workers=workers, epoch=5)
    entrance = keras.Input((None, None, 3))
    model = Watching(entrance, keras.layers.Conv2D(6, 1)(entrance))
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    model.fit(batches, epochs=3, verbose=0, shuffle=False)
    assert seen == [50, 51, 60, 61, 70, 71]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Batches(Few([])), "few: the split is empty"),
        (lambda: Batches(Scenes(2, 32), batch_size=0), "batch_size=0"),
        (lambda: Batches(Scenes(2, 32), seed=-1), "seed=-1"),
        (lambda: Batches(Scenes(2, 32), epoch=-1), "epoch=-1"),
        (lambda: Batches(Scenes(2, 32), size=(0, 5)), "size="),
        (lambda: Batches(Scenes(2, 32), size=64), "give"),
        (lambda: Batches(Scenes(2, 32), size=(64.5, 64)), "whole pixels"),
        (lambda: calibration_images(Scenes(2, 32), 3, (32, 32)), "3 calibration images asked for; it has 1 to 2"),
        (lambda: calibration_images(Scenes(2, 32), 0, (32, 32)), "0 calibration images"),
    ],
)
def test_bad_input(call, says: str):
    with pytest.raises(InputError, match=says):
        call()
