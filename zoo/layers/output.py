"""The last layer of every network: what its output is and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united
from zoo.layers.primitives import Primitives
from zoo.outputs.class_scores import OUTPUTS, class_output
from zoo.outputs.spec import InputSpec, OutputSpec

_AXES, _RGB = 4, 3  # of pictures N×H×W×C, and C of those in colour
_OUTPUT_OF_HEAD = {"classes": "class_map"}  # files of 0.1 say "kind": logits, probabilities or classes
_ACTIVATIONS = {
    "linear": lambda x: x,
    "sigmoid": lambda x: keras.ops.sigmoid(x),
    "softmax": lambda x: keras.ops.softmax(x, axis=-1),
    "argmax": lambda x: keras.ops.cast(keras.ops.argmax(x, axis=-1), "int32"),
}


@keras.saving.register_keras_serializable(package="densezoo", name="Answer")  # as files of 0.1 have it
class ModelOutput(keras.layers.Layer):
    """Turns a network's last map into the output that was asked for, and carries its meaning.

    Because the spec is part of this layer's configuration it survives saving, cloning and bridging; training, conversion and
    the runner ask here and need no side file.

    Where the layer before it has `output_options`, those are options of the spec: what only the network's end knows of its
    numbers, and what changes with the size that it is built for.

    Args:
        task: name of the task (`zoo.tasks.names()`).
        spec: what the output is. Its channels, and whether it has positions, are the map's.
        inputs: what the network takes, where that is more than one picture; by default nothing is said.
    """

    carries = 0  # what comes out is meant as it is

    def __init__(
        self,
        task: str,
        spec: OutputSpec | Mapping[str, Any],
        inputs: Sequence[InputSpec | Mapping[str, Any]] = (),
        **kwargs: Any,
    ) -> None:
        kwargs["dtype"] = "float32"  # a softmax in half precision is where mixed precision turns into NaN
        super().__init__(**kwargs)
        self.task = task
        self.spec = spec if isinstance(spec, OutputSpec) else OutputSpec.from_dict(spec)
        self.inputs = tuple(each if isinstance(each, InputSpec) else InputSpec.from_dict(each) for each in inputs)

    def __call__(self, logits: Any, **kwargs: Any) -> Any:
        history = getattr(logits, "_keras_history", None)
        options = getattr(getattr(history, "operation", None), "output_options", None)
        if options:
            self.spec = replace(self.spec, options={**self.spec.options, **options})
        return super().__call__(logits, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Completes the spec by what only the map tells.

        Raises:
            InputError: for a softmax over one channel, which is 1 whatever the network has learnt.
        """
        if self.spec.activation == "softmax" and input_shape[-1] == 1:
            raise InputError(f"{self.name}: a softmax over one channel is always 1; build with classes=2, or output='logits'")
        scale = None if len(input_shape) == 2 else self.spec.scale or 1  # a classifier that slides answers many places
        self.spec = replace(self.spec, channels=input_shape[-1], scale=scale)
        self.built = True

    def call(self, logits: Any) -> Any:
        if self.spec.activation != "argmax":
            logits = keras.ops.cast(logits, "float32")
        return _ACTIVATIONS[self.spec.activation](logits)

    def compute_output_spec(self, logits: Any) -> keras.KerasTensor:
        if self.spec.activation == "argmax":
            return keras.KerasTensor(logits.shape[:-1], dtype="int32")
        return keras.KerasTensor(logits.shape, dtype="float32")

    @property
    def quantization(self) -> str:
        """Logits are handed on; a softmax or a sigmoid gives numbers of its own, an argmax none to be rounded."""
        return {"linear": "passthrough", "argmax": "integers"}.get(self.spec.activation, "rounds")

    def lower(self, logits: Any, primitives: Primitives) -> Any:
        """Keras's argmax tells -0.0 from 0.0 by its sign bit, an integer operation that TFLite does not have."""
        return primitives.argmax(logits, -1) if self.spec.activation == "argmax" else self(logits)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: activations do not count."""
        return 0

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The map's."""
        return united(fields)

    @property
    def labels(self) -> tuple[str, ...]:
        """One name a class."""
        return self.spec.labels

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """One (r, g, b) a class."""
        return self.spec.palette

    @property
    def trained_on(self) -> OutputSpec:
        """The meaning of this layer's input, on which networks are trained."""
        if self.spec.activation == "linear":
            return self.spec
        linear = {name: kind for name, (kind, activation) in OUTPUTS.items() if activation == "linear"}
        kind = next(iter(linear.values())) if self.spec.activation == "argmax" else self.spec.kind
        return replace(self.spec, kind=kind, activation="linear")

    def get_config(self) -> dict[str, Any]:
        meaning = {"task": self.task, "spec": self.spec.to_dict(), "inputs": [each.to_dict() for each in self.inputs]}
        return {**super().get_config(), **meaning}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ModelOutput:
        """The layer of a configuration, of 0.1's too, which had "kind", "labels" and "palette"."""
        if "spec" not in config:
            config = dict(config)
            head = config.pop("kind", "logits")
            labels, palette = config.pop("labels", ()), config.pop("palette", ())
            config["spec"] = class_output(labels, palette, _OUTPUT_OF_HEAD.get(head, head)).to_dict()
        return cls(**config)


def model_output(model: keras.Model) -> ModelOutput | None:
    """The `ModelOutput` layer that a model ends in, or None for a model that is not from this zoo."""
    return next((layer for layer in reversed(model.layers) if isinstance(layer, ModelOutput)), None)


def output_layers(model: keras.Model) -> list[ModelOutput]:
    """The `ModelOutput` layers that a model ends in, in the order of its outputs; none for a model of others."""
    by_tensor = {id(layer.output): layer for layer in model.layers if isinstance(layer, ModelOutput)}
    return [by_tensor[id(tensor)] for tensor in model.outputs if id(tensor) in by_tensor]


def output_spec(model: keras.Model) -> OutputSpec | None:
    """The spec of a model's output, or None for a model that is not from this zoo."""
    layer = model_output(model)
    return None if layer is None else layer.spec


def assumed_spec(model: keras.Model) -> OutputSpec:
    """The spec assumed for a model that does not say its own: logits of classes, of every pixel where its output is a map."""
    shape = model.outputs[0].shape
    return OutputSpec("class_scores", channels=shape[-1], scale=1 if len(shape) == 4 else None)


def trained_spec(model: keras.Model) -> OutputSpec:
    """The spec of the last map of a model before its activation, on which it is trained."""
    layer = model_output(model)
    return assumed_spec(model) if layer is None else layer.trained_on


def input_specs(model: keras.Model) -> tuple[InputSpec, ...]:
    """The specs of a model's inputs: its `ModelOutput`'s, or else as the tensors let one guess.

    Of several, N×H×W×C in colour (C = 3) or in bytes are pictures, or where none is the first N×H×W×C; the others are plain
    numbers, of which nobody knows the range. A dict of inputs names them.
    """
    described = [layer.inputs for layer in model.layers if isinstance(layer, ModelOutput) and layer.inputs]
    if described and len(described[0]) in (1, len(model.inputs)):
        return described[0]
    maps = [place for place, tensor in enumerate(model.inputs) if len(tensor.shape) == _AXES]
    pictures = [place for place in maps if _looks_like_a_picture(model.inputs[place])] or maps[:1]
    structure = getattr(model, "_inputs_struct", None)
    names = sorted(structure) if isinstance(structure, Mapping) else [tensor.name for tensor in model.inputs]
    specs = []
    for place, (name, tensor) in enumerate(zip(names, model.inputs, strict=True)):
        size = tuple(tensor.shape[1:3]) if place in maps else (None, None)
        facts = {} if place in pictures or len(model.inputs) == 1 else {"range": None, "layout": ""}
        channels = (tensor.shape[-1] if len(tensor.shape) > 1 else None) or 1
        specs.append(InputSpec(name, None if None in size else size, channels, **facts))
    return tuple(specs)


def _looks_like_a_picture(tensor: keras.KerasTensor) -> bool:
    return tensor.shape[-1] == _RGB or keras.backend.standardize_dtype(tensor.dtype) == "uint8"
