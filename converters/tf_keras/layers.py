"""The tf_keras counterpart of each Keras 3 layer: the table that the bridge looks things up in.

A counterpart is a tf_keras layer of the same weights in the same order. Most of Keras's layers have one of their own name and
configuration in tf_keras; the table holds what is different. The zoo's layers borrow: their counterpart is one class,
`Borrowed`, that runs the Keras 3 layer's own code on tf_keras's weights, so that nothing is written twice.

>>> @converters.tf_keras_counterpart(mine.Blur)          # a tf_keras layer that takes the same configuration
... class Blur(tf_keras.layers.Layer): ...
>>> @converters.tf_keras_counterpart(mine.Scale)         # or a function of the Keras 3 layer
... def scale(layer): return tf_keras.layers.Rescaling(layer.factor, name=layer.name)
>>> converters.tf_keras_counterpart(mine.Blur, borrow=True)   # or the layer's own code, if it is made of keras.ops
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
import tf_keras

import zoo.layers
from converters.tflite.dynamic_resize import open_sizes
from converters.tflite.lowering import in_tensorflow
from zoo.analysis.graph import takes_training
from zoo.errors import InputError

Maker = Callable[[keras.Layer], tf_keras.layers.Layer]
_MAKERS: dict[type, Maker] = {}
_DROPPED = ("_initializer", "_regularizer", "_constraint")  # they matter before and in training, not to the weights there are

# Activations that are the same function under the same name in both; the others are borrowed, for tf_keras lacks them or,
# as with hard_sigmoid (0.2·x + 0.5 there, ReLU6(x + 3) / 6 here), means something else by 1e-3 without a word.
_SAME = (
    "elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid", "softmax", "softplus", "softsign", "swish",
    "tanh",
)  # fmt: skip
_BORROWED = (
    "celu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "relu6",
    "soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink", "threshold",
)  # fmt: skip
_RENAMED = {"silu": "swish", "hard_swish": "hard_silu"}


def tf_keras_counterpart(layer: type[keras.Layer], *, borrow: bool = False) -> Callable[[Any], Any]:
    """Enters a counterpart for a layer class; decorates a tf_keras layer class or a function of the Keras 3 layer.

    Args:
        layer: the Keras 3 class, itself and not its subclasses.
        borrow: the counterpart shall run the layer's own code. It has to be registered with Keras (so that the counterpart can
            be saved), be made of keras.ops, and keep its weights as they are at inference.
    """

    def enter(counterpart: Any) -> Any:
        if inspect.isclass(counterpart):
            _MAKERS[layer] = lambda original: counterpart.from_config(configuration(original, counterpart))
        else:
            _MAKERS[layer] = counterpart
        return counterpart

    if borrow:
        _MAKERS[layer] = borrowed
    return enter


def make_counterpart(operation: keras.Operation) -> tf_keras.layers.Layer:
    """The tf_keras counterpart of a layer, without its weights.

    Raises:
        InputError: for an operation that is no layer, or a layer whose counterpart nobody knows.
    """
    kind = type(operation).__name__
    if not isinstance(operation, keras.Layer):
        raise InputError(
            f"'{operation.name}' ({kind}) is an operator on tensors, which tf_keras cannot rebuild: write it as a layer, "
            "as in keras.layers.Add()([x, y])"
        )
    maker = _MAKERS.get(type(operation))
    if maker is not None:
        return maker(operation)
    own = type(operation) is getattr(keras.layers, kind, None)
    counterpart = getattr(tf_keras.layers, kind, None) if own else None
    if counterpart is None:
        raise InputError(
            f"layer '{operation.name}' ({kind}) has no counterpart in tf_keras: register one with "
            f"converters.tf_keras_counterpart({kind}), or "
            f"converters.tf_keras_counterpart({kind}, borrow=True) if it is registered with Keras and made of keras.ops"
        )
    return counterpart.from_config(configuration(operation, counterpart))


def configuration(layer: keras.Layer, counterpart: type[tf_keras.layers.Layer]) -> dict[str, Any]:
    """The part of a Keras 3 layer's configuration that its counterpart understands, in tf_keras's words and in float32."""
    arguments = {"name", "trainable", "dtype"}
    for parent in inspect.getmro(counterpart):
        if "__init__" in vars(parent):
            arguments |= set(inspect.signature(parent.__init__).parameters)
    config = {key: value for key, value in layer.get_config().items() if key in arguments and not key.endswith(_DROPPED)}
    for key in ("activation", "recurrent_activation"):
        if key in config:
            config[key] = activation(config[key])
    return {**config, "dtype": "float32"}


def activation(name: Any) -> Any:
    """A Keras 3 activation, as its configuration has it, in tf_keras's words."""
    name = _RENAMED.get(name, name) if isinstance(name, str) else name
    if name is None or name in _SAME:
        return name
    if name not in _BORROWED:
        raise InputError(
            f"activation {name!r} is not one of Keras's own; use a layer of your own, and register its counterpart"
        )
    return _functions[name]


# ------------------------------------------------------------------------------------------------ borrowing


def _borrowed_function(name: str) -> Callable[[Any], Any]:
    function = getattr(keras.activations, name)

    def run(x: Any) -> Any:
        return function(x)

    run.__name__ = name
    return tf_keras.saving.register_keras_serializable("densezoo", name)(run)


_functions = {name: _borrowed_function(name) for name in _BORROWED}


@tf_keras.saving.register_keras_serializable("densezoo")
class Borrowed(tf_keras.layers.Layer):
    """Runs a Keras 3 layer's own code on weights that belong to tf_keras.

    Args:
        layer: the Keras 3 layer as `keras.saving.serialize_keras_object` writes it. TensorFlow only.
    """

    def __init__(self, layer: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        # Past tf_keras's own bookkeeping, which would take the layer's variables, never read, for weights of the counterpart.
        object.__setattr__(self, "original", keras.saving.deserialize_keras_object(layer))
        self.shares: list[Any] = []

    def build(self, input_shape: Any) -> None:
        shapes = tf.nest.map_structure(lambda shape: tuple(shape.as_list()), input_shape)
        if not self.original.built:
            self.original.build(shapes)
        for weight in self.original.weights:
            share = self.add_weight(weight.name, tuple(weight.shape), weight.dtype, trainable=weight.trainable)
            self.shares.append(share)
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        if not self.shares or not takes_training(self.original):
            kwargs.pop("training", None)  # nothing to learn in it, no randomness, or no word for it
        if not self.shares:
            with open_sizes():
                return in_tensorflow(self.original)(*args, **kwargs)
        own = {id(weight): share for weight, share in zip(self.original.weights, self.shares, strict=True)}
        lists = ([own.get(id(variable), variable.value) for variable in variables]
                 for variables in (self.original.trainable_variables, self.original.non_trainable_variables))
        with open_sizes():
            return self.original.stateless_call(*lists, *args, **kwargs)[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": self.layer}


def borrowed(layer: keras.Layer) -> Borrowed:
    """The counterpart that runs `layer`'s own code."""
    return Borrowed(keras.saving.serialize_keras_object(layer), name=layer.name, trainable=layer.trainable)


# ------------------------------------------------------------------------------------------------ the table

for _layer in (
    *zoo.layers.load_all(),
    keras.layers.AdaptiveAveragePooling1D, keras.layers.AdaptiveAveragePooling2D, keras.layers.AdaptiveMaxPooling1D,
    keras.layers.AdaptiveMaxPooling2D, keras.layers.RMSNormalization,
):  # fmt: skip
    tf_keras_counterpart(_layer, borrow=True)


@tf_keras_counterpart(keras.layers.Activation)
def _activation(layer: keras.layers.Activation) -> tf_keras.layers.Layer:
    function = layer.get_config()["activation"]
    if function == "relu6":  # the layer that tfmot knows, fuses and quantizes
        return tf_keras.layers.ReLU(6.0, name=layer.name)
    return tf_keras.layers.Activation(activation(function), name=layer.name)


@tf_keras_counterpart(keras.layers.LeakyReLU)
def _leaky(layer: keras.layers.LeakyReLU) -> tf_keras.layers.Layer:
    return tf_keras.layers.LeakyReLU(float(layer.negative_slope), name=layer.name)


@tf_keras_counterpart(keras.layers.Normalization)
def _normalization(layer: keras.layers.Normalization) -> tf_keras.layers.Layer:
    mean, variance = (keras.ops.convert_to_numpy(value).ravel() for value in (layer.mean, layer.variance))
    config = layer.get_config()
    options = {"axis": config["axis"], "invert": config["invert"], "name": layer.name}
    if config["axis"] is None:
        mean, variance = float(mean[0]), float(variance[0])
    return tf_keras.layers.Normalization(mean=mean, variance=variance, **options)
