"""RoIAlign and RoIPool: against their definitions, a number at a time, and torchvision's numbers.

`torchvision.npz` was written by torchvision 0.28.0 from the maps and boxes that it holds.
"""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import InputError
from zoo.layers import HalfDifference, LocallyConnected2D, PyramidRoIAlign, RegionsOfPictures, RoIAlign, RoIPool

SIZE, STRIDE = (3, 4), 4


@pytest.fixture(scope="module")
def torchvision() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "torchvision.npz") as file:
        return dict(file)


def answer(layer: keras.layers.Layer, features: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    values = keras.ops.convert_to_numpy(layer([features, boxes]))
    return values.reshape(len(boxes), -1, *values.shape[1:])


def bilinear(plane: np.ndarray, y: float, x: float) -> np.ndarray:
    """One sample of H×W×C: zero further than a position outside, else between the four nearest."""
    height, width, _ = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(plane.shape[-1])
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    row, column = math.floor(y), math.floor(x)
    below, right = min(row + 1, height - 1), min(column + 1, width - 1)
    v, u = y - row, x - column
    upper = (1 - u) * plane[row, column] + u * plane[row, right]
    return (1 - v) * upper + v * ((1 - u) * plane[below, column] + u * plane[below, right])


def aligned(plane: np.ndarray, box: np.ndarray, samples: int, half: bool) -> np.ndarray:
    """Mask R-CNN's section 3: the mean of samples² samples in each bin, nothing rounded."""
    x0, y0, x1, y1 = box.astype(np.float64) / STRIDE - 0.5 * half
    height, width = (y1 - y0, x1 - x0) if half else (max(y1 - y0, 1), max(x1 - x0, 1))
    bins = np.zeros((*SIZE, plane.shape[-1]))
    for row, column in np.ndindex(*SIZE):
        for i, j in np.ndindex(samples, samples):
            y = y0 + height / SIZE[0] * (row + (i + 0.5) / samples)
            x = x0 + width / SIZE[1] * (column + (j + 0.5) / samples)
            bins[row, column] += bilinear(plane, y, x) / samples**2
    return bins


def pooled(plane: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Fast R-CNN's section 2.1: maxima of bins of whole positions."""
    ends = [int(math.copysign(math.floor(abs(end) + 0.5), end)) for end in box.astype(np.float64) / STRIDE]
    lows, counts = (ends[1], ends[0]), (max(ends[3] - ends[1] + 1, 1), max(ends[2] - ends[0] + 1, 1))
    bins = np.zeros((*SIZE, plane.shape[-1]))
    for place in np.ndindex(*SIZE):
        first = [n * p // parts + low for p, n, parts, low in zip(place, counts, SIZE, lows, strict=True)]
        end = [-(-n * (p + 1) // parts) + low for p, n, parts, low in zip(place, counts, SIZE, lows, strict=True)]
        part = plane[max(first[0], 0) : max(end[0], 0), max(first[1], 0) : max(end[1], 0)]
        bins[place] = part.max(axis=(0, 1), initial=-np.inf) if part.size else 0
    return bins


@pytest.mark.parametrize(("samples", "half"), [(2, False), (3, True), (1, True)])
def test_aligning_is_the_definition(torchvision, samples: int, half: bool) -> None:
    features, boxes = torchvision["features"], torchvision["rois"]
    expected = [[aligned(plane, box, samples, half) for box in rows] for plane, rows in zip(features, boxes, strict=True)]
    layer = RoIAlign(SIZE, STRIDE, samples, half)
    np.testing.assert_allclose(answer(layer, features, boxes), expected, atol=1e-5)


def test_pooling_is_the_definition(torchvision) -> None:
    features = torchvision["features"]
    generator = np.random.default_rng(0)
    corner = generator.uniform(-30, 60, (2, 40, 2))
    boxes = np.concatenate([corner, corner + generator.uniform(-5, 70, (2, 40, 2))], axis=-1).astype("float32")
    expected = [[pooled(plane, box) for box in rows] for plane, rows in zip(features, boxes, strict=True)]
    np.testing.assert_array_equal(answer(RoIPool(SIZE, STRIDE), features, boxes), np.asarray(expected, "float32"))


def test_both_give_torchvisions_numbers(torchvision) -> None:
    features, boxes = torchvision["features"], torchvision["rois"]
    for name, layer in {
        "align": RoIAlign(SIZE, STRIDE),
        "align_half": RoIAlign(SIZE, STRIDE, samples=3, aligned=True),
        "pool": RoIPool(SIZE, STRIDE),
    }.items():
        np.testing.assert_allclose(answer(layer, features, boxes), torchvision[name], atol=1e-5, err_msg=name)


def test_a_pyramid_cuts_each_box_from_the_level_of_its_size() -> None:
    """Feature Pyramid Networks, equation 1; within a level as `RoIAlign`."""
    generator = np.random.default_rng(2)
    strides, sides = (4, 8, 16, 32), [(64, 96), (32, 48), (16, 24), (8, 12)]
    maps = [generator.normal(size=(2, *side, 3)).astype("float32") for side in sides]
    corner = generator.uniform(0, 60, (2, 9, 2))
    lengths = np.array([8, 60, 100, 112, 113, 223, 225, 300, 0])[None, :, None]
    boxes = np.concatenate([corner, corner + lengths], axis=-1).astype("float32")
    found = keras.ops.convert_to_numpy(PyramidRoIAlign(SIZE, strides)([*maps, boxes])).reshape(2, 9, *SIZE, 3)
    by_level = [answer(RoIAlign(SIZE, stride), x, boxes) for x, stride in zip(maps, strides, strict=True)]
    for picture, number in np.ndindex(2, 9):
        level = math.floor(4 + math.log2(max(lengths[0, number, 0], 1e-3) / 224)) - 2
        expected = by_level[min(max(level, 0), 3)][picture, number]
        np.testing.assert_allclose(found[picture, number], expected, atol=1e-5)


@pytest.mark.parametrize("kind", [RoIAlign, RoIPool])
def test_gradients_are_those_of_small_steps(torchvision, kind: type) -> None:
    """Along random directions: of the map for both, of the boxes for the one that interpolates."""
    import tensorflow as tf

    layer = kind(SIZE, STRIDE)
    features, boxes = tf.constant(torchvision["features"]), tf.constant(torchvision["rois"][:, 1:2] + 0.3)
    generator = np.random.default_rng(1)
    weights = generator.normal(size=(2, *SIZE, 4)).astype("float32")

    def total(x: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(layer([x, where]) * weights)

    with tf.GradientTape() as tape:
        tape.watch([features, boxes])
        value = total(features, boxes)
    gradients = tape.gradient(value, [features, boxes], unconnected_gradients="zero")
    for index, step in enumerate((1e-2, 1e-2) if kind is RoIAlign else (1e-3,)):  # near a maximum another may take over
        direction = generator.normal(size=[features, boxes][index].shape).astype("float32")
        moved = [[features, boxes], [features, boxes]]
        moved[0][index], moved[1][index] = moved[0][index] + step * direction, moved[1][index] - step * direction
        slope = (float(total(*moved[0])) - float(total(*moved[1]))) / (2 * step)
        assert slope == pytest.approx(float(tf.reduce_sum(gradients[index] * direction)), rel=2e-2, abs=1e-2)


def test_local_kernels_are_a_convolution_where_all_are_the_same() -> None:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    convolution, local = keras.layers.Conv2D(6, 3, padding="same"), LocallyConnected2D(6)
    expected, _ = convolution(x), local(x)
    kernel, bias = convolution.get_weights()
    own = np.tile(kernel.reshape(1, 27, 6), (20, 1, 1))
    local.set_weights([own, np.tile(bias, (20, 1))])
    expected = keras.ops.convert_to_numpy(expected)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(local(x)), expected, atol=1e-5)
    own[7] = 0  # the position of row 1, column 2
    local.set_weights([own, np.zeros((20, 6))])
    changed = np.abs(keras.ops.convert_to_numpy(local(x)) - expected).max(axis=(0, 3)) > 1e-5
    assert changed[1, 2] and changed.sum() == 1
    with pytest.raises(InputError, match="kernels a position"):
        LocallyConnected2D(6)(keras.Input((None, 5, 3)))


def test_two_scores_are_told_apart_by_their_difference() -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 2, 6)).astype("float32")
    np.testing.assert_array_equal(HalfDifference()(x), x[..., 3:] - x[..., :3])
    with pytest.raises(InputError, match="no two halves"):
        HalfDifference()(keras.Input((2, 2, 5)))


def test_they_reload_and_are_counted(tmp_path) -> None:
    features, boxes = keras.Input((9, 12, 4)), keras.Input((6, 4))
    ends = [RegionsOfPictures(6)(layer([features, boxes])) for layer in (RoIAlign(SIZE, 4), RoIPool(SIZE, 4))]
    model = keras.Model([features, boxes], ends)
    assert model.output_shape == [(None, 6, 3, 4, 4)] * 2
    model.save(tmp_path / "model.keras")
    generator = np.random.default_rng(0)
    inputs = [generator.normal(size=(2, 9, 12, 4)).astype("float32"), generator.uniform(0, 40, (2, 6, 4)).astype("float32")]
    for expected, again in zip(model(inputs), zoo.load(tmp_path / "model.keras")(inputs), strict=True):
        np.testing.assert_array_equal(again, expected)
    layer = RoIAlign(SIZE, 4)
    assert layer.macs([(1, 9, 12, 4), (1, 6, 4)], (6, 3, 4, 4)) == 6 * 3 * 12 * 4 * (9 + 4)


def test_what_is_no_region_is_refused() -> None:
    with pytest.raises(InputError, match="rows, columns"):
        RoIAlign((0, 3), 4)
    with pytest.raises(InputError, match="N×R×4"):
        RoIPool(SIZE, 4)([keras.Input((9, 12, 4)), keras.Input((6, 5))])
    with pytest.raises(InputError, match="height and width"):
        RoIPool(SIZE, 4)([keras.Input((None, 12, 4)), keras.Input((6, 4))])
