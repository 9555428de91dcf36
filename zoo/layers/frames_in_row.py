"""Frames apart and in a row: the frames of a film one by one for an encoder, and what it makes of them in their order again.

A device, to which frames come one after the other, runs `frame_network` and `zoo.layers.step_network` for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united
from zoo.layers.output import ModelOutput, model_output
from zoo.outputs.spec import OutputSpec

FRAME = "frame"  # what is seen of one


class _Frames(keras.layers.Layer):
    """What both know: how many frames there are."""

    carries = 0

    def __init__(self, frames: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frames = frames

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """None: it lays things elsewhere."""
        return 0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable(package="densezoo")
class FramesApart(_Frames):
    """Frames that lie along the channels as items of the batch, all first frames first: N×H×W×kC → kN×H×W×C.

    Args:
        frames: k.

    Raises:
        zoo.errors.InputError: for channels that are not so many frames'.
    """

    quantization = "passthrough"

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] % self.frames:
            raise InputError(f"{self.name}: {input_shape[-1]} channels are not those of {self.frames} frames")
        self.built = True

    def call(self, film: Any) -> Any:
        own = film.shape[-1] // self.frames
        return ops.concatenate([film[..., at * own : (at + 1) * own] for at in range(self.frames)], axis=0)

    def compute_output_spec(self, film: Any) -> keras.KerasTensor:
        batch = None if film.shape[0] is None else self.frames * film.shape[0]
        return keras.KerasTensor((batch, *film.shape[1:3], film.shape[3] // self.frames), dtype=self.compute_dtype)

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The film's."""
        return united(fields)


@keras.saving.register_keras_serializable(package="densezoo")
class FramesInRow(_Frames):
    """What `FramesApart` laid apart as a row of positions: kN×h×w×C → N×1×k×(h·w·C).

    Args:
        frames: k.
    """

    quantization = "passthrough"

    def build(self, input_shape: Shape) -> None:
        """Refuses maps of open size.

        Raises:
            InputError: saying the shape.
        """
        if None in input_shape[1:]:
            raise InputError(f"{self.name}: maps {input_shape[1:]}; frames of open size are no row of numbers: fix the input's")
        self.built = True

    def call(self, maps: Any) -> Any:
        numbers = self._numbers(maps)
        rows = ops.transpose(ops.reshape(maps, (self.frames, -1, numbers)), (1, 0, 2))
        return ops.reshape(rows, (-1, 1, self.frames, numbers))

    def compute_output_spec(self, maps: Any) -> keras.KerasTensor:
        batch = None if maps.shape[0] is None else maps.shape[0] // self.frames
        return keras.KerasTensor((batch, 1, self.frames, self._numbers(maps)), dtype=self.compute_dtype)

    @staticmethod
    def _numbers(maps: Any) -> int:
        _, height, width, channels = maps.shape
        return height * width * channels

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """All of a frame."""
        return Field(united(fields).lines, whole=True)


def frame_network(model: keras.Model) -> keras.Model:
    """The network of one frame: a picture N×H×W×C → what a step of `zoo.layers.step_network` takes of it, N×numbers.

    It shares every layer with `model`. Its output is a dict, by the name of that step's input.

    Args:
        model: one that sees frames by `FramesApart` and remembers them behind `FramesInRow`.

    Raises:
        InputError: for another.
    """
    ends = {kind: [layer for layer in model.layers if isinstance(layer, kind)] for kind in (FramesApart, FramesInRow)}
    if any(len(layers) != 1 for layers in ends.values()):
        raise InputError(f"{model.name} watches no film: expected a network of this zoo with FramesApart and FramesInRow")
    [apart], [row] = ends.values()
    picture = keras.Input(apart.output.shape[1:], name=model.inputs[0].name)
    seen = keras.layers.Flatten(name="numbers")(keras.Model(apart.output, row.input)(picture))
    answer = ModelOutput(model_output(model).task, OutputSpec("numbers", FRAME, scale=None), name=FRAME)(seen)
    return keras.Model(picture, {FRAME: answer}, name=model.name)
