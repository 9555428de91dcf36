"""Encoders and starts out of other people's networks: what fits is taken, what does not is named, nothing else is touched."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import InputError
from zoo.pretrained.weights_io import copy_by_name

ENCODER = "vgg16"
SMALL = {"width": 0.0625, "fc": ((7, 16), (1, 16))}
L = keras.layers


def segmenter(name: str = "unet", classes: int = 2, channels: int = 3, encoder: str = ENCODER, **options) -> keras.Model:
    """A small network over the encoder that all tests here share."""
    return zoo.build(name, classes, (32, 32, channels), encoder=encoder, encoder_options=SMALL, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("trained") / "five.keras"
    segmenter(classes=5).save(path)
    return str(path)


def weights(model: keras.Model, layer: str) -> list[np.ndarray]:
    return model.get_layer(layer).get_weights()


@pytest.mark.parametrize(("name", "classes"), [("unet", 2), ("fcn8s", 5), ("fcn32s", 3)])
def test_the_encoder_alone_comes_out_of_any_segmenter(trained, name, classes) -> None:
    keras.utils.set_random_seed(1)
    before = segmenter(name, classes)
    keras.utils.set_random_seed(1)
    model, source = segmenter(name, classes, encoder_weights=trained), zoo.load(trained)
    body = {layer.name for layer in zoo.build(ENCODER, input_shape=(32, 32, 3), **SMALL).layers if layer.weights}
    shared = body & {layer.name for layer in source.layers} & {layer.name for layer in model.layers}
    assert len(shared) == 13
    for layer in model.layers:
        expected = source if layer.name in shared else before
        for one, other in zip(layer.get_weights(), weights(expected, layer.name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_weights_that_are_shipped_give_their_encoder_by_name() -> None:
    options = zoo.pretrained.catalog.get("unet_lite.ccp").options
    model, source = zoo.build("unet_lite", 7, encoder_weights="unet_lite.ccp", **options), zoo.build("unet_lite.ccp")
    names = [layer.name for layer in model.layers if layer.weights and layer.name.startswith("block")]
    assert names
    for name in names:
        np.testing.assert_array_equal(weights(model, name)[0], weights(source, name)[0])


def test_layers_that_the_file_has_not_are_named(trained) -> None:
    names = "conv3_4, conv4_4, conv5_4"
    with pytest.warns(UserWarning, match=f"13 of the 16 layers of vgg19 that unet has; at their random start stay {names}"):
        segmenter(encoder="vgg19", encoder_weights=trained)


def test_another_encoder_is_refused_with_both_shapes(trained) -> None:
    with pytest.raises(InputError, match=r"has 3×3×3×4 \+ 4 in unet and 3×3×3×8 \+ 8 in unet"):
        zoo.build("unet", 2, (32, 32, 3), encoder=ENCODER, encoder_options={"width": 0.125}, encoder_weights=trained)


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_of_other_channels(trained, channels) -> None:
    """Grey pictures give what they gave as equal channels; a fourth channel changes nothing yet."""
    source = zoo.load(trained)
    model = segmenter(channels=channels, encoder_weights=trained)
    first = next(layer.name for layer in model.layers if isinstance(layer, L.Conv2D))
    (kernel,), (fitted,) = weights(source, first)[:1], weights(model, first)[:1]
    expected = kernel.sum(axis=2, keepdims=True) if channels == 1 else np.pad(kernel, ((0, 0), (0, 0), (0, 1), (0, 0)))
    np.testing.assert_allclose(fitted, expected, rtol=1e-6)


def test_from_grey_to_colour() -> None:
    grey, colour = (keras.Sequential([keras.Input((8, 8, c)), L.Conv2D(4, 3, name="first")]) for c in (1, 3))
    copy_by_name(grey, colour)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(colour(np.repeat(picture, 3, -1)), grey(picture), rtol=1e-4, atol=1e-3)


def test_a_start_from_other_classes_says_what_it_leaves(trained) -> None:
    with pytest.warns(UserWarning, match=r"'score' has 1×1×\d+×5 \+ 5 in unet and 1×1×\d+×2 \+ 2 in unet"):
        model = segmenter(init=trained)
    source, names = zoo.load(trained), [layer.name for layer in model.layers if layer.weights and layer.name != "score"]
    for name in names:
        for one, other in zip(weights(model, name), weights(source, name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_layers_inside_nested_models_and_of_half_precision() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="first", dtype="bfloat16")], name="backbone")
    image = keras.Input((8, 8, 3))
    source, target = keras.Model(image, inner(image)), keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="first")])
    assert copy_by_name(source, target) == ["first"]
    np.testing.assert_array_equal(np.asarray(weights(source, "backbone")[0], "float32"), weights(target, "first")[0])


def test_nothing_is_copied_where_a_layer_does_not_fit() -> None:
    source = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="a"), L.Conv2D(2, 1, name="b")])
    target = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="a"), L.Conv2D(5, 1, name="b")])
    before = target.get_weights()
    with pytest.raises(InputError, match=r"'b' has 1×1×4×2 \+ 2 in .* and 1×1×4×5 \+ 5"):
        copy_by_name(source, target)
    for one, other in zip(target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
