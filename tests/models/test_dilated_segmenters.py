"""LR-ASPP, Fast-SCNN, DeepLab and the dilated FCN: what is special about them."""

from __future__ import annotations

import itertools
import math

import keras
import numpy as np
import pytest
from tiny_models import ODD, tiny

import zoo
from zoo import layers, registry
from zoo.analysis.weightless import weightless


def trainable(model: keras.Model) -> int:
    return sum(math.prod(v.shape) for v in model.trainable_variables)


@pytest.mark.parametrize("bins", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(12, 6), (13, 7), (4, 5), (1, 1)])
def test_a_grid_of_averages_by_its_definition(bins: int, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((2, *size, 3)).astype("float32")
    expected = np.empty((2, bins, bins, 3))
    for i in range(bins):
        for j in range(bins):
            (top, bottom), (left, right) = (
                (math.floor(n * side / bins), math.ceil((n + 1) * side / bins)) for n, side in zip((i, j), size, strict=True)
            )
            expected[:, i, j] = x[:, top:bottom, left:right].mean((1, 2))
    np.testing.assert_allclose(layers.AdaptiveAveragePooling2D(bins)(x), expected, atol=1e-6)


def test_no_sum_of_a_global_average_overflows_float16() -> None:
    """A mean of 20 over 120×120 positions is a sum of 288,000; the largest float16 is 65,504."""
    x = np.full((1, 120, 120, 2), 20, "float16")
    half = layers.AdaptiveAveragePooling2D(dtype="float16")
    rows = keras.Model(image := keras.Input((120, 120, 2), dtype="float16"), half(image))
    np.testing.assert_array_equal(rows(x), np.full((1, 1, 1, 2), 20))
    with pytest.raises(ValueError, match="bins=0"):
        layers.AdaptiveAveragePooling2D(0)


def test_fast_scnn_is_the_papers_table_added_up() -> None:
    """Weights of the convolutions and twice the channels for each normalisation, row by row of tables 1 to 3."""

    def conv(inputs: int, outputs: int, kernel: int = 1) -> int:
        return kernel * kernel * inputs * outputs + 2 * outputs

    def depthwise(channels: int) -> int:
        return 9 * channels + 2 * channels

    def residual(inputs: int, outputs: int) -> int:
        return conv(inputs, 6 * inputs) + depthwise(6 * inputs) + conv(6 * inputs, outputs)

    downsample = conv(3, 32, 3) + depthwise(32) + conv(32, 48) + depthwise(48) + conv(48, 64)
    widths = [64, 64, 64, 64, 96, 96, 96, 128, 128, 128]
    bottlenecks = sum(residual(a, b) for a, b in itertools.pairwise(widths))
    pyramid = 4 * conv(128, 32) + conv(256, 128)
    fusion = depthwise(128) + conv(128, 128) + conv(64, 128)
    classifier = 2 * (depthwise(128) + conv(128, 128)) + 128 * 19 + 19
    expected = downsample + bottlenecks + pyramid + fusion + classifier
    assert expected == 1_137_795
    with weightless():
        assert trainable(zoo.build("fast_scnn", classes=19)) == expected


def test_deeplab_v3plus_is_its_parts_added_up() -> None:
    """Encoders as counted in reference.csv without their classifiers; the rest by hand."""
    resnet, mobile, classes = 25_557_032 - 2049 * 1000, 3_504_872 - 1281 * 1000 - (320 * 1280 + 2 * 1280), 21

    def conv(inputs: int, outputs: int, kernel: int = 1) -> int:
        return kernel * kernel * inputs * outputs + 2 * outputs

    def parted(inputs: int, outputs: int) -> int:
        return 11 * inputs + conv(inputs, outputs)

    whole = 2 * conv(2048, 256) + 3 * conv(2048, 256, 3) + conv(5 * 256, 256)
    whole += conv(256, 48) + conv(256 + 48, 256, 3) + conv(256, 256, 3) + 257 * classes
    with weightless():
        assert trainable(zoo.build("deeplab_v3plus")) == resnet + whole == 40_352_181
    light = 2 * conv(320, 256) + 3 * parted(320, 256) + conv(5 * 256, 256)
    light += conv(24, 48) + parted(256 + 48, 256) + parted(256, 256) + 257 * classes
    with weightless():
        assert trainable(zoo.build("deeplab_v3plus_mobilenet_v2")) == mobile + light == 2_719_813


@pytest.mark.parametrize("output_stride, rates", [(8, [12, 24, 36]), (16, [6, 12, 18]), (32, [3, 6, 9])])
@pytest.mark.parametrize("name", ["deeplab_v3", "deeplab_v3plus"])
def test_rates_scale_with_the_output_stride(name: str, output_stride: int, rates: list[int]) -> None:
    with weightless():
        model = tiny(name, output_stride=output_stride)
        assert [model.get_layer(f"aspp_rate{rate}").dilation_rate[0] for rate in (6, 12, 18)] == rates
        sides = tuple(-(-side // output_stride) for side in ODD)
        assert model.get_layer("aspp_1x1").output.shape[1:3] == sides


@pytest.mark.parametrize("name", ["lraspp", "deeplab_v1", "deeplab_v3", "deeplab_v3plus", "fcn_resnet50"])
@pytest.mark.parametrize("encoder", ["vgg16", "resnet18", "densenet121", "efficientnet_lite0", "mobilenet_v2"])
def test_any_encoder_goes_under_them(name: str, encoder: str) -> None:
    options = {"encoder_options": dict(registry.get(encoder).tiny), "encoder": encoder}
    with weightless():
        model = zoo.build(name, classes=3, input_shape=(*ODD, 3), **options)
        assert model.output_shape == (None, *ODD, 3)
        assert "last" not in [layer.name for layer in model.layers] or encoder != "mobilenet_v2"


def test_an_encoder_without_a_dilated_form_is_told_where_one_is_asked_for() -> None:
    with pytest.raises(zoo.errors.InputError, match="output_stride"):
        zoo.build("deeplab_v3", encoder="googlenet", output_stride=8)


def test_scores_before_or_after_enlarging_are_the_same() -> None:
    """Why LR-ASPP enlarges as many maps as there are classes instead of 128."""
    x = np.random.default_rng(0).standard_normal((1, 9, 7, 16)).astype("float32")
    fine = np.zeros((1, 18, 13, 1), "float32")
    score, enlarge = keras.layers.Conv2D(5, 1, bias_initializer="ones"), layers.ResizeLike()
    np.testing.assert_allclose(score(enlarge([x, fine])), enlarge([score(x), fine]), atol=1e-5)


@pytest.mark.parametrize("name, strides", [("lraspp", (4, 8)), ("fast_scnn", (8,)), ("deeplab_v3plus", (4,))])
def test_auxiliary_heads_train_and_vanish(name: str, strides: tuple[int, ...]) -> None:
    model = tiny(name, auxiliary=strides)
    network, weights = layers.supervised(model)
    assert len(network.outputs) == len(weights) == 1 + len(strides)
    plain = layers.inference(model)
    assert trainable(plain) == trainable(tiny(name)) < trainable(model)


def test_a_dilated_vgg_sees_what_the_plain_one_sees_at_every_second_position() -> None:
    """Chen 2014, section 3.1: with windows of 3, nothing but the sampling changes up to the last pooling that is left."""
    from zoo.models.encoders import features

    small = {"width": 0.0625, "window": 3}
    image = keras.Input((129, 97, 3))
    plain, dense = (
        keras.Model(image, features("vgg16", image, output_stride=stride, **small).at(stride)[0]) for stride in (16, 8)
    )
    dense.set_weights(plain.get_weights())
    assert dense.output_shape[1:3] == (17, 13) and plain.output_shape[1:3] == (9, 7)
    assert [dense.get_layer(f"conv{stage}_1").dilation_rate[0] for stage in (3, 4, 5)] == [1, 1, 2]
    assert [dense.get_layer(f"pool{stage}").strides[0] for stage in (1, 2, 3, 4, 5)] == [2, 2, 2, 1, 1]
    picture = np.random.default_rng(0).uniform(0, 255, (1, 129, 97, 3)).astype("float32")
    before = [keras.Model(model.input, model.get_layer("conv5_3").output)(picture) for model in (plain, dense)]
    coarse, fine = (np.asarray(values) for values in before)
    np.testing.assert_allclose(fine[:, ::2, ::2], coarse, atol=1e-4 * np.abs(coarse).max())
