"""Targets go through every geometry that their picture goes through: what the picture shows stays where the target says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from zoo.data import (
    Augment,
    Boxes,
    Fixations,
    FlowField,
    HeatMap,
    InstanceMask,
    Joints,
    Label,
    Mask,
    Sample,
    TargetImage,
    Tokens,
)
from zoo.data.sample import change, stack
from zoo.data.targets import NO_BOX, UNKNOWN, Target, mirror
from zoo.data.transforms.elastic import displacements
from zoo.data.transforms.geometric import Placement, resize
from zoo.errors import InputError

SIZE = (72, 96)
STILL = Augment(flip=0, scale=(1, 1), brightness=0, contrast=0, saturation=0)
CHANGES: dict[str, dict[str, object]] = {
    "flip": {"flip": 1.0},
    "upside down": {"flip_vertical": 1.0},
    "shrunk": {"scale": (0.6, 0.7)},
    "enlarged": {"scale": (1.2, 1.5)},
    "cropped": {"scale": (1.0, 1.0), "native": True},
    "stretched": {"stretch": 1.8, "scale": (0.8, 0.8)},
    "turned": {"rotate": 60.0},
    "deformed": {"elastic": 4.0},
    "all": {"flip": 0.5, "flip_vertical": 0.5, "scale": (0.7, 1.2), "stretch": 1.3, "rotate": 30.0, "elastic": 2.0},
}
change_names = pytest.mark.parametrize("name", CHANGES)


def changed(name: str, image: np.ndarray, target: Target, seed: int) -> tuple[np.ndarray, Target]:
    """Both as they come out of one of CHANGES."""
    augment = dataclasses.replace(STILL, **CHANGES[name])
    return augment(image, target, np.random.default_rng(seed), size=(60, 84))


def dot(x: float, y: float) -> np.ndarray:
    """A white dot at a place given in pixels' own coordinates (pixel i is centred at i), on black."""
    rows, columns = np.indices(SIZE)
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.5**2))
    return np.repeat(np.rint(light).astype(np.uint8)[..., None], 3, axis=-1)


def place_of(image: np.ndarray) -> np.ndarray | None:
    """The (x, y) of a dot; None where it is not wholly in the picture."""
    light = np.clip(image.astype(float).min(axis=-1) - 130, 0, None)  # above the grey of padding
    if light.sum() < 300 or max(light[0].max(), light[-1].max(), light[:, 0].max(), light[:, -1].max()) > 0:
        return None
    rows, columns = np.indices(light.shape)
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


# ---- Flow fields ------------------------------------------------------------------------------------------------


def swirl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A flow that is another at every place, (dx, dy)."""
    return np.stack([0.10 * (x - 50) - 0.15 * (y - 30) + 4, 0.15 * (x - 50) + 0.05 * (y - 30) - 2], axis=-1)


@change_names
def test_a_vector_still_leads_to_where_a_dot_has_moved(name: str) -> None:
    """Vectors far from the dot are wrong, and said to be: resampling must not mix them in."""
    rng, checked = np.random.default_rng(1), 0
    rows, columns = np.indices(SIZE)
    for seed in range(25):
        start = rng.uniform((22, 18), (74, 54))
        end = start + swirl(*start)
        valid = np.hypot(columns - start[0], rows - start[1]) < 7
        field = np.where(valid[..., None], swirl(columns, rows), 99)
        frames = np.concatenate([dot(*start), dot(*end)], axis=-1)
        image, flow = changed(name, frames, FlowField(field, valid), seed)
        first, second = place_of(image[..., :3]), place_of(image[..., 3:])
        if first is None or second is None:
            continue
        column, row = np.rint(first).astype(int)
        assert flow.valid[row, column]
        np.testing.assert_allclose(flow.values[row, column], second - first, atol=0.45)  # the dot lies between pixels
        checked += 1
    assert checked >= 8


@change_names
def test_padding_has_no_valid_vector_and_no_field_is_distorted(name: str) -> None:
    constant = FlowField(np.full((*SIZE, 2), (3, -2)))
    for seed in range(5):
        image, flow = changed(name, np.full((*SIZE, 6), 250, np.uint8), constant, seed)
        inside = (image > 187).all(axis=-1)  # half-way to the colour of padding
        assert inside[flow.valid].mean() > 0.99
        if "deform" not in name and name != "all":
            vectors = flow.values[flow.valid]
            np.testing.assert_allclose(vectors, np.broadcast_to(vectors[0], vectors.shape), atol=1e-3)


def test_what_happens_to_a_vector() -> None:
    field = FlowField(np.full((8, 10, 2), (3, -2)), np.arange(80).reshape(8, 10) % 3 > 0)
    assert field.flip(1).values[0, 0].tolist() == [-3, -2] and field.flip(0).values[0, 0].tolist() == [3, 2]
    np.testing.assert_array_equal(field.flip(1).valid, field.valid[:, ::-1])
    resized = field.resize((16, 5))
    np.testing.assert_allclose(resized.values[resized.valid][0], (1.5, -4), rtol=1e-5)
    crop = field.place(Placement((8, 10), (2, 1, 6, 4), (4, 6)))
    np.testing.assert_array_equal(crop.valid, field.valid[1:5, 2:8])
    np.testing.assert_allclose(crop.values[crop.valid], np.broadcast_to((3, -2), (crop.valid.sum(), 2)), rtol=1e-5)
    quarter = FlowField(np.full((8, 8, 2), (3, -2))).place(Placement((8, 8), (0, 0, 8, 8), (8, 8), np.pi / 2))
    np.testing.assert_allclose(quarter.values[4, 4], (-2, -3), atol=1e-5)
    ones, twos = FlowField(np.ones((4, 5, 2))), FlowField(2 * np.ones((4, 5, 2)), np.zeros((4, 5), bool))
    batch = FlowField.stack([ones, twos])
    assert batch.shape == (2, 4, 5, 3) and batch.dtype == np.float32
    assert batch[0, 0, 0].tolist() == [1, 1, 1] and batch[1, 0, 0].tolist() == [2, 2, 0]


# ---- Pictures, maps and masks -----------------------------------------------------------------------------------


def waves(size: tuple[int, int], scale: int = 1) -> np.ndarray:
    """A smooth pattern 0–1, at `scale` times the size the same one."""
    rows, columns = (np.indices((size[0] * scale, size[1] * scale)) + 0.5) / scale
    return 0.5 + 0.25 * np.sin(columns / 5 + 0.3) + 0.24 * np.sin(rows / 6 + columns / 17)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(255 * values).astype(np.uint8)[..., None], 3, axis=-1)


@change_names
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_target_image_goes_along_at_its_own_scale(name: str, scale: int) -> None:
    for seed in range(5):
        image, target = changed(name, grey(waves(SIZE)), TargetImage(grey(waves(SIZE, scale)), scale), seed)
        height, width = image.shape[:2]
        assert target.shape == (height * scale, width * scale, 3) and target.size == (height, width)
        small = target.values.reshape(height, scale, width, scale, 3).mean(axis=(1, 3))
        error = np.abs(small - image).mean()
        assert error < 4
        assert np.abs(np.roll(small, 2, axis=1) - image).mean() > 3 * error, "two pixels off would be seen"


@change_names
def test_a_heat_map_goes_along(name: str) -> None:
    one = waves(SIZE)
    for seed in range(5):
        image, heat = changed(name, grey(one), HeatMap(np.dstack([one, 1 - one])), seed)
        assert heat.values.dtype == np.float32 and heat.shape == (*image.shape[:2], 2)
        inside = heat.values.sum(axis=-1) > 0.999  # beyond the picture both are 0
        assert np.abs(255 * heat.values[..., 0] - image[..., 0])[inside].max() < 2.5 and inside.mean() > 0.2


def test_masks_are_resampled_by_the_nearest_and_padded_with_what_is_ignored() -> None:
    mask = Mask(np.arange(12, dtype=np.uint8).reshape(3, 4), ignore=99)
    assert mask.flip(0).values[0].tolist() == [8, 9, 10, 11] and mask.flip(1).values[0].tolist() == [3, 2, 1, 0]
    np.testing.assert_array_equal(mask.resize((6, 8)).values, mask.values.repeat(2, 0).repeat(2, 1))
    placed = mask.place(Placement((3, 4), (-2, 0, 6, 3), (3, 6))).values
    assert (placed[:, :2] == 99).all() and (placed[:, 2:] == mask.values).all()
    assert Mask(mask.values).padding == 255 and Mask(mask.values).padded_by(7).padding == 7 and mask.padded_by(7).padding == 99
    assert Mask.stack([mask, mask]).shape == (2, 3, 4) and Mask.stack([mask]).dtype == np.int32


# ---- Instances --------------------------------------------------------------------------------------------------


@change_names
def test_objects_stay_where_the_picture_shows_them(name: str) -> None:
    """Each has a colour of its own: what is drawn and then changed is what is changed and then drawn."""
    numbers = np.zeros(SIZE, np.int32)
    numbers[10:34, 14:40], numbers[10:34, 40:70], numbers[40:66, 30:52] = 1, 2, 3
    colours = np.array([[0, 0, 0], [250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)
    for seed in range(6):
        picture, target = changed(name, colours[numbers], InstanceMask(numbers, [4, 5, 4]), seed)
        assert target.labels.tolist() == [4, 5, 4] and target.size == picture.shape[:2]
        clear = np.abs(picture[:, :, None].astype(int) - colours[None, None]).max(axis=-1)
        known = (target.values != UNKNOWN) & (clear.min(axis=-1) < 40)  # not on a blurred edge
        assert (clear.argmin(axis=-1) == target.values)[known].mean() > 0.995 and known.mean() > 0.25
        padding = np.abs(picture.astype(int) - (124, 116, 104)).max(axis=-1) == 0
        assert (target.values[ndimage.binary_erosion(padding)] == UNKNOWN).all()


def test_what_happens_to_objects() -> None:
    mask = InstanceMask([[1, 1, 0, 3], [1, 0, 0, 3]], [5, 6, 7], [False, False, True])
    assert mask.numbers.tolist() == [1, 3] and mask.classes().tolist() == [[6, 6, 0, UNKNOWN], [6, 0, 0, UNKNOWN]]
    placed = mask.place(Placement((2, 4), (-1, 0, 5, 2), (2, 5)))
    assert placed.values.tolist() == [[UNKNOWN, 1, 1, 0, 3], [UNKNOWN, 1, 0, 0, 3]] and placed.classes()[0, 0] == UNKNOWN
    many = InstanceMask(np.arange(70000).reshape(250, 280), np.zeros(69999, int))
    assert (many.resize((500, 560)).values[::2, ::2] == many.values).all(), "numbers of more than 16 bits"
    batch = InstanceMask.stack([mask, mask.flip(1)])
    assert batch.shape == (2, 2, 4, 2) and batch.dtype == np.int32 and batch[1, 0, :, 0].tolist() == [3, 0, 1, 1]
    assert not InstanceMask(np.zeros((3, 3), np.uint16), []).classes().any()


# ---- Fixations --------------------------------------------------------------------------------------------------


@change_names
def test_a_fixation_stays_on_the_dot_that_was_looked_at(name: str) -> None:
    rng, checked = np.random.default_rng(2), 0
    for seed in range(25):
        x, y = rng.uniform((22, 18), (74, 54))
        image, fixations = changed(name, dot(x, y), Fixations([[x + 0.5, y + 0.5]], SIZE, (3, 3)), seed)
        place = place_of(image)
        if place is None:
            continue
        np.testing.assert_allclose(fixations.values, [place + 0.5], atol=0.5)  # a bent dot has its weight elsewhere
        checked += 1
    assert checked >= 8


def test_a_crop_keeps_the_fixations_inside_and_a_resize_the_width_of_sight() -> None:
    fixations = Fixations([[1, 1], [5.5, 2], [9.9, 7.9]], (8, 10), (2, 2))
    crop = fixations.place(Placement((8, 10), (4, 0, 6, 8), (8, 6)))
    np.testing.assert_allclose(crop.values, [[1.5, 2], [5.9, 7.9]], rtol=1e-6)
    assert crop.picture == (8, 6) and crop.spread == (2, 2)
    larger = fixations.resize((16, 30))
    assert larger.spread == (4, 6) and larger.values[1].tolist() == [16.5, 4]
    np.testing.assert_allclose(fixations.flip(1).values[0], [9, 1])
    assert fixations.counts().sum() == 3 and fixations.counts()[7, 9] == 1
    nothing = fixations.place(Placement((8, 10), (2, 3, 2, 2), (4, 4)))
    assert nothing.shape == (0, 2) and not Fixations.stack([nothing]).any()
    batch = Fixations.stack([fixations, fixations.flip(0)])
    assert batch.shape == (2, 8, 10, 2) and batch.dtype == np.float32
    np.testing.assert_allclose(batch[..., 0].sum(axis=(1, 2)), 1, rtol=1e-6)
    np.testing.assert_array_equal(batch[..., 1].sum(axis=(1, 2)), 3)


@pytest.mark.parametrize("spread", [(1.0, 2.5), (7.0, 7.0)])
def test_the_map_of_fixations_is_scipys_blur(spread: tuple[float, float]) -> None:
    points = np.random.default_rng(3).uniform(0, SIZE[::-1], (40, 2))
    fixations = Fixations(np.concatenate([points, points[:1]]), SIZE, spread)
    counts = np.zeros(SIZE)
    np.add.at(counts, (fixations.values[:, 1].astype(int), fixations.values[:, 0].astype(int)), 1)
    expected = ndimage.gaussian_filter(counts, spread, mode="constant")
    np.testing.assert_allclose(fixations.density(), expected / expected.sum(), atol=1e-8)


# ---- Joints -----------------------------------------------------------------------------------------------------


def two_dots(places: np.ndarray) -> np.ndarray:
    """A red dot and a green one on black, places x, y; pixel i covers i to i + 1."""
    red, green = (dot(*(place - 0.5)).max(axis=-1) for place in places)
    return np.dstack([red, green, np.zeros(SIZE, np.uint8)])


def colour_place(image: np.ndarray, channel: int) -> np.ndarray | None:
    """Where the dot of that channel is, wholly in the picture; the grey of padding is in both."""
    light = np.repeat((image[..., channel].astype(float) - image[..., 1 - channel]).clip(0, 255)[..., None], 3, axis=-1)
    place = place_of(light)
    return None if place is None else place + 0.5


@change_names
def test_a_joint_stays_on_its_dot_and_a_mirrored_left_one_becomes_the_right(name: str) -> None:
    rng, checked = np.random.default_rng(4), 0
    for seed in range(25):
        places = np.stack([rng.uniform((20, 18), (44, 54)), rng.uniform((54, 18), (76, 54))])
        joints = Joints(places, [2, 1], SIZE, opposite=(1, 0), area=100.0, side=20.0)
        image, moved = changed(name, two_dots(places), joints, seed)
        mirrored = np.random.default_rng(seed)
        settings = dataclasses.replace(STILL, **CHANGES[name])
        flips = [mirrored.random() < chance for chance in (settings.flip, settings.flip_vertical)]
        swapped = sum(flips) % 2  # what is mirrored twice is turned
        for channel in (0, 1):
            place, joint = colour_place(image, channel), channel ^ swapped
            if place is None:
                continue
            assert moved.seen[joint] == 2 - channel
            np.testing.assert_allclose(moved.values[joint], place, atol=0.6)
            checked += 1
    assert checked >= 16


def test_what_a_crop_leaves_outside_is_absent_and_sizes_grow_with_the_picture() -> None:
    joints = Joints([[1, 1], [9, 7], [5, 4]], [2, 2, 0], (8, 10), opposite=(1, 0, 2), area=12.0, side=6.0, head=2.0)
    crop = joints.place(Placement((8, 10), (4, 0, 6, 8), (16, 12)))
    assert crop.seen.tolist() == [0, 2, 0] and crop.values.tolist() == [[0, 0], [10, 14], [0, 0]]
    assert (crop.picture, crop.area, crop.side, crop.head) == ((16, 12), 48, 12, 4)
    assert joints.flip(1).values.tolist()[:2] == [[1, 7], [9, 1]] and joints.flip(0).values.tolist()[:2] == [[9, 1], [1, 7]]
    edge = Joints([[10, 8], [0, 0]], [1, 2], (8, 10))
    assert edge.flip(1).seen.tolist() == [1, 2] and edge.resize((4, 5)).values.tolist() == [[5, 4], [0, 0]]
    batch = Joints.stack([joints, joints.flip(1)])
    assert batch.shape == (2, 3, 3) and batch.dtype == np.float32
    np.testing.assert_allclose(batch[0], [[0.1, 0.125, 1], [0.9, 0.875, 1], [0, 0, 0]])
    with pytest.raises(InputError, match="targets of 1 and 3 joints"):
        Joints.stack([joints, Joints([[0, 0]], [1], (8, 10))])


# ---- Boxes ------------------------------------------------------------------------------------------------------


def extent(where: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(where)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@change_names
def test_boxes_stay_around_their_blocks(name: str) -> None:
    blocks, around = {0: (250, 0, 0), 1: (0, 250, 0)}, 0
    boxes = Boxes([[20, 14, 44, 32], [50, 30, 82, 52]], [0, 1], SIZE)
    image = np.zeros((*SIZE, 3), np.uint8)
    for (x0, y0, x1, y1), label in zip(boxes.values.astype(int), boxes.labels, strict=True):
        image[y0:y1, x0:x1] = blocks[int(label)]
    for seed in range(20):
        picture, moved = changed(name, image, boxes, seed)
        assert moved.size == picture.shape[:2] and (moved.values[:, 2:] > moved.values[:, :2]).all()
        for box, label in zip(moved.values, moved.labels, strict=True):
            where = np.abs(picture.astype(int) - blocks[int(label)]).max(axis=-1) < 60
            if not where.any():
                continue
            shown = extent(where)
            slack = 1.5 if name not in ("turned", "all") else 2.5
            assert (box[:2] - slack <= shown[:2]).all() and (box[2:] + slack >= shown[2:]).all(), (seed, box, shown)
            if name not in ("turned", "all"):  # no looser than they were
                np.testing.assert_allclose(box, shown, atol=2.5 if name == "deformed" else slack)
            around += 1
    assert around >= 15


def test_boxes_whose_centre_is_cut_off_are_dropped_and_others_clipped() -> None:
    boxes = Boxes([[0, 0, 4, 4], [3, 1, 9, 5], [8, 0, 10, 2]], [5, 6, 7], (8, 10), ignored=[False, True, False])
    crop = boxes.place(Placement((8, 10), (3, 0, 5, 4), (8, 10)))
    assert crop.labels.tolist() == [6] and crop.ignored.tolist() == [True]
    assert crop.values.tolist() == [[0, 2, 10, 8]]
    assert boxes.resize((16, 5)).values[1].tolist() == [1.5, 2, 4.5, 10]
    assert boxes.flip(0).values[0].tolist() == [0, 4, 4, 8] and boxes.flip(1).values[0].tolist() == [6, 0, 10, 4]
    batch = stack([boxes, crop, Boxes([], [], (8, 10))])
    assert batch["boxes"].shape == (3, 3, 4) and batch["labels"].tolist()[1:] == [[6, NO_BOX, NO_BOX], [NO_BOX] * 3]
    assert batch["ignored"].tolist()[:2] == [[False, True, False], [True, False, False]]


# ---- What lies nowhere, and what all have -----------------------------------------------------------------------


@change_names
def test_geometry_leaves_labels_and_tokens(name: str) -> None:
    for target in (Label(3), Tokens([5, 2, 9])):
        assert changed(name, grey(waves(SIZE)), target, 0)[1] is target and target.resize((5, 5)) is target
    assert Label.stack([Label(3), Label(1)]).tolist() == [3, 1]
    assert Label(3).may_flip(1) and not Tokens([5]).may_flip(0)
    assert Tokens.stack([Tokens([5, 2, 9]), Tokens([4], padding=8)]).tolist() == [[5, 2, 9], [4, 8, 8]]


ALL: dict[str, Callable[[], Target]] = {
    "Mask": lambda: Mask(np.zeros(SIZE, np.uint8)),
    "Label": lambda: Label(2),
    "FlowField": lambda: FlowField(np.zeros((*SIZE, 2))),
    "TargetImage": lambda: TargetImage(np.zeros((144, 192, 3), np.uint8), 2),
    "HeatMap": lambda: HeatMap(np.zeros((*SIZE, 4))),
    "InstanceMask": lambda: InstanceMask(np.zeros(SIZE, np.int32), [3]),
    "Boxes": lambda: Boxes([[0, 0, 4, 4]], [1], SIZE),
    "Joints": lambda: Joints([[3.5, 4.25], [95.5, 0]], [2, 1], SIZE, opposite=(1, 0)),
    "Fixations": lambda: Fixations([[3.5, 4.25], [95.5, 0]], SIZE, (3, 3)),
    "Tokens": lambda: Tokens([1, 2]),
}


@pytest.mark.parametrize("kind", ALL)
def test_every_target_reads_like_its_array_and_can_be_frozen(kind: str) -> None:
    target = ALL[kind]()
    assert np.asarray(target).shape == target.shape == target.values.shape and np.asarray(target) is target.values
    assert target.nbytes >= target.values.nbytes and target.size in (None, SIZE)
    assert np.array(target) is not target.values
    for same in (target.flip(1).flip(1), target.flip(0).flip(0), target.resize((36, 48)).resize(SIZE)):
        np.testing.assert_allclose(same.values, target.values, atol=1e-4)
        assert type(same) is type(target)
    target.freeze()
    with pytest.raises(ValueError, match="read-only"):
        target.values[...] = 1


def test_a_deformation_that_goes_nowhere_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    for target in (Mask(rng.integers(0, 9, SIZE)), FlowField(rng.normal(size=(*SIZE, 2))), HeatMap(rng.random((*SIZE, 1)))):
        np.testing.assert_allclose(target.deform(np.zeros((2, *SIZE), np.float32)).values, target.values, atol=1e-5)


def test_several_frames_go_through_one_geometry_and_one_change_of_colour() -> None:
    image = grey(waves(SIZE))
    vivid = Augment(flip=0.5, rotate=20, brightness=0.4, contrast=0.4, saturation=0.4, hue=40, blur=0.5, elastic=2)
    for seed in range(6):
        both, _ = vivid(np.concatenate([image, image], axis=-1), Label(0), np.random.default_rng(seed))
        one, _ = vivid(image, Label(0), np.random.default_rng(seed))
        np.testing.assert_array_equal(both[..., :3], one)
        np.testing.assert_array_equal(both[..., 3:], one)


def test_several_targets_by_name_go_along_together() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[10:30, 20:60] = 1
    sample = Sample(grey(mask), {"where": Mask(mask, 255), "what": Label(4), "box": Boxes([[20, 10, 60, 30]], [1], SIZE)}, "a")
    _, target = dataclasses.replace(STILL, flip=1)(sample.image, sample.target, np.random.default_rng(0))
    assert extent(target["where"].values == 1) == tuple(target["box"].values[0]) == (36, 10, 76, 30)
    assert sample.nbytes == sample.image.nbytes + sum(one.nbytes for one in sample.targets)
    small = sample.resize((36, 48))
    assert small.image.shape == (36, 48, 3) and small.target["box"].values[0].tolist() == [10, 5, 30, 15]
    batch = stack([sample.target, change(sample.target, lambda one: one.flip(1))])
    assert batch["where"].shape == (2, *SIZE) and batch["what"].tolist() == [4, 4] and batch["box"]["boxes"].shape == (2, 1, 4)


def test_bare_arrays_are_taken_for_masks_and_bare_numbers_for_labels() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    assert isinstance(Sample(image, np.zeros((4, 5), np.int64), "a").target, Mask)
    assert isinstance(Sample(image, 3, "a").target, Label) and isinstance(Sample(image, np.int64(3), "a").target, Label)
    again = Sample(image, Label(1), "a")
    assert tuple(again) == (image, again.target, "a") or next(iter(again)) is image


def test_arrays_of_any_channels_are_stretched() -> None:
    rng = np.random.default_rng(0)
    for channels in (1, 3, 4, 6):
        image = rng.integers(0, 256, (8, 10, channels), np.uint8)
        assert resize(image, (4, 5)).shape == (4, 5, channels) and resize(image, (4, 5)).dtype == np.uint8
        np.testing.assert_array_equal(mirror(mirror(image, 1), 1), image)
    assert displacements((6, 8), 1.0, rng).shape == (2, 6, 8)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Mask(np.zeros((4, 4, 3), np.uint8)), r"Mask: values of shape \(4, 4, 3\); expected n×n"),
        (lambda: Mask(np.full((4, 4), 0.5)), "Mask: float64 values"),
        (lambda: Mask(np.full((4, 4), 300)), "integers of 0–255"),
        (lambda: FlowField(np.zeros((4, 4, 3))), r"FlowField: values of shape \(4, 4, 3\); expected n×n×2"),
        (lambda: FlowField(np.zeros((4, 4, 2)), np.ones((4, 5), bool)), r"valid of shape \(4, 5\); expected 4×4"),
        (lambda: TargetImage(np.zeros((9, 8, 3), np.uint8), 2), "9×8 are no multiples of scale=2"),
        (lambda: Boxes([[0, 0, 1, 1]], [1, 2], (8, 8)), r"labels of shape \(2,\); expected 1"),
        (lambda: Boxes([[0, 0, 1]], [1], (8, 8)), "expected n×4"),
        (lambda: Joints([[0, 0]], [1, 2], (8, 8)), r"seen of shape \(2,\); expected 1"),
        (lambda: Joints([[0, 9.5]], [1], (8, 8)), r"joint 0 at \(0, 9.5\) lies outside its picture of 8×8"),
        (lambda: Joints([[0, np.nan]], [2], (8, 8)), "a joint whose place nobody knows has seen=0"),
        (lambda: Joints([[0, 0]], [3], (8, 8)), r"seen=\[3\]; expected 0 \(absent\)"),
        (lambda: Joints([[0, 0]], [1], (8, 8), opposite=(1,)), "expected the numbers 0 to 0"),
        (lambda: InstanceMask(np.zeros((4, 4)), []), "InstanceMask: float64 values"),
        (lambda: InstanceMask(np.full((4, 4), 2), [0]), "numbers from 0 to 2 for 1 labels"),
        (lambda: InstanceMask(np.full((4, 4), -2), [0]), "numbers from -2 to 0"),
        (lambda: Label([1, 2]), "expected one number"),
        (lambda: Sample(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 2), np.float32), "a"), "give a target of zoo.data"),
        (
            lambda: STILL(np.zeros((4, 4, 3), np.uint8), Mask(np.zeros((4, 5), np.uint8)), np.random.default_rng(0)),
            r"Mask of a picture of 4×5 \(H×W\) beside one of 4×4",
        ),
        (
            lambda: STILL(np.zeros((4, 4, 5), np.uint8), Label(0), np.random.default_rng(0)),
            "colours change on RGB frames",
        ),
    ],
)
def test_bad_input(call: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
