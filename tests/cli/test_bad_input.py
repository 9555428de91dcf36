"""What `zoo.build` and what reads weights say to bad input: what was given, what was expected, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import zoo
from zoo import registry
from zoo.errors import InputError
from zoo.paper import Paper
from zoo.registry import Variant, enter, register, withdraw

SMALL = {"encoder": "vgg16", "encoder_options": {"width": 0.125, "fc": ((7, 16), (1, 16))}}

CASES: dict[str, tuple[Callable[[], object], str]] = {
    "unknown name": (lambda: zoo.build("fcn8"), r"unknown model 'fcn8'; did you mean .*fcn8s"),
    "no name": (lambda: zoo.build(""), "unknown model ''"),
    "unknown encoder": (lambda: zoo.build("unet", encoder="vgg61"), "did you mean .*vgg16"),
    "a segmenter as encoder": (lambda: zoo.build("fcn8s", encoder="unet"), "unet is no encoder"),
    "an encoder where none is taken": (lambda: zoo.build("vgg16", encoder="alexnet"), "takes no encoder"),
    "unknown option": (lambda: zoo.build("fcn8s", dropout=1), r"unknown option of fcn8s 'dropout'"),
    "unknown option of the encoder": (
        lambda: zoo.build("fcn8s", encoder_options={"depth_multiplier": 1}),
        "unknown option of encoder vgg16 'depth_multiplier'",
    ),
    "unknown output": (lambda: zoo.build("fcn8s", output="softmax", **SMALL), "unknown output 'softmax'.*probabilities"),
    "unknown padding": (lambda: zoo.build("fcn8s", padding="reflect", **SMALL), "unknown padding 'reflect'"),
    "caffe padding without margin": (
        lambda: zoo.build("fcn8s", encoder="mobilenet_v2_035", padding="caffe"),
        "margin",
    ),
    "no classes": (lambda: zoo.build("unet", classes=0, width=0.1), "classes=0"),
    "classes as a word": (lambda: zoo.build("unet", classes="cat", width=0.1), "list of names"),
    "an empty label": (lambda: zoo.build("unet", classes=["cat", ""], width=0.1), "list of names"),
    "a size of two numbers": (lambda: zoo.build("unet", input_shape=(64, 64)), r"\(height, width, channels\)"),
    "no channels": (lambda: zoo.build("unet", input_shape=(64, 64, 0)), r"\(height, width, channels\)"),
    "too small": (lambda: zoo.build("fcn8s", input_shape=(31, 500, 3)), "31×500 is too small.*32×32"),
    "any size where one is needed": (lambda: zoo.build("vgg16", input_shape=(None, None, 3)), "fixed input size"),
    "valid padding over an encoder": (
        lambda: zoo.build("unet", encoder="mobilenet_v2_035", padding="valid"),
        "own contracting path",
    ),
    "too few decoder channels": (
        lambda: zoo.build("unet", encoder="mobilenet_v2_035", decoder_channels=(8, 8)),
        "one for each of the encoder.s strides",
    ),
    "encoder weights without encoder": (
        lambda: zoo.build("unet", width=0.1, encoder_weights="x.keras"),
        "has no place",
    ),
    "missing weights": (lambda: zoo.build("unet", width=0.1, weights="nowhere.weights.h5"), "no file nowhere"),
    "a start beside shipped weights": (
        lambda: zoo.build("unet_lite.ccp", init="run"),
        r"unet_lite\.ccp comes with its weights, and init='run' was given; leave it out, or build unet_lite",
    ),
    "an encoder's weights beside shipped ones": (
        lambda: zoo.build("unet_lite.ccp", encoder_weights="imagenet"),
        "encoder_weights='imagenet' was given; leave it out",
    ),
    "weights beside shipped ones": (
        lambda: zoo.build("unet_lite.ccp", weights="x.keras"),
        "weights='x.keras' was given; leave it out",
    ),
    "a start beside whole weights": (
        lambda: zoo.build("fcn16s", weights="x.keras", init="run", **SMALL),
        "weights='x.keras' fill all of fcn16s, so init='run' has no place",
    ),
    "an encoder's weights beside whole ones": (
        lambda: zoo.build("fcn16s", weights="x.keras", encoder_weights="imagenet", **SMALL),
        "encoder_weights='imagenet' has no place",
    ),
    "options of an encoder that is not there": (
        lambda: zoo.build("unet", encoder_options={"width": 0.5}),
        "encoder_options=.* has no place without encoder=",
    ),
    "a width of the paper's path over an encoder": (
        lambda: zoo.build("unet", encoder="mobilenet_v2_035", width=0.5),
        "width=0.5 is of U-Net's own contracting path",
    ),
    "missing model": (lambda: zoo.load("nowhere.keras"), "no file nowhere"),
    "no keras.applications twin": (
        lambda: zoo.build("alexnet", weights="applications:x.h5"),
        "unknown source of keras.applications weights",
    ),
    "unknown task": (lambda: zoo.list_models(task="juggling"), "unknown task 'juggling'"),
}


@pytest.mark.parametrize("call, expected", CASES.values(), ids=CASES.keys())
def test_bad_input_is_told(call: Callable[[], object], expected: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert re.search(expected, str(error.value)), str(error.value)


def test_a_name_is_registered_once() -> None:
    paper = Paper("A toy", "Nobody", 2026, "https://example.org")

    @register({"toy_of_this_test": Variant()}, task="segmentation", paper=paper, input_size=(32, 32))
    def toy(image, classes):
        raise NotImplementedError

    try:
        with pytest.raises(InputError, match="registered already"):
            enter(registry.get("toy_of_this_test"))
    finally:
        withdraw("toy_of_this_test")


def test_weights_of_another_graph_leave_the_model_as_it_was(tmp_path) -> None:
    import numpy as np

    small, other = zoo.build("unet", classes=2, width=0.0625), zoo.build("unet", classes=3, width=0.0625)
    other.save_weights(tmp_path / "other.weights.h5")
    before = small.get_weights()
    with pytest.raises(InputError, match="does not fit unet"):
        zoo.pretrained.weights_io.load_weights(small, tmp_path / "other.weights.h5")
    for kept, first in zip(small.get_weights(), before, strict=True):
        np.testing.assert_array_equal(kept, first)


def test_weights_of_a_shorter_graph_are_not_half_loaded(tmp_path) -> None:
    short = zoo.build("vgg16", classes=5, width=0.125, fc=((7, 16),))
    short.save_weights(tmp_path / "short.weights.h5")
    longer = zoo.build("vgg16", classes=5, width=0.125, fc=((7, 16), (1, 16)))
    with pytest.raises(InputError, match="does not fit"):
        zoo.pretrained.weights_io.load_weights(longer, tmp_path / "short.weights.h5")


def test_a_toy_encoder_is_one_file_of_code() -> None:
    """Registered in a test, it is listed, carded and usable under a decoder with no other change."""
    import keras

    from zoo.models.blocks.classifier_heads import pooled_top
    from zoo.models.encoders import Features, register_encoder

    paper = Paper("A toy", "Nobody", 2026, "https://example.org")
    names = {"toy_encoder": Variant(options={"width": 4})}

    @register_encoder(names, paper=paper, top=pooled_top, strides=(2, 4, 8), input_size=(64, 64))
    def toy(image, *, width: int) -> Features:
        features, x = Features(), image
        for stride in (2, 4, 8):
            x = keras.layers.Conv2D(width * stride, 3, 2, padding="same", name=f"toy_s{stride}")(x)
            features[f"s{stride}"] = x
        return features

    try:
        assert "toy_encoder" in zoo.list_models(encoder=True)
        card = zoo.card("toy_encoder")
        assert card.strides == (2, 4, 8) and card.macs > 0
        model = zoo.build("unet", encoder="toy_encoder", input_shape=(33, 47, 3), classes=2)
        assert model.output_shape == (None, 33, 47, 2)
        with pytest.raises(InputError, match=r"stride 32 was asked for.*s2, s4, s8"):
            zoo.build("fcn8s", encoder="toy_encoder")
    finally:
        withdraw("toy_encoder")
