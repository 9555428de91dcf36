"""R-CNN: its crops, machines and regressions by hand, a road that goes on, and things found in scenes."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import classical
from zoo.data import Boxes, Sample
from zoo.errors import InputError
from zoo.models.blocks import region_machines
from zoo.models.blocks.region_machines import BoxRegression, Machines, Windows
from zoo.models.detection.rcnn import MEAN, RCNN, crop_network, warped


def small_network() -> keras.Model:
    """A network of crops of 32×32 that learns within seconds."""
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    for width in (16, 32, 64):
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(128, "relu")(keras.layers.Flatten()(x)), name="small")


def scenes(count: int, split: str = "train") -> zoo.data.Dataset:
    return zoo.data.open(f"scenes_boxes:count={count},size=64x64", split)


def test_crops_are_warped_with_context_around_the_box() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 20:40] = 200  # a box twice as wide as high
    (crop,) = warped(image, np.array([[20, 10, 40, 20]]), (64, 64), 16)
    assert (crop[18:46, 18:46] == 200).all() and (crop[:14] == 0).all() and (crop[:, 50:] == 0).all()
    (edge,) = warped(image, np.array([[0, 0, 20, 20]]), (64, 64), 16)
    assert (edge[:14, :14] == MEAN).all() and (edge[18:60, 18:40] == 0).all()
    with pytest.raises(InputError, match="no room"):
        warped(image, np.zeros((1, 4)), (32, 32), 16)


def test_machines_learn_from_what_is_hard(monkeypatch) -> None:
    """Two classes on either side; what lies far away joins no set, and of a class without things there is never any."""
    monkeypatch.setattr(region_machines, "ENOUGH", 20)
    random = np.random.default_rng(0)
    seen: list[int] = []
    learn = region_machines._Machine.learn
    monkeypatch.setattr(region_machines._Machine, "learn", lambda self: (seen.append(len(self.others)), learn(self))[1])

    def pictures():
        for number in range(8):
            middle = np.array([[3.0, 0], [-3, 0], [0, 3]])[np.arange(24) % 3]
            features = (middle + np.random.default_rng(number).normal(0, 0.5, (24, 2))).astype(np.float32)
            things = np.where(np.arange(24) < 6, np.arange(24) % 3, -1)
            things[things == 2] = -1
            overlaps = np.eye(3)[np.where(np.arange(24) % 3 < 2, np.arange(24) % 3, 2)][:, [0, 1, 2]] * [1, 1, 0]
            yield Windows(random.uniform(0, 9, (24, 4)), overlaps, np.zeros((24, 3, 4)), things), features

    machines = Machines.learnt(pictures, 3)
    margins = machines.margins(machines.scale * np.array([[3.0, 0], [-3, 0], [0, 3]]))
    assert (margins.argmax(axis=1)[:2] == [0, 1]).all() and (margins[2, :2] < 0).all() and (margins[:, 2] < -1).all()
    assert max(seen[:2]) <= 40 and machines.scale == pytest.approx(20 / 3.0, rel=0.1)


def test_regression_moves_boxes_as_it_was_taught() -> None:
    """Proposals that lie left of their things by what their features say."""
    random = np.random.default_rng(0)
    low = random.uniform(0, 50, (400, 2))
    boxes = np.concatenate([low, low + random.uniform(10, 40, (400, 2))], axis=1)
    shift = random.uniform(-0.2, 0.2, 400)
    wanted = boxes + (shift * (boxes[:, 2] - boxes[:, 0]))[:, None] * [1, 0, 1, 0]
    features = np.stack([1000 * shift, np.ones(400)], axis=1)
    windows = Windows(boxes, np.full((400, 1), 0.7), wanted[:, None], np.full(400, -1))
    regression = BoxRegression.learnt(iter([(windows, features)]), 1.0, 1)
    np.testing.assert_allclose(regression.moved(boxes, features)[:, 0], wanted, atol=0.05)
    nothing = BoxRegression.learnt(iter([(windows._replace(overlaps=np.zeros((400, 1))), features)]), 1.0, 1)
    np.testing.assert_allclose(nothing.moved(boxes, features)[:, 0], boxes, atol=1e-9)


def test_it_finds_things_in_scenes_and_goes_on_where_it_was_broken_off(tmp_path: Path, monkeypatch) -> None:
    data, search = scenes(24), classical.open("selective_search:strategies=single")
    broken = RCNN(small_network(), search, data.classes, context=4)
    calls: list[int] = []

    def breaking(image, boxes, features=broken.features):
        calls.append(len(boxes))
        if len(calls) == 10:
            raise KeyboardInterrupt
        return features(image, boxes)

    monkeypatch.setattr(broken, "features", breaking)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data, tmp_path, steps=220)
    again = RCNN(small_network(), search, data.classes, context=4)
    monkeypatch.setattr(again, "tune", lambda *_: pytest.fail("the network was tuned twice"))
    counted = again.features
    monkeypatch.setattr(again, "features", lambda image, boxes: calls.append(len(boxes)) or counted(image, boxes))
    again.fit(data, tmp_path, steps=220)
    assert len(calls) == 10 + len(data) - 9, "features of nine pictures were there already"
    assert zoo.evaluate(again, data, progress=False).scores["ap50"] >= 0.8
    with pytest.raises(InputError, match="another run: steps"):
        again.fit(data, tmp_path, steps=3)


def test_windows_are_proposals_and_things_but_not_what_is_ignored(tmp_path: Path) -> None:
    boxes = np.array([[0, 0, 10, 10], [30, 30, 50, 50], [5, 5, 5, 9], [0, 0, 20, 10]], np.float32)
    target = Boxes(np.array([[0, 0, 10, 10], [30, 30, 50, 52]]), np.array([1, 0]), (60, 60), np.array([False, True]))
    detector = RCNN(small_network(), lambda image: boxes, ("a", "b"))
    windows = detector._windows(Sample(np.zeros((60, 60, 3), np.uint8), target, "one"), 0, tmp_path)
    assert windows.boxes.tolist() == [[0, 0, 10, 10], [0, 0, 20, 10], [0, 0, 10, 10]]
    assert windows.overlaps.tolist() == [[0, 1], [0, 0.5], [0, 1]] and windows.things.tolist() == [-1, -1, 1]
    assert windows.wanted[:, 1].tolist() == [[0, 0, 10, 10]] * 3


def test_what_does_not_fit_gets_a_sentence() -> None:
    network, search = crop_network("mobilenet_v2", (32, 32), {"width": 0.1}), classical.open("selective_search")
    assert network.output_shape[0] is None and len(network.output_shape) == 2
    with pytest.raises(InputError, match="not learnt"):
        RCNN(network, search, ("a",))(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="classes"):
        RCNN(network, search, ("a",)).fit(scenes(1))
    with pytest.raises(InputError, match="known size"):
        RCNN(keras.Model(network.input, network.layers[-2].output), search, ("a",))
