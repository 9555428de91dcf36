"""The scene generator: what it gives is reproducible, consistent with itself, and not to be had from a pixel's
colour.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from zoo.data.datasets.scenes import (
    CLASSES,
    PALETTE,
    DenoisingScenes,
    FlowScenes,
    Scenes,
    SceneSet,
    SuperResolutionScenes,
    scene,
)
from zoo.data.datasets.scenes.render import motion, render
from zoo.data.datasets.scenes.textures import PATTERNS, Pattern, noise_tile, paint
from zoo.errors import InputError

SOME = range(12)


def sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The picture (H×W×C) at x, y in pixels, bilinear; outside counts as the nearest edge."""
    x, y = np.clip(x, 0, picture.shape[1] - 1), np.clip(y, 0, picture.shape[0] - 1)
    x0, y0 = np.minimum(x.astype(int), picture.shape[1] - 2), np.minimum(y.astype(int), picture.shape[0] - 2)
    across, down = (x - x0)[..., None], (y - y0)[..., None]
    upper = picture[y0, x0] * (1 - across) + picture[y0, x0 + 1] * across
    lower = picture[y0 + 1, x0] * (1 - across) + picture[y0 + 1, x0 + 1] * across
    return upper * (1 - down) + lower * down


def away_from_edges(labels: np.ndarray, reach: int) -> np.ndarray:
    """True where the labels are the same all around."""
    same = np.ones_like(labels, bool)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            same &= np.roll(labels, (dy, dx), (0, 1)) == labels
    return same


def test_what_a_scene_is():
    one = scene(3, 5, (64, 96))
    assert one.image.shape == (64, 96, 3) and one.image.dtype == np.uint8
    for picture in (one.clean, one.next_image, one.next_clean, one.degraded):
        assert picture.shape == one.image.shape and picture.dtype == np.uint8
    assert one.mask.shape == (64, 96) and one.mask.dtype == np.uint8 and one.mask.max() < len(CLASSES)
    assert one.flow.shape == (64, 96, 2) and one.flow.dtype == np.float32
    assert one.occlusion.shape == (64, 96) and one.occlusion.dtype == bool
    assert len(CLASSES) == len(PALETTE) == 6


def test_a_scene_is_a_pure_function_of_seed_index_and_size():
    first, _, again = scene(1, 2, 64), scene(1, 3, 64).image, scene(1, 2, 64)
    for part in ("degraded", "next_image", "image", "mask", "flow", "boxes"):  # the order of asking must not matter
        np.testing.assert_array_equal(getattr(again, part), getattr(first, part))
    for other in (scene(1, 3, 64), scene(2, 2, 64)):
        assert (other.image != first.image).mean() > 0.5


def test_two_sizes_show_one_scene():
    small, large = scene(1, 2, 64), scene(1, 2, 192)
    assert (large.mask[1::3, 1::3] == small.mask).mean() > 0.98
    mean = small.clean.astype(float) - large.clean.reshape(64, 3, 64, 3, 3).mean(axis=(1, 3))
    assert np.abs(mean).mean() < 6


def test_splits_share_no_scene():
    splits = [Scenes(8, 48, seed=4, split=split) for split in ("train", "val", "test")]
    pictures = {sample.image.tobytes() for split in splits for sample in split}
    names = {sample.name for split in splits for sample in split}
    assert len(pictures) == len(names) == 24
    longer = Scenes(80, 48, seed=4, split="train")
    np.testing.assert_array_equal(longer[3].image, splits[0][3].image)


def test_instances_boxes_and_mask_tell_the_same():
    for index in SOME:
        one = scene(7, index, (72, 96))
        assert (one.instances > 0).tolist() == (one.mask > 0).tolist()
        assert one.boxes.shape == (one.instances.max(), 5)
        for number, (label, x0, y0, x1, y1) in enumerate(one.boxes, 1):
            here = one.instances == number
            assert set(one.mask[here]) == {label}
            assert here.sum() == here[y0:y1, x0:x1].sum() > 0
            for edge in (here[y0, x0:x1], here[y1 - 1, x0:x1], here[y0:y1, x0], here[y0:y1, x1 - 1]):
                assert edge.any()


def test_every_class_occurs_and_no_scene_is_empty():
    masks = np.stack([sample.target for sample in Scenes(60, 64)])
    shares = np.bincount(masks.ravel(), minlength=6) / masks.size
    assert (shares[1:] > 0.02).all() and 0.4 < shares[0] < 0.8
    assert all((mask > 0).any() for mask in masks)


def test_flow_carries_the_next_frame_back():
    """Noise and shadows off, away from outlines (both frames blend them over a pixel), bilinear look-up.

    A quarter of a pixel off, or no flow at all, must break the bound.
    """
    errors = {"exact": [], "shifted": [], "none": []}
    for index in SOME:
        size = (128, 160)
        made = scene(11, index, size).composition
        made = dataclasses.replace(made, light=dataclasses.replace(made.light, shadow=0.0))
        (before, shown), (after, _) = render(made, size, 0), render(made, size, 1)
        flow, hidden = motion(made, size, shown)
        y, x = np.indices(size)
        target_x, target_y = x + flow[..., 0], y + flow[..., 1]
        inside = away_from_edges(shown, 3) & ~hidden
        for key, (at_x, at_y) in {
            "exact": (target_x, target_y),
            "shifted": (target_x + 0.25, target_y),
            "none": (x, y),
        }.items():
            errors[key].append(np.abs(sampled(after, at_x, at_y) - before)[inside].mean() * 255)
    exact, shifted, none = (np.mean(errors[key]) for key in ("exact", "shifted", "none"))
    assert exact < 0.8, "levels of 255"
    assert shifted > 1.5 * exact and none > 6 * exact


def test_flow_also_lands_on_the_same_object():
    for index in SOME:
        size = (96, 96)
        made = scene(12, index, size).composition
        (_, shown), (_, later) = render(made, size, 0), render(made, size, 1)
        flow, hidden = motion(made, size, shown)
        y, x = np.indices(size)
        landed = np.rint(np.stack([y + flow[..., 1], x + flow[..., 0]])).astype(int).clip(0, 95)
        seen = ~hidden & away_from_edges(shown, 1) & away_from_edges(later, 1)[landed[0], landed[1]]
        assert (later[landed[0], landed[1]] == shown)[seen].all()
        assert seen.mean() > 0.5


def test_occlusion_is_what_another_layer_covers_or_the_frame_cuts():
    for index in SOME:
        one = scene(13, index, 96)
        y, x = np.indices((96, 96))
        outside = (x + one.flow[..., 0] < 0) | (x + one.flow[..., 0] > 95)
        outside |= (y + one.flow[..., 1] < 0) | (y + one.flow[..., 1] > 95)
        assert one.occlusion[outside].all()
        _, later = render(one.composition, (96, 96), 1)
        landed = np.rint(np.stack([y + one.flow[..., 1], x + one.flow[..., 0]])).astype(int).clip(0, 95)
        covered = one.occlusion & ~outside & away_from_edges(later, 1)[landed[0], landed[1]]
        _, now = render(one.composition, (96, 96), 0)
        assert (later[landed[0], landed[1]] > now)[covered].all(), "only a nearer layer can hide a point"


def test_degraded_is_the_same_picture_but_worse():
    for index in SOME:
        one = scene(5, index, 64)
        error = np.abs(one.degraded.astype(float) - one.clean).mean()
        own = np.abs(one.image.astype(float) - one.clean).mean()
        assert 3 < error < 30 and own < 5.5
        assert np.corrcoef(one.degraded.ravel(), one.clean.ravel())[0, 1] > 0.5


def test_motion_is_seen_but_not_wild():
    longest = [np.hypot(*np.moveaxis(scene(6, index, 96).flow, -1, 0)).max() for index in SOME]
    assert 2 < np.mean(longest) < 16


OTHERS = (DenoisingScenes, FlowScenes, SuperResolutionScenes)


@pytest.mark.parametrize("kind", OTHERS)
def test_other_answers_are_of_the_same_scenes(kind: type[SceneSet]):
    for split in ("train", "val"):
        data, masks = kind(6, (48, 64), 4, split), Scenes(6, (48, 64), 4, split)
        assert data.classes == data.palette == () and data.name == f"{kind.prefix}/{split}" and data.task != masks.task
        for index in (0, 5):
            sample = data[index]
            assert sample.name == masks[index].name and sample.target.size == sample.image.shape[:2] == (48, 64)
            assert isinstance(sample.target, kind.target)
            assert data.scene(index).composition.layers[1].pattern.kind == masks.scene(index).composition.layers[1].pattern.kind
    with pytest.raises(InputError, match=f"split of {kind.prefix} 'trian'"):
        kind(6, split="trian")


def test_what_the_other_answers_are():
    one = scene(4, 2, (48, 64))
    noisy, clean, _ = DenoisingScenes(6, (48, 64), 4)[2]
    np.testing.assert_array_equal(noisy, one.degraded)
    np.testing.assert_array_equal(clean, one.clean)
    frames, flow, _ = FlowScenes(6, (48, 64), 4)[2]
    np.testing.assert_array_equal(frames, np.dstack([one.image, one.next_image]))
    np.testing.assert_array_equal(flow, one.flow)
    assert flow.valid.all()
    small, large, _ = SuperResolutionScenes(6, (48, 64), 4)[2]
    assert small.shape == (48, 64, 3) and large.shape == (96, 128, 3) and large.scale == 2
    np.testing.assert_array_equal(large, scene(4, 2, (96, 128)).clean)
    means = large.values.astype(float).reshape(48, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(means - small).mean() < 4


@pytest.mark.parametrize("kind", PATTERNS)
def test_patterns_stay_in_range_and_vary(kind: str):
    u, v = np.meshgrid(*[np.linspace(-0.5, 0.5, 64, dtype=np.float32)] * 2)
    value = paint(Pattern(kind, 0.3, 0.4, (3.0, 5.0), 1 / 64), u, v)
    assert value.dtype == np.float32 and value.min() >= 0 and value.max() <= 1 and value.std() > 0.1


def test_the_noise_tile_wraps():
    tile = noise_tile()
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() < 2 * inside


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # stopped early; it gains nothing more
@pytest.mark.parametrize("reach", [0, 1, 2], ids=["1x1", "3x3", "5x5"])
def test_no_linear_classifier_of_a_pixel_and_its_neighbours_does_well(reach: int):
    """Below 0.5 mIoU, with balanced class weights so that it cannot hide behind the background."""

    def table(dataset: Scenes, every: int) -> tuple[np.ndarray, np.ndarray]:
        rows, labels = [], []
        for image, mask, _ in dataset:
            target = mask.values
            padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.float32)
            windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1), (0, 1))
            rows.append(windows.reshape(target.size, -1)[::every])
            labels.append(target.ravel()[::every])
        return np.concatenate(rows), np.concatenate(labels)

    scale = StandardScaler()
    rows, labels = table(Scenes(60, 64), 37)
    model = LogisticRegression(max_iter=25, class_weight="balanced").fit(scale.fit_transform(rows), labels)
    plain = LogisticRegression(max_iter=25).fit(scale.transform(rows), labels)
    rows, labels = table(Scenes(30, 64, split="val"), 7)
    for fitted in (model, plain):
        matrix = np.bincount(labels * 6 + fitted.predict(scale.transform(rows)), minlength=36).reshape(6, 6)
        hit = np.diag(matrix)
        score = (hit / (matrix.sum(0) + matrix.sum(1) - hit)).mean()
        print(f"mIoU {score:.3f}")
        assert score < 0.3, score


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: scene(-1, 0), "seed"),
        (lambda: scene(1 << 32, 0), "seed"),
        (lambda: scene(0, -1), "index"),
        (lambda: scene(0, 0, 16), "too small"),
        (lambda: scene(0, 0, (128, 8)), "128×8"),
        (lambda: Scenes(0), "count=0"),
        (lambda: Scenes(10, seed=-3), "seed=-3"),
        (lambda: Scenes(10, split="trian"), "train"),
    ],
)
def test_bad_input(call, says: str):
    with pytest.raises(InputError, match=says):
        call()


def test_a_position_outside_is_an_index_error():
    few = Scenes(3, 48)
    assert few[-1].name == few[2].name
    with pytest.raises(IndexError, match="3 samples"):
        few[3]
