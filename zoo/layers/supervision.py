"""Auxiliary heads: deep supervision inside a network, which helps to train it and is not there when it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.layers.field import Field, Shape
from zoo.layers.output import ModelOutput, model_output, output_layers


@keras.saving.register_keras_serializable(package="densezoo")
class AuxiliaryHeads(keras.layers.Layer):
    """Takes [logits, auxiliary logits, …], each of the answer's shape, and gives the logits alone.

    It keeps the heads in the graph, so that they are built, saved and counted with the network, which still has one output;
    what nobody reads is not computed by a converter's file. `supervised` brings the heads out to be trained, as `zoo.train`
    does, against the targets that the logits have; `inference` leaves them behind.

    Args:
        weights: factor of each auxiliary head's loss beside the main one's 1.
    """

    quantization, carries = "passthrough", 0  # the heads' scores are nobody's to scale

    def __init__(self, weights: Sequence[float], **kwargs) -> None:
        super().__init__(**kwargs)
        self.loss_weights = tuple(float(weight) for weight in weights)

    def call(self, inputs):
        return inputs[0]

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it computes nothing."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The network's own answer's: the heads vanish at inference."""
        return fields[0]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "weights": list(self.loss_weights)}


def auxiliary_heads(model: keras.Model) -> AuxiliaryHeads | None:
    """The layer that ends a model's auxiliary heads, or None for a model without any."""
    return next((layer for layer in model.layers if isinstance(layer, AuxiliaryHeads)), None)


def supervised(model: keras.Model) -> tuple[keras.Model, list[float] | dict[str, float]]:
    """The network to be trained and the weight of the loss on each of its outputs.

    It shares every layer with `model`. Without auxiliary heads it has one output, the logits, of weight 1; with them
    theirs follow. The model is functional, with one image input. Of several outputs the logits and weights are dicts by name.
    Where the logits come from a layer with `shown`, which makes the truth an input, the network has that input too (`fed`).

    >>> network, weights = supervised(zoo.build("googlenet", auxiliary=True, input_shape=(224, 224, 3)))
    >>> network.compile("adamw", loss=[loss] * len(weights), loss_weights=weights)
    """
    last, heads = model_output(model), auxiliary_heads(model)
    image = model.inputs[0]  # and not `model.input`, which a Sequential has not
    if len(model.outputs) > 1:
        ends = {layer.spec.name: layer.input for layer in output_layers(model)}
        return keras.Model(image, ends, name=model.name), dict.fromkeys(ends, 1.0)
    if heads is not None:
        return keras.Model(image, heads.input, name=model.name), [1.0, *heads.loss_weights]
    logits = model.outputs[0] if last is None else last.input
    shown = getattr(logits._keras_history.operation, "shown", None)
    if shown is not None:
        truth, said = shown()
        return keras.Model([image, truth], said, name=model.name), [1.0]
    return keras.Model(image, logits, name=model.name), [1.0]


def fed(network: keras.Model, images: Any, targets: Any) -> Any:
    """What a network of `supervised` is given in training: images, and where it is shown the truth the targets as losses want
    them."""
    return (images, targets) if len(network.inputs) > 1 else images  # a tuple: Keras takes no lists from generators


def inference(model: keras.Model) -> keras.Model:
    """The network without its auxiliary heads, sharing every layer with weights; the model itself if it has none."""
    heads, last = auxiliary_heads(model), model_output(model)
    if heads is None:
        return model
    # An Answer of its own: called twice, the one that is there would no longer know its input.
    return keras.Model(model.input, ModelOutput.from_config(last.get_config())(heads.input[0]), name=model.name)
