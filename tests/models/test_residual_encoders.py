"""What is special about the residual networks and their kin: dilation, shortcuts, gates, auxiliary heads."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo import layers, registry
from zoo.analysis.weightless import weightless
from zoo.models.encoders import features
from zoo.models.encoders.highway import highway_layer
from zoo.models.encoders.resnet import zero_padding

ODD = (97, 131)
TINY = {"width": 0.125, "depths": (1, 2, 2, 2)}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def body(name: str, **options) -> keras.Model:
    image = keras.Input((*ODD, 3))
    return keras.Model(image, features(name, image, **TINY, **options).deepest)


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet50_keras", "resnet50_v2"])
def test_dilation_sees_what_stride_saw(name: str, output_stride: int) -> None:
    """With the same weights the dense map holds the coarse one, to the last bit of the border."""
    coarse, dense = body(name), body(name, output_stride=output_stride)
    dense.set_weights(coarse.get_weights())
    images = noise(1, *ODD, 3)
    few, many = (np.asarray(model(images, training=False)) for model in (coarse, dense))
    step = 32 // output_stride
    spread = np.abs(few).max()
    np.testing.assert_allclose(many[:, ::step, ::step] / spread, few / spread, atol=1e-5)
    beside = many[:, 1::step, 1::step]
    assert np.abs(beside - few[:, : beside.shape[1], : beside.shape[2]]).max() > 1e-2 * spread


def test_a_dilated_encoder_goes_under_a_decoder() -> None:
    options = {**TINY, "output_stride": 8}
    model = zoo.build("unet", encoder="resnet50", encoder_options=options, classes=3, input_shape=(*ODD, 3))
    assert model.output_shape == (None, *ODD, 3)
    with pytest.raises(ValueError, match="output_stride=12"):
        zoo.build("resnet50", output_stride=12)
    with pytest.raises(ValueError, match="has s2, s4, s8"):
        zoo.build("fcn8s", encoder="resnet50", encoder_options=options)


def test_option_a_carries_the_input_and_adds_zeros() -> None:
    image = keras.Input((5, 7, 3))
    x = noise(1, 5, 7, 3)
    found = np.asarray(keras.Model(image, zero_padding(image, 8, 2, "block", biased=False))(x))
    np.testing.assert_array_equal(found[..., :3], x[:, ::2, ::2])
    assert found.shape == (1, 3, 4, 8) and not found[..., 3:].any()


@pytest.mark.parametrize("depth", [8, 14])
def test_a_plain_net_is_its_residual_twin_without_the_sums(depth: int) -> None:
    plain, residual = (
        zoo.build(name, classes=10, depth=depth, input_shape=(32, 32, 3)) for name in ("plain20", "resnet20")
    )
    assert [w.shape for w in plain.get_weights()] == [w.shape for w in residual.get_weights()]
    kinds = [[type(layer) for layer in model.layers] for model in (plain, residual)]
    assert keras.layers.Add not in kinds[0] and kinds[1].count(keras.layers.Add) == depth // 2 - 1
    plain.set_weights(residual.get_weights())
    images = noise(2, 32, 32, 3)
    assert np.abs(np.asarray(plain(images)) - np.asarray(residual(images))).max() > 1e-2


def test_depths_that_the_paper_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="6n \\+ 2"):
        zoo.build("resnet20", depth=21)


@pytest.mark.parametrize("bias, carried", [(-60.0, True), (60.0, False), (-2.0, None)])
def test_a_highway_layer_carries_or_transforms_as_its_gate_says(bias: float, carried: bool | None) -> None:
    image = keras.Input((6, 5, 4))
    model = keras.Model(image, highway_layer(image, "layer", bias))
    x = noise(1, 6, 5, 4) / 255
    transform = keras.Model(image, model.get_layer("layer").output)
    found, new = np.asarray(model(x)), np.asarray(transform(x))
    if carried is None:
        gate = np.asarray(keras.Model(image, model.get_layer("layer_transform").output)(x))
        assert 0 < gate.min() < gate.max() < 0.5, "a negative bias starts by carrying, but lets something through"
        np.testing.assert_allclose(found, new * gate + x * (1 - gate), atol=1e-6)
    else:
        np.testing.assert_allclose(found, x if carried else new, atol=1e-6)


@pytest.fixture(scope="module")
def taught() -> keras.Model:
    return zoo.build("googlenet", classes=5, auxiliary=True, width=0.125, input_shape=(96, 96, 3))


def test_auxiliary_heads_train_and_vanish(taught: keras.Model, tmp_path) -> None:
    images, targets = noise(4, 96, 96, 3), np.array([0, 1, 2, 3])
    network, weights = layers.supervised(taught)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(1e-3), loss=[loss] * 3, loss_weights=weights, run_eagerly=True)
    names = ("auxiliary_4a_logits", "auxiliary_4d_logits", "fc", "conv1")
    before = [taught.get_layer(name).get_weights()[0] for name in names]
    network.fit(images, [targets] * 3, epochs=1, verbose=0)
    for name, kernel in zip(names, before, strict=True):
        assert np.abs(taught.get_layer(name).get_weights()[0] - kernel).max() > 0, name

    bare = layers.inference(taught)
    assert layers.auxiliary_heads(bare) is None and zoo.output_spec(bare).labels == zoo.output_spec(taught).labels
    assert not any("auxiliary" in layer.name for layer in bare.layers)
    np.testing.assert_array_equal(np.asarray(bare(images)), np.asarray(taught(images)))
    taught.save(tmp_path / "taught.keras")
    again = zoo.load(tmp_path / "taught.keras")
    assert layers.auxiliary_heads(again).loss_weights == (0.3, 0.3)
    np.testing.assert_array_equal(np.asarray(again(images)), np.asarray(taught(images)))


def test_a_model_without_heads_is_supervised_by_its_logits() -> None:
    model = zoo.build("lenet5", output="class_map")
    network, weights = layers.supervised(model)
    assert weights == [1.0] and network.output_shape == (None, 10)
    assert layers.inference(model) is model


def test_auxiliary_heads_need_a_size() -> None:
    with pytest.raises(ValueError, match="fixed input size"):
        zoo.build("googlenet", auxiliary=True)
    with pytest.raises(ValueError, match="fixed input size"):
        zoo.build("googlenet", auxiliary=True, input_shape=(64, 64, 3))


@pytest.mark.parametrize("name", zoo.list_models("*resnet*"))
def test_no_1x1_convolution_has_a_stride(name: str) -> None:
    """LiteRT's GPU accelerator gets such a one wrong in int8, alone and in a network."""
    with weightless():
        model = zoo.build(name, classes=2, **registry.get(name).tiny)
    strided = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.strides != (1, 1)]
    assert strided and all(layer.kernel_size != (1, 1) for layer in strided)
