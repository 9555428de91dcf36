"""Clients: programs of others that read our files, what each of them can read, and the network that ends in that.

| client | format | output | input and output numbers |
|---|---|---|---|
| mediapipe | .tflite | of pixels scores, for the file says what makes probabilities of them; of pictures these | not int8 |
| opencv | .onnx at a fixed size | scores | float32 |
| litert | .tflite | any | any |
| web | .tflite | any | float32 (LiteRT.js refuses int8 input) |

Tried with MediaPipe 1.2.3, OpenCV 5.0.0, ai-edge-litert 2.3.0 and LiteRT.js 2.5.3. MediaPipe takes files of class indices and
draws garbage of them; its category mask of a single channel is 0 on the foreground and 255 elsewhere. Its ObjectDetector
gets boxes and shares in two outputs (`converters.detector_end`) and chooses by itself: without regard to classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras

from converters.detector_end import detector_end
from converters.specs import model_outputs, output_specs
from zoo import outputs
from zoo.errors import InputError, unknown
from zoo.layers import ModelOutput
from zoo.outputs import OutputSpec


@dataclass(frozen=True)
class Client:
    """A program that reads our files.

    Attributes:
        name: as people write it.
        format: "tflite" or "onnx".
        io: the types of input and output that it takes.
        scores: whether it wants scores of classes, and no indices.
        probabilities: whether it wants scores of whole pictures as probabilities.
        fixed: whether it needs a fixed size, whatever the format allows.
        rows: whether it takes rows of numbers for places, of which others choose; boxes it is given decoded where not.
    """

    name: str
    format: str
    io: tuple[str, ...]
    scores: bool = False
    probabilities: bool = False
    fixed: bool = False
    rows: bool = True


CLIENTS: dict[str, Client] = {
    "mediapipe": Client("MediaPipe", "tflite", ("float32", "uint8"), scores=True, probabilities=True, rows=False),
    "opencv": Client("OpenCV", "onnx", ("float32",), scores=True, fixed=True),
    "litert": Client("LiteRT", "tflite", ("float32", "int8", "uint8")),
    "web": Client("LiteRT.js", "tflite", ("float32",)),
}


def client(name: str) -> Client:
    """The client of that name.

    Raises:
        InputError: for an unknown one.
    """
    if name not in CLIENTS:
        raise unknown("client", name, CLIENTS)
    return CLIENTS[name]


def ending_for(model: keras.Model, reader: Client, size: tuple[int, int] | None = None) -> keras.Model:
    """The model with the end that a client reads; the model itself where it has that end already.

    Args:
        model: of this zoo, or of others.
        reader: the client.
        size: (H, W) of the file's pictures, for a model of any size whose end has to know it.

    Raises:
        InputError: for class indices of a model of others, whose scores are not to be had, and for rows of places where the
            client wants the things that are found in them.
    """
    specs = output_specs(model)
    if not reader.rows and len(specs) == 1 and outputs.kind(specs[0]).framed and model_outputs(model)[0] is not None:
        return detector_end(model, model_outputs(model)[0], size)
    if not reader.rows and any(spec.dense and not outputs.kind(spec).pixelwise for spec in specs):
        raise InputError(
            f"'{model.name}' ends in a row of numbers for each place, of which edge.Runner and the app choose; {reader.name} "
            "wants what is found, chosen inside of the file. Convert it --for litert or --for web"
        )
    if len(specs) != 1 or not specs[0].labels:  # what tells no classes apart is nothing that these clients judge
        return model
    spec, layer = specs[0], model_outputs(model)[0]
    wanted = _wanted(spec, reader)
    if wanted is None:
        return model
    if layer is None:
        if spec.activation == "argmax":
            raise InputError(f"{reader.name} reads scores, '{model.name}' ends in class indices; give it without its argmax")
        end = keras.layers.Activation(wanted, dtype="float32", name=wanted)(model.outputs[0])
        return keras.Model(model.inputs, end, name=model.name)
    meant = replace(layer.trained_on, activation=wanted)
    end = ModelOutput(layer.task, meant, layer.inputs, name=layer.name)(layer.input)
    return keras.Model(model.inputs, end, name=model.name)


def _wanted(spec: OutputSpec, reader: Client) -> str | None:
    """The activation to end in; None where it is right as it is."""
    if spec.activation == "argmax" and reader.scores:
        return "linear" if spec.dense or not reader.probabilities else "softmax"
    if spec.activation == "linear" and reader.probabilities and not spec.dense:
        return "sigmoid" if spec.channels == 1 else "softmax"
    return None
