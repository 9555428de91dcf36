"""Layers of networks whose answer is a picture: each against who has it outside, or against what it stands for."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.data.resamplers import matlab
from zoo.errors import InputError
from zoo.layers import BicubicEnlarge, CollapsibleConv2D, Frame, Luma, PixelShuffle


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype("float32")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pixels_lie_as_in_tensorflow(scale: int) -> None:
    x = noise(2, 3, 5, 2 * scale**2)
    np.testing.assert_array_equal(PixelShuffle(scale)(x), tf.nn.depth_to_space(x, scale))


def test_luma_is_what_scikit_image_says() -> None:
    color = pytest.importorskip("skimage.color")
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3)).astype("uint8")
    ours = np.asarray(Luma()(picture[None].astype("float32")))[0, ..., 0]
    np.testing.assert_allclose(16 + ours * 219 / 255, color.rgb2ycbcr(picture)[..., 0], atol=2e-3)
    added = np.asarray(Luma()(picture[None].astype("float32") + 10))[0, ..., 0]
    np.testing.assert_allclose(added, ours + 10, atol=1e-3)
    grey = noise(1, 4, 4, 1)
    np.testing.assert_array_equal(Luma()(grey), grey)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_enlargement_is_matlabs(scale: int) -> None:
    """Mild contrast: MATLAB cuts off after each axis what overshoots."""
    picture = np.random.default_rng(1).integers(90, 160, (11, 8, 3)).astype("uint8")
    ours = np.asarray(BicubicEnlarge(scale)(picture[None].astype("float32")))[0]
    theirs = matlab(picture, (11 * scale, 8 * scale)).astype("float32")
    assert np.abs(ours - theirs).max() <= 1.2 and np.abs(ours - theirs).mean() < 0.4  # it rounds after each axis, too


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_collapsed_convolution_is_the_detour(shortcut: bool) -> None:
    """Against the two convolutions and the sum that it stands for, one after the other."""
    layer = CollapsibleConv2D(6, 3, expansion=20, shortcut=shortcut)
    x = noise(2, 9, 7, 6) / 255
    layer.build(x.shape)
    layer.bias.assign(noise(6, seed=2) / 255)
    wide, narrow, bias = layer.get_weights()
    detour = keras.ops.conv(keras.ops.conv(x, wide, padding="same"), narrow[None, None], padding="same") + bias
    expected = np.asarray(detour + x if shortcut else detour)
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)
    plain = layer.collapsed()
    assert type(plain) is keras.layers.Conv2D and plain.name == layer.name and len(plain.weights) == 2
    np.testing.assert_allclose(plain(x), expected, atol=1e-5)


def test_a_frame_is_one_of_several() -> None:
    x = noise(1, 2, 3, 9)
    np.testing.assert_array_equal(Frame(1, 3)(x), x[..., 3:6])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PixelShuffle(2)(noise(1, 2, 2, 6)), "6 channels do not divide into 2×2"),
        (lambda: BicubicEnlarge(1), "scale=1"),
        (lambda: CollapsibleConv2D(4, 2, 8), "kernel_size=2"),
        (lambda: CollapsibleConv2D(4, 3, 8, shortcut=True)(noise(1, 4, 4, 3)), "3 channels to 4"),
        (lambda: Frame(3, 3), "frame 3 of 3"),
        (lambda: Frame(0, 2)(noise(1, 2, 2, 3)), "3 channels are not 2 frames"),
    ],
)
def test_what_fits_nothing_is_refused(make, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()
