"""Keras 3 to tf_keras and back: every architecture, nested and shared layers, and what cannot be bridged."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from converter_models import pictures, segmenter
from tiny_models import ARCHITECTURES, answer_at_near_ties
from tiny_models import pictures as noise

import converters
from converters import graph
from converters.tf_keras import layers as counterparts
from zoo.errors import InputError
from zoo.layers import MaxPoolIndices

L = keras.layers


@keras.saving.register_keras_serializable(package="test")
class Blur(L.Layer):
    """A layer that the bridge does not know."""

    def call(self, x):
        return keras.ops.average_pool(x, 3, strides=1, padding="same")


def model_of(*layers: L.Layer, shape=(16, 16, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers], name="small")


@pytest.fixture
def forgetful(monkeypatch):
    """Forgets the counterparts that a test registers."""
    monkeypatch.setattr(counterparts, "_MAKERS", dict(counterparts._MAKERS))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_architecture_crosses_and_its_twin_is_saved(untrained, tmp_path):
    model = untrained
    counterpart = converters.to_tf_keras(model)
    assert isinstance(counterpart, tf_keras.Model) and [layer.name for layer in counterpart.layers[1:]] == [
        layer.name for layer in model.layers[1:]
    ]
    counterpart.save(tmp_path / "counterpart.keras")
    again = tf_keras.models.load_model(tmp_path / "counterpart.keras")
    images = noise(model)
    maxima = [layer.name for layer in model.layers if isinstance(layer, MaxPoolIndices)]
    outputs = [again.output, *(again.get_layer(name).output for name in maxima)]
    theirs, *positions = tf.nest.flatten(tf_keras.Model(again.inputs, outputs)(images))
    ours = answer_at_near_ties(model, images, {name: each.numpy() for name, each in zip(maxima, positions, strict=True)})
    assert graph.difference(ours, theirs) < 1e-5


def test_nested_models_are_opened_and_shared_layers_stay_shared():
    inner = model_of(L.Conv2D(3, 3, padding="same", name="conv"), L.BatchNormalization(name="norm"))
    image = keras.Input((None, None, 3), name="image")
    shared = L.Conv2D(3, 1, name="shared")
    x = L.Conv2D(3, 3, padding="same", name="conv")(image)  # the name of one in the nested model
    x = L.Add(name="sum")([shared(inner(x, training=False)), shared(image)])
    model = keras.Model(image, inner(x), name="outer")
    counterpart = converters.to_tf_keras(model)
    names = [layer.name for layer in counterpart.layers]
    assert names.count("shared") == 1 and {"conv", "conv_1", "norm"} <= set(names)
    assert not any(isinstance(layer, tf_keras.Model) for layer in counterpart.layers)
    assert len(counterpart.weights) == len(model.weights)
    images = pictures(2).astype("float32")
    np.testing.assert_allclose(counterpart(images).numpy(), np.asarray(model(images)), rtol=1e-4, atol=1e-3)


def test_several_inputs_and_outputs():
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    joined = L.Concatenate()([L.Dense(4, activation="hard_sigmoid")(a), L.Dense(4, activation="silu")(b)])
    counterpart = converters.to_tf_keras(keras.Model([a, b], [joined, L.Softmax()(joined)]))
    assert counterpart.input_names == ["a", "b"] and len(counterpart.outputs) == 2


SAME = [
    L.Activation("hard_silu"), L.Activation("relu6"), L.LeakyReLU(0.1), L.PReLU(), L.Activation("gelu"),
    L.GroupNormalization(1), L.UpSampling2D(2, interpolation="bilinear"), L.Resizing(9, 11), L.SeparableConv2D(4, 3),
    L.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]), L.Conv2DTranspose(4, 3, 2), L.RandomFlip(),
    L.LayerNormalization(),
]  # fmt: skip


@pytest.mark.parametrize("layer", SAME, ids=lambda layer: layer.name)
def test_layers_that_differ_between_the_two_kerases(layer):
    assert converters.to_tf_keras(model_of(layer, L.BatchNormalization()))


def test_a_half_precision_model_becomes_a_float32_twin():
    policy = keras.DTypePolicy("mixed_float16")
    counterpart = converters.to_tf_keras(model_of(L.Conv2D(4, 3, dtype=policy), L.ReLU(dtype=policy)))
    assert {layer.compute_dtype for layer in counterpart.layers} == {"float32"}


def test_weights_travel_back():
    model = segmenter()
    counterpart = converters.to_tf_keras(model)
    for weight in counterpart.weights:
        weight.assign(weight * 1.5 + 0.1)
    back = converters.to_keras(counterpart, model)
    images = pictures(2).astype("float32")
    np.testing.assert_allclose(np.asarray(back(images)), counterpart(images).numpy(), rtol=1e-3, atol=1e-4)
    assert not np.allclose(np.asarray(back(images)), np.asarray(model(images)), rtol=1e-2)
    with pytest.raises(InputError, match="is not in 'small'"):
        converters.to_keras(converters.to_tf_keras(model_of(L.Conv2D(2, 1))), model)


def test_an_unknown_layer_is_named_and_can_be_registered(forgetful):
    model = model_of(L.Conv2D(2, 1), Blur(name="blur"))
    with pytest.raises(InputError, match=r"'blur' \(Blur\) has no counterpart.*converters.tf_keras_counterpart\(Blur"):
        converters.to_tf_keras(model)
    converters.tf_keras_counterpart(Blur, borrow=True)
    assert converters.to_tf_keras(model)

    @converters.tf_keras_counterpart(Blur)
    class Average(tf_keras.layers.AveragePooling2D):
        def __init__(self, **kwargs):
            super().__init__(3, 1, "same", **kwargs)

    assert isinstance(converters.to_tf_keras(model).get_layer("blur"), Average)


def test_a_twin_that_computes_otherwise_is_found_out(forgetful):
    converters.tf_keras_counterpart(Blur)(lambda layer: tf_keras.layers.MaxPooling2D(3, 1, "same", name=layer.name))
    with pytest.raises(InputError, match=r"'blur' \(Blur\) is the first layer that differs"):
        converters.to_tf_keras(model_of(L.Conv2D(2, 1), Blur(name="blur"), L.Conv2D(2, 1)))


def operator() -> keras.Model:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, image + 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (operator, "an operator on tensors"),
        (lambda: keras.Model(), "functional"),
        (lambda: model_of(L.Activation(lambda x: x * 2)), "not one of Keras's own"),
    ],
    ids=["operator", "subclassed", "function"],
)
def test_bad_input(make, message):
    with pytest.raises(InputError, match=message):
        converters.to_tf_keras(make())
