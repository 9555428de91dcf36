"""Deformable convolution: against an ordinary one, and against the definition written out."""

from __future__ import annotations

import itertools
import math

import keras
import numpy as np
import pytest

import zoo
from zoo.layers import DeformableConv2D
from zoo.pretrained.weights_io import copy_by_name

CASES = [
    {"strides": 1, "padding": "same", "dilation_rate": 1},
    {"strides": 2, "padding": "same", "dilation_rate": 1},
    {"strides": 1, "padding": "same", "dilation_rate": 2},
    {"strides": 2, "padding": "valid", "dilation_rate": 1},
    {"strides": 1, "padding": "same", "dilation_rate": 1, "kernel_size": (1, 3)},
]


def pair(case: dict, groups: int = 1) -> tuple[keras.layers.Conv2D, DeformableConv2D, np.ndarray, np.ndarray]:
    """An ordinary and a deformable layer of the same weights, a picture, and shifts of up to three pixels."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    case = {"kernel_size": 3, **case}
    x = generator.standard_normal((2, 7, 10, 4)).astype("float32")
    ordinary = keras.layers.Conv2D(5, **case, bias_initializer="random_normal")
    out = ordinary(x)
    layer = DeformableConv2D(5, **case, offset_groups=groups)
    offsets = generator.uniform(-3, 3, (*out.shape[:3], 2 * groups * layer.taps)).astype("float32")
    layer.build((x.shape, offsets.shape))
    layer.set_weights(ordinary.get_weights())
    return ordinary, layer, x, offsets


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_shifts_it_is_an_ordinary_convolution(case: dict) -> None:
    ordinary, layer, x, offsets = pair(case)
    np.testing.assert_allclose(layer([x, 0 * offsets]), ordinary(x), atol=1e-5)
    assert np.abs(np.asarray(layer([x, offsets])) - np.asarray(ordinary(x))).max() > 0.1


def brute_force(layer: DeformableConv2D, x: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Equation 2 and 3 of the paper, a number at a time."""
    kernel, bias = layer.get_weights()
    count, height, width, channels = x.shape
    rows, columns = offsets.shape[1:3]
    (kh, kw), stride, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    first = [0, 0]
    if layer.padding == "same":
        sides = ((rows, height, kh), (columns, width, kw))
        first = [max((n - 1) * stride + (k - 1) * dilation + 1 - size, 0) // 2 for n, size, k in sides]
    groups = layer.offset_groups
    shifts = offsets.reshape(count, rows, columns, groups, kh, kw, 2)
    y = np.tile(bias, (count, rows, columns, 1))
    for n, r, c, i, j, channel in itertools.product(*map(range, (count, rows, columns, kh, kw, channels))):
        down, right = shifts[n, r, c, channel // (channels // groups), i, j]
        row, column = r * stride - first[0] + i * dilation + down, c * stride - first[1] + j * dilation + right
        value = 0.0
        for q, p in itertools.product(
            (math.floor(row), math.floor(row) + 1), (math.floor(column), math.floor(column) + 1)
        ):
            if 0 <= q < height and 0 <= p < width:
                value += max(0, 1 - abs(row - q)) * max(0, 1 - abs(column - p)) * x[n, q, p, channel]
        y[n, r, c] += kernel[i, j, channel] * value
    return y


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_what_the_paper_defines(case: dict, groups: int) -> None:
    _, layer, x, offsets = pair(case, groups)
    np.testing.assert_allclose(layer([x, offsets]), brute_force(layer, x, offsets), atol=1e-5)


def test_shifts_far_outside_see_zeros() -> None:
    _, layer, x, offsets = pair(CASES[0])
    bias = np.broadcast_to(layer.get_weights()[1], (2, 7, 10, 5))
    np.testing.assert_array_equal(layer([x, offsets + 1e9]), bias)


def test_the_shifts_learn() -> None:
    """A picture moved by one pixel and a half: the shifts find it, the kernel stays."""
    rows = keras.Input((12, 12, 1))
    offsets = keras.layers.Conv2D(2, 1, kernel_initializer="zeros", name="offsets")(rows)
    layer = DeformableConv2D(1, 1, use_bias=False, kernel_initializer="ones", name="moved")
    model = keras.Model(rows, layer([rows, offsets]))
    layer.trainable = False
    hump = np.sin(np.pi * np.array([np.arange(12), np.arange(12) + 1.5]).clip(0, 11) / 11) ** 2
    picture, target = np.broadcast_to(hump[:, None, None, :, None], (2, 1, 12, 12, 1)).astype("float32")
    model.compile(keras.optimizers.Adam(0.2), "mse", jit_compile=False)
    model.fit(picture, target, epochs=40, verbose=0)
    assert model.get_layer("offsets").bias.numpy()[1] == pytest.approx(1.5, abs=0.2)


def test_it_reloads_counts_and_takes_any_size(tmp_path) -> None:
    image = keras.Input((None, None, 4))
    offsets = keras.layers.Conv2D(18, 3, 2, padding="same")(image)
    model = keras.Model(image, DeformableConv2D(6, 3, 2)([image, offsets]))
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((2, 9, 11, 4)).astype("float32")
    np.testing.assert_array_equal(zoo.load(tmp_path / "model.keras")(x), model(x))
    assert model(x).shape == (2, 5, 6, 6)
    assert zoo.macs(model, (9, 11)) == 5 * 6 * 9 * 4 * (18 + 6)


def test_what_does_not_fit_is_refused() -> None:
    x, offsets = keras.Input((8, 8, 4)), keras.Input((8, 8, 18))
    with pytest.raises(ValueError, match="9 taps need 36"):
        DeformableConv2D(2, offset_groups=2)([x, offsets])
    with pytest.raises(ValueError, match="equal parts"):
        DeformableConv2D(2, offset_groups=3)([x, offsets])
    with pytest.raises(ValueError, match="padding"):
        DeformableConv2D(2, padding="causal")


def test_a_resnet_made_deformable_starts_as_what_it_was() -> None:
    """Dai 2017 starts from trained convolutions and shifts of zero."""
    small = {"width": 0.125, "depths": (1, 1, 1, 1), "classes": 3, "input_shape": (65, 98, 3)}
    ordinary, moving = zoo.build("resnet50", **small), zoo.build("resnet50_deformable", deformable=2, **small)
    copied = copy_by_name(ordinary, moving)
    kinds = [layer.name for layer in moving.layers if isinstance(layer, DeformableConv2D)]
    assert kinds == ["stage3_block1_conv2", "stage4_block1_conv2"] and set(kinds) < set(copied)
    x = np.random.default_rng(0).uniform(0, 255, (1, 65, 98, 3)).astype("float32")
    expected = np.asarray(ordinary(x))
    np.testing.assert_allclose(moving(x), expected, atol=1e-5 * np.abs(expected).max())
