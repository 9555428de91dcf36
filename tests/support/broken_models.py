"""Copies of the converters' tiny network that are broken on purpose, each as converters break things."""

from __future__ import annotations

import keras

L = keras.layers


def padded(model: keras.Model) -> keras.Model:
    """The strided convolution padded by one on each side, as PyTorch and Caffe do: half a pixel off TensorFlow's "same"."""

    def clone(layer):
        config = layer.get_config()
        if layer.name == "down":
            config["padding"] = "valid"
        return type(layer).from_config(config)

    def call(layer, *args, **kwargs):
        return layer(L.ZeroPadding2D(1)(args[0])) if layer.name == "down" else layer(*args, **kwargs)

    return with_weights(keras.models.clone_model(model, clone_function=clone, call_function=call), model)


def with_weights(clone: keras.Model, model: keras.Model) -> keras.Model:
    clone.set_weights(model.get_weights())
    return clone


def swapped(model: keras.Model) -> keras.Model:
    """Takes BGR for RGB."""
    other = with_weights(keras.models.clone_model(model), model)
    kernel, bias = other.get_layer("stem").get_weights()
    other.get_layer("stem").set_weights([kernel[:, :, ::-1], bias])
    return other


def scaled(model: keras.Model) -> keras.Model:
    """Takes 0–1 for 0–255."""
    other = with_weights(keras.models.clone_model(model), model)
    other.get_layer("scale").scale *= 2
    return other


BREAKS = {"padding": padded, "channels": swapped, "range": scaled}
