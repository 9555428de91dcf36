"""Weights of keras.applications in our networks: the same weights in, the same numbers out."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import keras
import numpy as np
import pytest
from tiny_models import KINDS

import zoo
from zoo import registry
from zoo.models.blocks.normalization import STATISTICS
from zoo.pretrained import keras_applications

SIDE = 64


def patchwork(side: int, count: int = 2) -> np.ndarray:
    """Images of sixteen flat patches: fine noise would look the same in every image."""
    patches = np.random.default_rng(0).uniform(0, 255, (count, 4, 4, 3)).astype("float32")
    return patches.repeat(side // 4, axis=1).repeat(side // 4, axis=2)


def randomise(model: keras.Model, images: np.ndarray) -> None:
    """Random weights of every kind; statistics are those of the images, so that activations neither vanish nor explode."""
    generator = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
            layer.momentum = 0.0
        elif isinstance(layer, keras.layers.Normalization):
            mean, deviation = np.divide(STATISTICS["imagenet"], 255)
            layer.set_weights([mean, deviation**2, np.array(0)])
            layer.finalize_state()
        elif layer.weights:
            layer.set_weights([w + 0.1 * (w.ndim == 1) * generator.standard_normal(w.shape) for w in layer.get_weights()])
    model(images, training=True)


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Hundreds of layers of random weights amplify float32's rounding to 1e-5; in float64 only a wrong mapping differs."""
    before = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(before)


# A file is read by making their network anew, which takes as long as all the rest: once an architecture is enough.
READ_FROM_A_FILE = {
    registry.get(name).body or registry.get(name).builder: name
    for name in sorted(keras_applications.SOURCES, key=lambda name: (len(name), name), reverse=True)  # the shortest stays
    if not registry.get(name).fixed_size  # whose file says nothing of its size
}.values()


@pytest.mark.parametrize("name", sorted({*READ_FROM_A_FILE} | {*KINDS} & keras_applications.SOURCES.keys()))
def test_their_weights_give_their_numbers(name: str, tmp_path, double_precision: None) -> None:
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    source = keras_applications.source(name)
    theirs = source.build(input_shape=(SIDE, SIDE, 3), classes=7, classifier_activation=None)
    images = patchwork(SIDE)
    randomise(theirs, source.preprocess(images.copy()))
    if name in READ_FROM_A_FILE:
        theirs.save_weights(tmp_path / "theirs.weights.h5")
        ours = zoo.build(name, classes=7, weights=f"applications:{tmp_path / 'theirs.weights.h5'}")
    else:
        side = {"input_shape": (SIDE, SIDE, 3)} if registry.get(name).fixed_size else {}
        ours = zoo.build(name, classes=7, **side)
        keras_applications.transfer(theirs, ours, bgr=source.bgr)

    expected = np.asarray(theirs(source.preprocess(images.copy()), training=False))
    answer = np.asarray(ours(images, training=False))
    spread = np.abs(expected).max()
    assert expected.std(axis=0).mean() > 1e-3 * spread, "the image does not matter"
    np.testing.assert_allclose(answer / spread, expected / spread, atol=1e-5)


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_vgg_features_at_the_native_size(name: str) -> None:
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    source = keras_applications.source(name)
    theirs = source.build(include_top=False, input_shape=(224, 224, 3))
    ours = zoo.build(name, classes=2, fc=((7, 8), (1, 8)))
    keras_applications.transfer(theirs, ours, bgr=True)
    images = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype("float32")
    features = keras.Model(ours.inputs, ours.get_layer("pool5").output).predict(images, verbose=0)
    expected = theirs.predict(source.preprocess(images.copy()), verbose=0)
    np.testing.assert_allclose(features, expected, atol=1e-5 * np.abs(expected).max())


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    source = keras_applications.source("mobilenet_v2_035")
    source.build(input_shape=(32, 32, 3), classes=3).save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match=r"mobilenet_v2|MobileNetV2"):
        zoo.build("mobilenet_v2_050", classes=3, weights=f"applications:{tmp_path / 'x.weights.h5'}")


def test_imagenet_weights_say_the_right_thing(shared) -> None:
    """The stored MobileNetV2 knows a street when it sees one."""
    from PIL import Image

    weights = shared / "weights" / "mobilenet_v2_1.0_224_imagenet.weights.h5"
    labels = (shared / "peers" / "imagenet_labels.txt").read_text().splitlines()
    model = zoo.build("mobilenet_v2", classes=labels, weights=f"applications:{weights}", head="probabilities")
    photograph = sorted((shared / "data" / "camvid" / "test").glob("*.png"))[0]
    image = np.asarray(Image.open(photograph).convert("RGB").resize((224, 224)), "float32")
    best = [labels[i] for i in model.predict(image[None], verbose=0)[0].argsort()[::-1][:5]]
    street = {"traffic light", "trolleybus", "cab", "streetcar", "car mirror", "parking meter", "minibus"}
    assert len([label for label in best if label.split(",")[0] in street]) >= 3, best


def test_encoder_weights_reach_a_segmenter(tmp_path) -> None:
    small = {"width": 0.125, "fc": ((7, 32), (1, 32))}
    classifier = zoo.build("vgg16", classes=7, **small)
    classifier.save(tmp_path / "classifier.keras")
    segmenter = zoo.build("fcn8s", encoder_options=small, encoder_weights=tmp_path / "classifier.keras")
    for layer in ("conv1_1", "conv5_3", "fc6", "fc7"):  # the fully connected layers included
        for ours, theirs in zip(
            segmenter.get_layer(layer).get_weights(), classifier.get_layer(layer).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours.ravel(), theirs.ravel())


def test_the_published_efficientnet_divides_by_the_root_of_what_it_calls_variance(tmp_path, monkeypatch) -> None:
    """Their builder adds a layer when it reads the published file, in which the deviation stands for the variance."""
    keras.utils.set_random_seed(0)
    published = tmp_path / "published.weights.h5"
    theirs = keras.applications.EfficientNetB0(weights=None, classifier_activation=None)
    images = patchwork(224, count=1)
    randomise(theirs, images)
    normalization = next(layer for layer in theirs.layers if isinstance(layer, keras.layers.Normalization))
    mean, variance, count = normalization.get_weights()
    normalization.set_weights([mean, variance**0.5, count])
    theirs.save_weights(published)
    module = sys.modules[keras.applications.EfficientNetB0.__module__]
    monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: str(published))
    theirs = keras.applications.EfficientNetB0(weights="imagenet", classifier_activation=None)
    ours = zoo.build("efficientnet_b0", weights=f"applications:{published}")

    expected = theirs.predict(images, verbose=0)
    np.testing.assert_allclose(ours.predict(images, verbose=0), expected, atol=1e-5 * np.abs(expected).max())


def test_another_normalisation_than_imagenets_is_refused(tmp_path) -> None:
    source = keras_applications.source("efficientnet_b0")
    source.build(classes=3).save_weights(tmp_path / "untrained.weights.h5")  # mean 0, variance 1
    with pytest.raises(ValueError, match="normalised by mean"):
        zoo.build("efficientnet_b0", classes=3, weights=f"applications:{tmp_path / 'untrained.weights.h5'}")
