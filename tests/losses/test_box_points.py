"""The loss of anchor-free points: what is learnt by which point, and what is not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo.data import Boxes
from zoo.errors import InputError
from zoo.losses.box_points import PointLoss
from zoo.outputs.box_codings import candidates
from zoo.outputs.boxes import box_output

SIZE, GRID, CLASSES = (64, 96), (8, 12), 3
THINGS = Boxes([[8, 8, 58, 42], [60, 18, 90, 60]], [0, 2], SIZE)


def right(boxes: Boxes, sure: float = 9.0) -> np.ndarray:
    """Raw rows that say every box at every point inside it, float32 h×w×(4 + K)."""
    rows = np.full((*GRID, 4 + CLASSES), -sure, np.float32)
    middles = np.stack(np.meshgrid(*(np.arange(side) * 8 + 4 for side in GRID[::-1])), axis=-1)
    order = np.argsort([-(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes.values])
    for index in order:
        x0, y0, x1, y1 = boxes.values[index]
        distances = np.concatenate([middles - (x0, y0), (x1, y1) - middles], axis=-1) / 8
        inside = (distances > 0).all(axis=-1)
        rows[inside, :4], rows[inside, 4:] = np.log(distances[inside]), -sure
        near = inside & (np.abs(middles - ((x0 + x1) / 2, (y0 + y1) / 2)) < 12).all(axis=-1)
        rows[near, 4 + boxes.labels[index]] = sure
    return rows


def loss_of(answer: np.ndarray, boxes: Boxes, **options: float) -> float:
    loss = PointLoss(**options)
    return float(loss(loss.prepare(Boxes.stack([boxes]), 4 + CLASSES), answer[None]))


def test_a_right_answer_costs_nothing_and_decodes_to_the_truth() -> None:
    rows = right(THINGS)
    assert loss_of(rows, THINGS) < 1e-3
    boxes, scores = candidates(rows, box_output(("a", "b", "c")).options)
    for box, label in zip(THINGS.values, THINGS.labels, strict=True):
        best = boxes[scores[:, label].argmax()] * (96, 64, 96, 64)
        np.testing.assert_allclose(best, box, atol=1e-3)
    assert loss_of(right(THINGS.flip(1)), THINGS) > 1


def test_several_levels_learn_like_one_map() -> None:
    rows, target = np.random.default_rng(0).normal(size=(2, *GRID, 7)).astype("float32"), Boxes.stack([THINGS, THINGS.flip(0)])
    whole, parts = PointLoss(), PointLoss(grids=[GRID])
    prepared = whole.prepare(target, 7)
    flat = rows.reshape(2, -1, 7)
    assert float(whole(prepared, rows)) == pytest.approx(float(parts(prepared, flat)), rel=1e-5)
    with pytest.raises(InputError, match="fixed input_shape"):
        whole(prepared, flat)
    assert PointLoss.from_config(parts.get_config()).grids == (GRID,)


def test_an_empty_picture_teaches_that_nothing_is_there() -> None:
    empty = Boxes([], [], SIZE)
    assert loss_of(right(empty), empty) < 1e-3
    rows = keras.Variable(np.zeros((1, *GRID, 7), np.float32))
    loss = PointLoss()
    value = float(loss(loss.prepare(Boxes.stack([empty]), 7), rows))
    assert np.isfinite(value) and value > 1


def test_what_is_ignored_teaches_nothing() -> None:
    aside = Boxes(THINGS.values, THINGS.labels, SIZE, [False, True])
    rows = right(THINGS)
    assert loss_of(rows, aside) < 1e-3, "an answer on what is ignored is not wrong"
    assert loss_of(rows, Boxes(THINGS.values[:1], THINGS.labels[:1], SIZE)) > 1


def test_a_thing_between_points_is_learnt_by_its_cell() -> None:
    speck = Boxes([[35, 33, 37, 35]], [1], SIZE)  # the nearest point, at 36, 36, lies below it
    silent = right(Boxes([], [], SIZE))
    said = silent.copy()
    said[4, 4] = [*np.log([1 / 8, 3 / 8, 1 / 8, 1e-3]), -9, 0.7, -9]
    assert loss_of(said, speck) < 0.5 * loss_of(silent, speck)


def test_gradients_are_the_slopes() -> None:
    import tensorflow as tf

    random = np.random.default_rng(1)
    rows = random.normal(0, 0.5, (1, *GRID, 7)).astype("float64")
    loss = PointLoss()
    target = loss.prepare(Boxes.stack([THINGS]), 7)
    variable = tf.Variable(rows, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = loss(target, variable)
    gradient = tape.gradient(value, variable).numpy()
    # The boxes' numbers alone: what scores are to be follows the boxes, and no gradient goes that way.
    only = PointLoss(box_weight=2.0)
    for place in [(0, 3, 4, 0), (0, 4, 9, 2), (0, 3, 3, 3)]:
        step = np.zeros_like(rows)
        step[place] = 1e-3
        high, low = (float(only(target, ops.convert_to_tensor(rows + sign * step, "float32"))) for sign in (1, -1))
        shares = float(PointLoss(box_weight=0.0)(target, ops.convert_to_tensor(rows + step, "float32")))
        shares -= float(PointLoss(box_weight=0.0)(target, ops.convert_to_tensor(rows - step, "float32")))
        assert gradient[place] == pytest.approx((high - low - shares) / 2e-3, rel=0.03, abs=2e-3)


def test_more_boxes_than_room_are_refused() -> None:
    many = Boxes(np.tile(THINGS.values, (3, 1)), np.tile(THINGS.labels, 3), SIZE)
    with pytest.raises(InputError, match=r"6 boxes; the loss has room for 4: .*rows=6"):
        loss_of(right(THINGS), many, rows=4)
    with pytest.raises(InputError, match="radius=0"):
        PointLoss(radius=0)
