"""Samples mixed from two."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data import Augment, Batches, Label, Mask
from zoo.data.dataset import Dataset
from zoo.data.sample import Sample
from zoo.data.transforms.mixing import CopyPaste, NewBackground, background_patch, paste
from zoo.errors import InputError

STILL = Augment(flip=0, scale=(1, 1), brightness=0, contrast=0, saturation=0)
SIDE = 96


class Squares(Dataset):
    """Sample i is of grey 40·i, with a square of class i + 1 in its own corner and unlabelled pixels in the last row."""

    name, classes, palette, ignore = "squares", ("none", "a", "b", "c"), ((0, 0, 0),) * 4, 255

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        image = np.full((SIDE, SIDE, 3), 40 * index, np.uint8)
        target = np.zeros((SIDE, SIDE), np.uint8)
        corner = slice(16 * index, 16 * index + 12)
        target[corner, corner] = index + 1
        image[corner, corner] = 200
        target[-1] = 255
        return Sample(image, target, f"square{index}")


@pytest.fixture
def squares() -> Squares:
    return Squares()


def test_pasting_brings_the_pixels_and_the_labels(squares: Squares) -> None:
    mixed = CopyPaste(STILL, squares, chance=1, classes=(2, 3))
    seen = set()
    for seed in range(20):
        image, target = mixed(squares[0].image, squares[0].target.values, np.random.default_rng(seed))
        pasted = np.isin(target, (2, 3))
        seen |= set(np.unique(target))
        assert (image[pasted].mean() > 170) if pasted.any() else True
        assert (target[:12, :12] == 1).all() and (target[-1] == 255).all()
        np.testing.assert_array_equal(image[16:40, :12], squares[0].image[16:40, :12])  # far from any outline
    assert {1, 2, 3} <= seen


def test_classmix_takes_half_of_the_classes_and_never_what_is_unlabelled(squares: Squares) -> None:
    mixed = CopyPaste(STILL, squares, chance=1)
    plain = np.full((SIDE, SIDE), 9, np.uint8)
    for seed in range(20):
        _, target = mixed(squares[0].image, plain, np.random.default_rng(seed), padding=255)
        assert 255 not in target and (target == 9).any() != (target == 9).all()  # one of two


def test_no_chance_changes_nothing(squares: Squares) -> None:
    for mix in (CopyPaste(STILL, squares, chance=0), NewBackground(STILL, squares, chance=0)):
        image, target = mix(squares[1].image, squares[1].target.values, np.random.default_rng(0))
        np.testing.assert_array_equal(image, squares[1].image)
        np.testing.assert_array_equal(target, squares[1].target.values)


def test_a_new_background_leaves_the_foreground_and_forgets_the_old(squares: Squares) -> None:
    mixed = NewBackground(STILL, squares, chance=1)
    greys = set()
    for seed in range(20):
        image, target = mixed(squares[2].image, squares[2].target.values, np.random.default_rng(seed))
        assert (target == 3).sum() == 144 and set(np.unique(target)) == {0, 3}
        assert image[34:42, 34:42].min() > 190
        greys.add(int(image[5, 5, 0]))
    assert len(greys) > 1


def test_a_background_patch_shows_no_other_class(squares: Squares) -> None:
    for seed in range(10):
        patch = background_patch(squares[1].image, squares[1].target.values, np.random.default_rng(seed))
        assert patch is None or (patch == 40).all()
    full = np.ones((SIDE, SIDE), np.uint8)
    assert background_patch(squares[1].image, full, np.random.default_rng(0)) is None


def test_an_outline_is_feathered_and_labels_are_not() -> None:
    image, over = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 200, np.uint8)
    where = np.zeros((20, 20), bool)
    where[:, 10:] = True
    mixed, labels = paste(image, np.zeros((20, 20), np.uint8), over, np.ones((20, 20), np.uint8), where)
    assert 50 < mixed[10, 9].mean() < 140 and mixed[10, 2].max() == 0 and mixed[10, 17].min() == 200
    np.testing.assert_array_equal(labels, where)


def test_batches_mix_the_same_way_each_time(squares: Squares) -> None:
    mix = NewBackground(CopyPaste(STILL, squares), squares)
    first, again = (Batches(squares, 2, augment=mix, seed=5).batch(3, 0) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert repr(mix) == repr(NewBackground(CopyPaste(STILL, Squares()), Squares()))  # what a resumed run is compared by


@pytest.mark.parametrize("kind", [CopyPaste, NewBackground])
def test_a_chance_outside_0_to_1_is_refused(kind: type, squares: Squares) -> None:
    with pytest.raises(InputError, match=r"chance=1\.5"):
        kind(STILL, squares, chance=1.5)


def test_stretching_changes_the_aspect_and_nothing_else() -> None:
    target = np.zeros((100, 100), np.uint8)
    target[40:60, 40:60] = 1
    image = np.repeat(target[..., None], 3, axis=2) * 255
    still = {"flip": 0, "brightness": 0, "contrast": 0, "saturation": 0}
    aspects = []
    for seed in range(30):
        _, out = Augment(scale=(1, 1), stretch=2.0, **still)(image, target, np.random.default_rng(seed))
        rows, columns = ((out == 1).any(axis=axis).sum() for axis in (1, 0))
        aspects.append(columns / rows)
        assert rows * columns == pytest.approx(400, rel=0.2)  # the area stays
    assert min(aspects) < 0.75 and max(aspects) > 1.33 and min(aspects) > 0.45 and max(aspects) < 2.2
    with pytest.raises(InputError, match=r"stretch=0\.5"):
        Augment(stretch=0.5)


@pytest.mark.parametrize("kind", [CopyPaste, NewBackground])
@pytest.mark.parametrize("target", [Label(1), {"mask": Mask(np.zeros((SIDE, SIDE), np.uint8))}], ids=["label", "several"])
def test_only_class_maps_are_mixed(kind: type, target: object, squares: Squares) -> None:
    with pytest.raises(InputError, match=rf"{kind.__name__} mixes class maps \(Mask\) and was given (Label|mask)"):
        kind(STILL, squares, chance=1)(squares[0].image, target, np.random.default_rng(0))
