"""What is special about FCN: where its upsampling is exact, and on which accelerator."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from edge.gpu.vulkan import driver

pytestmark = pytest.mark.usefixtures("workers")

TINY = {"classes": 5, "encoder_options": {"width": 0.125, "fc": ((7, 16), (1, 16))}}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, 97, 131, 3)).astype("float32")


@pytest.mark.parametrize("name", ["fcn8s", "fcn16s", "fcn32s"])
def test_padding_for_the_gpu_changes_nothing(name: str, picture: np.ndarray) -> None:
    model = zoo.build(name, **TINY)
    last = r"upscore_x\d+", r"upscore_x\d+_pad"
    upscore, pad = (next(layer for layer in model.layers if re.fullmatch(name, layer.name)) for name in last)
    scores, answer = keras.Model(model.input, [pad.input, model.output])(picture)
    unpadded = np.asarray(upscore(scores))[:, :97, :131]
    np.testing.assert_allclose(np.asarray(answer), unpadded, atol=1e-6 * np.abs(unpadded).max())


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
def test_an_odd_size_is_right_on_the_gpu(picture: np.ndarray, tmp_path) -> None:
    """97×131 comes down to 13×17, which 8 divides neither way: unpadded, the GPU's answer is silently wrong."""
    keras.utils.set_random_seed(0)
    model = zoo.build("fcn8s", input_shape=(97, 131, 3), **TINY)
    converters.to_tflite(model, tmp_path / "padded.tflite")
    verdict = edge.gpu_check(tmp_path / "padded.tflite", [picture[0]])
    assert verdict.ok, verdict.report()


def test_a_new_upsampling_is_bilinear() -> None:
    """Inside, where no border is near, the transposed convolution starts as half-pixel bilinear interpolation."""
    from zoo.models.blocks.upsampling import Step, upsample

    coarse = keras.Input((8, 8, 2))
    model = keras.Model(coarse, upsample(coarse, "bilinear", Step(4, 2, "up")))
    values = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 2)).astype("float32")
    expected = np.asarray(keras.ops.image.resize(values, (32, 32), interpolation="bilinear"))
    np.testing.assert_allclose(np.asarray(model(values))[:, 4:-4, 4:-4], expected[:, 4:-4, 4:-4], atol=1e-5)


def test_caffe_padding_answers_at_the_inputs_size(picture: np.ndarray) -> None:
    for name in ("fcn32s", "fcn16s", "fcn8s", "fcn_alexnet"):
        options = TINY if name != "fcn_alexnet" else {**TINY, "encoder_options": {"width": 0.125, "fc": ((6, 8), (1, 8))}}
        model = zoo.build(name, padding="caffe", **options)
        assert model(picture).shape == (1, 97, 131, 5)


def test_a_skip_that_the_encoder_lacks_is_told() -> None:
    with pytest.raises(ValueError, match="stride 32 was asked for"):
        zoo.build("fcn32s", encoder="resnet20", classes=2)
