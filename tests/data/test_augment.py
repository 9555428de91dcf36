"""Augmentation keeps image and target together, and does what it did."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from data_toys import ALL, PLAIN, two_halves
from PIL import Image

from zoo.data import Augment, Batches, Mask, Scenes
from zoo.data.transforms.mixing import CopyPaste, NewBackground
from zoo.errors import InputError

RECORDED = np.load(Path(__file__).with_name("augmented.npz"))


def test_masks_gain_no_label():
    sample = Scenes(1, (72, 96))[0]
    labels = set(np.unique(sample.target.values)) | {255}
    for seed in range(30):
        image, target = ALL(sample.image, sample.target.values, np.random.default_rng(seed), size=(64, 80))
        assert image.shape == (64, 80, 3) and target.shape == (64, 80)
        assert image.dtype == target.dtype == np.uint8
        assert set(np.unique(target)) <= labels


@pytest.mark.parametrize(
    "change",
    [
        {"flip": 1.0},
        {"flip_vertical": 1.0},
        {"scale": (0.5, 0.5)},
        {"scale": (1.7, 1.7)},
        {"scale": (0.6, 1.9), "native": True},
        {"rotate": 45.0},
        {"elastic": 5.0},
        {"flip": 0.5, "scale": (0.5, 2.0), "rotate": 30.0},
    ],
    ids=str,
)
def test_image_and_mask_move_together(change: dict[str, object]):
    """The image shows the mask's edge; whatever happens, it must show it in the same place, to a pixel."""
    sample, augment = two_halves(), dataclasses.replace(PLAIN, **change)
    for seed in range(8):
        image, target = augment(sample.image, sample.target.values, np.random.default_rng(seed), size=(50, 70), padding=255)
        shown, counts = image[..., 0].astype(int) > 100, target != 255
        assert counts.mean() > 0.15
        assert (shown == target)[counts].mean() > 0.965
        moved = np.roll(target, 3, axis=1)  # three pixels off would be seen
        if 0.2 < target[counts].mean() < 0.8:
            assert (shown == moved)[counts & (moved != 255)].mean() < 0.965


def test_nothing_asked_for_changes_nothing():
    sample = Scenes(1, 64)[0]
    image, target = PLAIN(sample.image, sample.target.values, np.random.default_rng(0))
    np.testing.assert_array_equal(target, sample.target.values)
    np.testing.assert_array_equal(image, sample.image)


def test_flip_is_a_flip():
    sample = Scenes(1, 64)[0]
    image, target = dataclasses.replace(PLAIN, flip=1)(sample.image, sample.target.values, np.random.default_rng(0))
    np.testing.assert_array_equal(image, sample.image[:, ::-1])
    np.testing.assert_array_equal(target, sample.target.values[:, ::-1])


def test_shrinking_pads_and_growing_does_not():
    sample = two_halves()
    for scale, share in ((0.5, 0.25), (1.0, 1.0), (2.0, 1.0)):
        _, target = dataclasses.replace(PLAIN, scale=(scale, scale))(
            sample.image, sample.target.values, np.random.default_rng(3), padding=7
        )
        assert (target != 7).mean() == pytest.approx(share, abs=0.02)


def test_native_crops_the_samples_own_pixels():
    sample = Scenes(1, 96)[0]
    image, _ = dataclasses.replace(PLAIN, native=True)(
        sample.image, sample.target.values, np.random.default_rng(1), size=(48, 48)
    )
    gaps = [
        np.abs(sample.image[y : y + 48, x : x + 48].astype(int) - image).mean() for y in range(49) for x in range(49)
    ]
    assert min(gaps) < 12 and np.median(gaps) > 2 * min(gaps)


def test_elastic_deformation_follows_smooth_vectors_of_the_deviation_asked_for():
    from zoo.data.transforms.elastic import deform, displacements

    many = np.stack([displacements((60, 90), 10.0, np.random.default_rng(seed)) for seed in range(300)])
    nodes = many[:, :, 10::20, 15::30]  # the middles of 3×3 cells
    assert nodes.shape == (300, 2, 3, 3)
    assert np.abs(nodes.std(axis=0) - 10).max() < 1.5 and np.abs(nodes.mean(axis=0)).max() < 2.5
    assert np.abs(np.diff(many, axis=2)).max() < 4  # no tear: neighbours move alike
    apart = np.corrcoef(nodes.reshape(300, -1).T)
    assert np.abs(apart - np.eye(len(apart))).max() < 0.3  # and each node by itself

    y, x = np.indices((40, 50))
    ramp = Image.fromarray((4 * x + y).astype(np.uint8))
    shift = np.broadcast_to(np.array([2.0, -3.5], np.float32)[:, None, None], (2, 40, 50))
    moved = np.asarray(deform(ramp, shift, smooth=True)).astype(float)
    inside = (slice(0, 37), slice(4, 50))
    np.testing.assert_allclose(moved[inside], (4 * (x - 3.5) + y + 2)[inside], atol=0.51)


def test_without_elastic_deformation_nothing_is_drawn_for_it_or_told():
    sample = Scenes(1, 64)[0]
    plain, elastic = Augment(rotate=5), Augment(rotate=5, elastic=3)
    assert "elastic" not in repr(plain) and repr(elastic).endswith("elastic=3)")
    first, second = (np.random.default_rng(3) for _ in range(2))
    plain(sample.image, sample.target.values, first)
    dataclasses.replace(elastic, elastic=0)(sample.image, sample.target.values, second)
    assert first.random() == second.random()


def test_colours_change_as_said():
    grey = np.full((16, 16, 3), 100, np.uint8)
    target = np.zeros((16, 16), np.uint8)
    for seed in range(5):
        turned, _ = dataclasses.replace(PLAIN, saturation=0.9, hue=90, contrast=0.9)(
            grey, target, np.random.default_rng(seed)
        )
        assert np.abs(turned.astype(int) - 100).max() <= 1, "a flat grey has no hue, no saturation, no contrast"
    levels = {
        int(dataclasses.replace(PLAIN, brightness=0.5)(grey, target, np.random.default_rng(seed))[0][0, 0, 0])
        for seed in range(20)
    }
    assert min(levels) < 75 and max(levels) > 125 and min(levels) >= 50 and max(levels) <= 150
    red = np.full((16, 16, 3), (200, 20, 20), np.uint8)
    colours = [
        dataclasses.replace(PLAIN, hue=150)(red, target, np.random.default_rng(seed))[0][0, 0] for seed in range(20)
    ]
    assert len({int(colour.argmax()) for colour in colours}) == 3, "hue goes round"


def test_the_same_generator_gives_the_same_and_another_does_not():
    sample = Scenes(1, 64)[0]
    first, again, other = (ALL(sample.image, sample.target.values, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).mean() > 0.5


BEFORE = {  # settings whose results were recorded before targets had types, with the size of the output
    "default": (Augment(), None),
    "flips": (Augment(flip=0.5, flip_vertical=0.5, scale=(1, 1)), (40, 56)),
    "small": (Augment(scale=(0.4, 0.8), stretch=1.3), (36, 44)),
    "native": (Augment(native=True, scale=(0.6, 1.6)), (32, 40)),
    "turned": (Augment(rotate=40, scale=(0.5, 2.0), stretch=1.5, hue=20, blur=0.5, noise=8), (40, 44)),
    "elastic": (Augment(flip_vertical=0.5, elastic=4.0, rotate=10, noise=3), (40, 44)),
    "all": (dataclasses.replace(ALL, elastic=2.0, size=(33, 47)), None),
}


@pytest.mark.parametrize("name", BEFORE)
def test_pictures_and_masks_come_out_as_before_targets_had_types(name: str):
    """Bit for bit: a run that was begun then goes on."""
    (augment, size), data = BEFORE[name], Scenes(4, (44, 52), seed=3)
    for seed in range(2):
        sample = data[seed]
        for target in (sample.target.values, Mask(sample.target.values, 250)):
            image, mask = augment(sample.image, target, np.random.default_rng(seed), size=size, padding=250)
            np.testing.assert_array_equal(image, RECORDED[f"{name}_{seed}_image"])
            np.testing.assert_array_equal(mask, RECORDED[f"{name}_{seed}_mask"])


def test_batches_come_out_as_before_targets_had_types():
    data = Scenes(4, (44, 52), seed=3)
    mix = NewBackground(CopyPaste(Augment(scale=(0.75, 2)), data, chance=0.8), data, chance=0.8)
    for epoch in range(2):
        images, masks = Batches(data, 2, size=(40, 44), augment=mix, seed=5).batch(epoch, 1)
        np.testing.assert_array_equal(images, RECORDED[f"mixed_{epoch}_images"])
        np.testing.assert_array_equal(masks, RECORDED[f"mixed_{epoch}_masks"])
    images, masks = Batches(data, 2, size=(31, 65), seed=5).batch(0, 0)
    np.testing.assert_array_equal(images, RECORDED["resized_images"])
    np.testing.assert_array_equal(masks, RECORDED["resized_masks"])
    texts = {name: repr(augment) for name, (augment, _) in BEFORE.items()} | {"mixed": repr(mix)}
    assert [f"{name}: {text}" for name, text in texts.items()] == RECORDED["reprs"].tolist(), "what old checkpoints compare"


def test_settings_are_plain_data_with_a_version():
    data = Scenes(4, 48)
    plain = NewBackground(CopyPaste(Augment(size=(3, 4)), data, classes=(1, 2)), data).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["type"], plain["version"], plain["partners"]) == ("NewBackground", 1, "scenes/train")
    assert plain["augment"]["classes"] == [1, 2] and plain["augment"]["augment"]["size"] == [3, 4]
    fields = {field.name for field in dataclasses.fields(Augment)}
    assert set(plain["augment"]["augment"]) == fields | {"type", "version"}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Augment(flip=2), "flip=2"),
        (lambda: Augment(scale=(2, 1)), "scale"),
        (lambda: Augment(scale=(0, 1)), "scale"),
        (lambda: Augment(rotate=-3), "rotate=-3"),
        (lambda: Augment(size=(0, 3)), "size"),
    ],
)
def test_bad_input(call, says: str):
    with pytest.raises(InputError, match=says):
        call()


def test_grey_and_a_fourth_channel_go_the_same_way_as_rgb():
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8)
    mask = (image[..., 0] > 100).astype(np.uint8)
    close = dataclasses.replace(ALL, scale=(1.0, 2.0), rotate=0, noise=0, blur=0)
    for seed in range(4):
        grey, (rgb, target) = image[..., :1], close(image[..., :3], mask, np.random.default_rng(seed))
        four, same = close(image, mask, np.random.default_rng(seed))
        np.testing.assert_array_equal(four[..., :3], rgb)
        np.testing.assert_array_equal(same, target)
        alone, _ = close(grey, mask, np.random.default_rng(seed))
        np.testing.assert_array_equal(alone, close(grey.repeat(3, -1), mask, np.random.default_rng(seed))[0][..., :1])
        still = dataclasses.replace(close, brightness=0, contrast=0, saturation=0, hue=0)
        np.testing.assert_array_equal(four[..., 3:], still(image[..., 3:], mask, np.random.default_rng(seed))[0])


def test_beyond_a_grey_picture_is_grey_and_beyond_a_fourth_channel_nothing():
    small = dataclasses.replace(PLAIN, scale=(0.5, 0.5))
    mask = np.zeros((20, 20), np.uint8)
    for channels, beyond in ((1, {116, 117, 118}), (4, {0})):
        image, target = small(np.full((20, 20, channels), 255, np.uint8), mask, np.random.default_rng(0))
        assert set(image[target == 255][:, -1].tolist()) <= beyond
